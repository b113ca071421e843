import { createHmac } from "node:crypto";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const STEP_MS = 30_000;

function bytes(base32: string): Buffer {
  const bits = [...base32].map((letter) => LETTERS.indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.match(/.{8}/g)!.map((byte) => parseInt(byte, 2)));
}

/** An app that shows codes (RFC 6238), each once. Two can be had at once: a clock may be one step early. */
export class Authenticator {
  private shown = 0;

  constructor(private readonly secret: string) {}

  code(): string {
    this.shown = Math.max(Math.floor(Date.now() / STEP_MS), this.shown + 1);
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(this.shown));
    const mac = createHmac("sha1", bytes(this.secret)).update(counter).digest();
    const place = mac[19]! & 15;
    return String((mac.readUInt32BE(place) & 0x7fffffff) % 1_000_000).padStart(6, "0");
  }
}
