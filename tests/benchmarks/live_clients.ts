/**
 * One process of subscribers of `live.ts`: raw sockets that open a stream and look for when an event was
 * sent. It says how many streams are open, and then answers each line of its input with one line:
 * `expect N` with the latencies of the next N deliveries (of fewer, where nothing has come for a while);
 * `read` with what those that have read nothing so far find: events, and how many they are told to have
 * missed.
 */

import { createInterface } from "node:readline";
import process from "node:process";
import { Latencies } from "./latencies.ts";

const [url = "", kind = "", from = "0", count = "0", slow = "0"] = Deno.args;
const port = Number(new URL(url).port);
const AT_ONCE = 50;
const SENT = "sent ";
const EVENT = '{"specversion"';
const MISSED = /"why":"slow","count":(\d+)/;
/** Without any delivery; then no more are waited for. */
const SILENCE_MS = 20_000;
const ALIVE_MS = 10_000;
/** A pong without payload, masked by zeros. */
const PONG = Uint8Array.of(0x8a, 0x80, 0, 0, 0, 0);
/** Of one that was slow; then it has read all that there is for it. */
const QUIET_MS = 5_000;

/** Deliveries that have come, and who waits for how many. */
class Arrivals {
  #latencies = new Latencies();
  #wanted = Infinity;
  #lastMs = 0;
  #done: () => void = () => {};

  take(text: string, nowMs: number): void {
    this.#lastMs = performance.now();
    for (let at = text.indexOf(SENT); at >= 0; at = text.indexOf(SENT, at + 1)) {
      const start = at + SENT.length;
      this.#latencies.add(nowMs - Number(text.slice(start, text.indexOf(" ", start))));
    }
    this.#look();
  }

  async next(deliveries: number): Promise<Latencies> {
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
    const came = this.#latencies;
    this.#latencies = new Latencies();
    return came;
  }

  #look(): void {
    if (this.#latencies.count >= this.#wanted) this.#done();
  }
}

function requestText(target: string): string {
  const labels = encodeURIComponent(`target in (all, ${target})`);
  const upgrade = kind === "live"
    ? "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n" +
      "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    : "";
  return `GET /v1/${kind}?labels=${labels} HTTP/1.1\r\nhost: 127.0.0.1\r\n${upgrade}\r\n`;
}

/**
 * Says that a WebSocket lives, as answers to the server's pings would (RFC 6455, section 5.5.3): those that
 * read nothing see no ping, and the server closes who says nothing for half a minute.
 */
function keepAlive(connection: Deno.TcpConn): void {
  if (kind !== "live") return;
  const say = setInterval(() => {
    connection.write(PONG).catch(() => clearInterval(say));
  }, ALIVE_MS);
}

/** An open stream whose head was read; null where there is none. */
async function open(target: string, buffer: Uint8Array): Promise<Deno.TcpConn | null> {
  try {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode(requestText(target)));
    const length = await connection.read(buffer) ?? 0;
    const isOpen = /^HTTP\/1\.1 (101|200)/.test(
      new TextDecoder("latin1").decode(buffer.subarray(0, length)),
    );
    if (!isOpen) return null;
    keepAlive(connection);
    return connection;
  } catch {
    return null;
  }
}

async function subscribe(index: number, arrivals: Arrivals): Promise<boolean> {
  const buffer = new Uint8Array(8_192);
  const connection = await open(`one-${index}`, buffer);
  if (connection !== null) void listen(connection, buffer, arrivals);
  return connection !== null;
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

/** What one that was slow has got. */
interface Account {
  got: number;
  missed: number;
}

/** Reads all that waits, until nothing has come for {@link QUIET_MS}. */
async function readAll(connection: Deno.TcpConn, account: Account): Promise<void> {
  const decoder = new TextDecoder("latin1");
  const buffer = new Uint8Array(64 * 1_024);
  let text = "";
  for (;;) {
    const length = await Promise.race([
      connection.read(buffer).catch(() => null),
      new Promise<null>((resolve) => setTimeout(() => resolve(null), QUIET_MS)),
    ]);
    text += length === null ? EVENT : decoder.decode(buffer.subarray(0, length));
    let next = text.indexOf(EVENT, 1);
    for (; next >= 0; next = text.indexOf(EVENT, 1)) {
      const event = text.slice(0, next);
      const missed = MISSED.exec(event);
      if (missed !== null) account.missed += Number(missed[1]);
      else if (event.includes(SENT)) account.got += 1;
      text = text.slice(next);
    }
    if (length === null) return connection.close();
  }
}

const arrivals = new Arrivals();
let opened = 0;
for (let at = 0; at < Number(count); at += AT_ONCE) {
  const some = Array.from(
    { length: Math.min(AT_ONCE, Number(count) - at) },
    (_, index) => subscribe(Number(from) + at + index, arrivals),
  );
  opened += (await Promise.all(some)).filter(Boolean).length;
}
const sleepers: Deno.TcpConn[] = [];
for (let at = 0; at < Number(slow); at += 1) {
  const connection = await open("slow", new Uint8Array(8_192));
  if (connection !== null) sleepers.push(connection);
}
process.stdout.write(`${opened} ${sleepers.length}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "read") {
    const accounts = sleepers.map(() => ({ got: 0, missed: 0 }));
    await Promise.all(sleepers.map((sleeper, at) => readAll(sleeper, accounts[at]!)));
    process.stdout.write(`${JSON.stringify(accounts)}\n`);
  } else {
    const { counts } = await arrivals.next(Number(line.split(" ")[1]));
    process.stdout.write(`${JSON.stringify(counts)}\n`);
  }
}
