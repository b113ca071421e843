import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A server of somebody else, that takes every webhook and keeps its id. */
export class Receiver {
  readonly received: string[] = [];
  port = 0;
  private readonly server: Server = createServer((asked, answer) => {
    this.received.push(String(asked.headers["webhook-id"]));
    asked.resume().once("end", () => answer.end("thank you"));
  });

  async start(): Promise<void> {
    await once(this.server.listen(0, "127.0.0.1"), "listening");
    this.port = (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, "close");
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}
