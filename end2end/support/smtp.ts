import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

/** A mail server that takes every letter, and can be taken away. */
export class Sink {
  /** To whom letters came. */
  readonly received: string[] = [];
  /** Goes away by itself when it has taken so many. */
  breaksAfter = Infinity;
  port = 0;
  private server?: SMTPServer;

  /** Begins to listen; after a break on the port that it had. */
  async start(): Promise<void> {
    this.server = new SMTPServer({
      authOptional: true,
      disabledCommands: ["STARTTLS"],
      onData: (stream, session, taken) => {
        stream.resume().once("end", () => {
          this.received.push(...session.envelope.rcptTo.map((to) => to.address));
          taken();
          if (this.received.length === this.breaksAfter) void this.stop();
        });
      },
    });
    // Connections that are cut end with an error, which is the point here.
    this.server.on("error", () => {});
    const listening = this.server.listen(this.port, "127.0.0.1");
    await once(listening, "listening");
    this.port = (listening.address() as AddressInfo).port;
  }

  /** Refuses connections from now on, and cuts those that are open. */
  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (!server) return;
    const closed = new Promise<void>((done) => server.close(() => done()));
    for (const connection of server.connections) connection.close();
    await closed;
  }
}
