/**
 * The subscribers of `live.ts`: raw sockets that open a stream and look for when an event was sent. Told on
 * standard input how many deliveries are waited for, it answers with their latencies in ms: of fewer, where
 * nothing has come for a while, as who was told that it missed something will not be told what.
 */

import { createInterface } from "node:readline";
import process from "node:process";

const [url = "", kind = "", count = "0"] = Deno.args;
const port = Number(new URL(url).port);
const AT_ONCE = 100;
const SENT = "sent ";
/** Without any delivery; then no more are waited for. */
const SILENCE_MS = 10_000;

/** Deliveries that have come, and who waits for how many. */
class Arrivals {
  #latencies: number[] = [];
  #wanted = Infinity;
  #lastMs = 0;
  #done: () => void = () => {};

  take(text: string, nowMs: number): void {
    this.#lastMs = performance.now();
    for (let at = text.indexOf(SENT); at >= 0; at = text.indexOf(SENT, at + 1)) {
      const from = at + SENT.length;
      this.#latencies.push(nowMs - Number(text.slice(from, text.indexOf(" ", from))));
    }
    this.#look();
  }

  async next(deliveries: number): Promise<number[]> {
    this.#wanted = deliveries;
    this.#lastMs = performance.now();
    const { promise, resolve } = Promise.withResolvers<void>();
    const silence = setInterval(() => {
      if (performance.now() - this.#lastMs > SILENCE_MS) resolve();
    }, SILENCE_MS / 10);
    this.#done = resolve;
    this.#look();
    await promise;
    clearInterval(silence);
    this.#wanted = Infinity;
    return this.#latencies.splice(0, deliveries);
  }

  #look(): void {
    if (this.#latencies.length >= this.#wanted) this.#done();
  }
}

function requestText(index: number): string {
  const labels = encodeURIComponent(`target in (all, one-${index})`);
  const upgrade = kind === "live"
    ? "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n" +
      "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    : "";
  return `GET /v1/${kind}?labels=${labels} HTTP/1.1\r\nhost: 127.0.0.1\r\n${upgrade}\r\n`;
}

async function subscribe(index: number, arrivals: Arrivals): Promise<boolean> {
  try {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode(requestText(index)));
    const buffer = new Uint8Array(8_192);
    await connection.read(buffer);
    listen(connection, buffer, arrivals);
    return true;
  } catch {
    return false;
  }
}

/** What is cut in two by a read is put together: an event is shorter than the buffer. */
async function listen(
  connection: Deno.TcpConn,
  buffer: Uint8Array,
  arrivals: Arrivals,
): Promise<void> {
  const decoder = new TextDecoder("latin1");
  let rest = "";
  for (;;) {
    const length = await connection.read(buffer).catch(() => null);
    if (length === null) return;
    const nowMs = performance.timeOrigin + performance.now();
    const text = rest + decoder.decode(buffer.subarray(0, length));
    // What may be the beginning of a time, or is one without its end, waits for the next read.
    const at = text.lastIndexOf(SENT);
    const isCut = at >= 0 && text.indexOf(" ", at + SENT.length) < 0;
    const seen = at < 0 ? 0 : at + SENT.length;
    rest = text.slice(isCut ? at : Math.max(seen, text.length - SENT.length + 1));
    arrivals.take(text.slice(0, text.length - rest.length), nowMs);
  }
}

const arrivals = new Arrivals();
let open = 0;
for (let at = 0; at < Number(count); at += AT_ONCE) {
  const some = Array.from(
    { length: Math.min(AT_ONCE, Number(count) - at) },
    (_, index) => subscribe(at + index, arrivals),
  );
  open += (await Promise.all(some)).filter(Boolean).length;
}
process.stdout.write(`${open}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await arrivals.next(Number(line)))}\n`);
}
