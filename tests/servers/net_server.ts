/**
 * Serves a handler of simulated requests over real sockets: HTTP/1.1, bodies of known length and chunked
 * ones, pulled by the handler, which may answer before they have come.
 */

import type { NetUpload } from "../../runtime/env/env.ts";
import type { SimHandler, SimReply } from "../../runtime/sim/hosts.ts";

/** A running server. */
export interface NetServer {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly origin: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Starts a server on a free port of the loopback interface. */
export function serveNet(handler: SimHandler, port = 0): NetServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  const open = new Map<Deno.TcpConn, Promise<void>>();
  const accepting = (async () => {
    for await (const connection of listener) {
      connection.setNoDelay(true);
      const served = serveOne(connection, handler).catch(() => {}).finally(() => {
        open.delete(connection);
        quietly(() => connection.close());
      });
      open.set(connection, served);
    }
  })();
  return {
    port: listener.addr.port,
    origin: `http://127.0.0.1:${listener.addr.port}`,
    async close() {
      quietly(() => listener.close());
      await accepting;
      const served = [...open.values()];
      for (const connection of open.keys()) quietly(() => connection.close());
      await Promise.all(served);
    },
  };
}

function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // It is closed already.
  }
}

async function serveOne(connection: Deno.TcpConn, handler: SimHandler): Promise<void> {
  const input = new Input(connection);
  for (;;) {
    const head = await input.head();
    if (head === null) return;
    const body = bodyOf(input, head.headers);
    const url = `http://${head.headers.host ?? "127.0.0.1"}${head.target}`;
    const gone = new AbortController();
    const reply = await handler({
      method: head.method,
      url,
      headers: head.headers,
      signal: gone.signal,
      ...(body === null ? {} : { body }),
    });
    const isOver = body === null || body.isOver;
    await connection.write(encoded(reply, head.method, isOver));
    if (isOver) continue;
    // The client is still sending: closing now would take the answer away from it.
    await connection.closeWrite();
    await input.drain();
    return;
  }
}

interface Head {
  readonly method: string;
  readonly target: string;
  readonly headers: Record<string, string>;
}

class Input {
  readonly #connection: Deno.TcpConn;
  #bytes = new Uint8Array();

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  async head(): Promise<Head | null> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.line();
      if (line === null) return null;
      if (line !== "") {
        lines.push(line);
        continue;
      }
      const [method = "", target = ""] = (lines[0] ?? "").split(" ");
      const headers: Record<string, string> = {};
      for (const field of lines.slice(1)) {
        const colon = field.indexOf(":");
        headers[field.slice(0, colon).toLowerCase()] = field.slice(colon + 1).trim();
      }
      return { method, target, headers };
    }
  }

  /** Without its end; `null` where the connection ended. */
  async line(): Promise<string | null> {
    for (;;) {
      const end = this.#bytes.indexOf(10);
      if (end >= 0) {
        const line = new TextDecoder("latin1").decode(this.#bytes.subarray(0, end));
        this.#bytes = this.#bytes.subarray(end + 1);
        return line.replace(/\r$/, "");
      }
      if (!await this.#more()) return null;
    }
  }

  /** Up to `into.length` bytes; 0 where the connection ended. */
  async read(into: Uint8Array): Promise<number> {
    if (this.#bytes.length === 0 && !await this.#more()) return 0;
    const part = this.#bytes.subarray(0, into.length);
    into.set(part);
    this.#bytes = this.#bytes.subarray(part.length);
    return part.length;
  }

  async drain(): Promise<void> {
    while (await this.#more()) this.#bytes = new Uint8Array();
  }

  async #more(): Promise<boolean> {
    const chunk = new Uint8Array(65_536);
    const count = await this.#connection.read(chunk);
    if (count === null) return false;
    const joined = new Uint8Array(this.#bytes.length + count);
    joined.set(this.#bytes);
    joined.set(chunk.subarray(0, count), this.#bytes.length);
    this.#bytes = joined;
    return true;
  }
}

type Body = NetUpload & { readonly isOver: boolean };

function bodyOf(input: Input, headers: Readonly<Record<string, string>>): Body | null {
  if (headers["transfer-encoding"] === "chunked") return new ChunkedBody(input);
  const length = Number(headers["content-length"] ?? 0);
  return headers["content-length"] === undefined ? null : new PlainBody(input, length);
}

function broken(): Error {
  return new Error("the client hung up before the end of its body");
}

class PlainBody implements Body {
  readonly length: number;
  readonly #input: Input;
  #left: number;

  constructor(input: Input, length: number) {
    this.#input = input;
    this.length = length;
    this.#left = length;
  }

  get isOver(): boolean {
    return this.#left === 0;
  }

  async read(into: Uint8Array): Promise<number> {
    if (this.#left === 0) return 0;
    const count = await this.#input.read(into.subarray(0, Math.min(into.length, this.#left)));
    if (count === 0) throw broken();
    this.#left -= count;
    return count;
  }
}

class ChunkedBody implements Body {
  readonly length = null;
  readonly #input: Input;
  #left = 0;
  isOver = false;

  constructor(input: Input) {
    this.#input = input;
  }

  async read(into: Uint8Array): Promise<number> {
    if (this.isOver) return 0;
    if (this.#left === 0) {
      const line = await this.#input.line();
      if (line === null) throw broken();
      this.#left = parseInt(line, 16);
      if (this.#left === 0) {
        await this.#input.line();
        this.isOver = true;
        return 0;
      }
    }
    const count = await this.#input.read(into.subarray(0, Math.min(into.length, this.#left)));
    if (count === 0) throw broken();
    this.#left -= count;
    if (this.#left === 0) await this.#input.line();
    return count;
  }
}

function encoded(reply: SimReply, method: string, keep: boolean): Uint8Array {
  const body = reply.body ?? new Uint8Array();
  const headers: Record<string, string> = { "content-length": String(body.length) };
  for (const [name, value] of Object.entries(reply.headers ?? {})) {
    headers[name.toLowerCase()] = value;
  }
  if (reply.status === 204) delete headers["content-length"];
  if (!keep) headers.connection = "close";
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = new TextEncoder().encode(`HTTP/1.1 ${reply.status} Status\r\n${lines}\r\n`);
  if (method === "HEAD" || reply.status === 204) return head;
  const whole = new Uint8Array(head.length + body.length);
  whole.set(head);
  whole.set(body, head.length);
  return whole;
}
