import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { pipeline } from "node:stream";

/** A line to the program that most tests share: an address of its own, and how it is cut and mended. */
export type Line = { url: string; cut: () => void; mend: () => Promise<void> };

/** Lays a line. What is on it when it is cut is lost, and nobody gets through until it is mended. */
export async function layLine(): Promise<Line> {
  const program = new URL(process.env.STARTER_URL!);
  const browsers = new Set<Socket>();
  const relay = createServer((browser) => {
    browsers.add(browser);
    // Either end may go first, and a connection that is cut ends with an error, which is the point here.
    pipeline(browser, connect(Number(program.port), program.hostname), browser, () => browsers.delete(browser));
  });
  const listen = async (port: number) => {
    await once(relay.listen(port, program.hostname), "listening");
    return (relay.address() as AddressInfo).port;
  };
  const port = await listen(0);
  const cut = () => {
    relay.close();
    for (const browser of browsers) browser.destroy();
  };
  return { url: `http://${program.hostname}:${port}`, cut, mend: async () => void (await listen(port)) };
}
