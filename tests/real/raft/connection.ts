/**
 * A keep-alive HTTP/1.1 connection that carries one request at a time: for clients that must know whether
 * a request was sent, and for benchmarks, where `fetch` costs more than the servers.
 */

/** What a server said. */
export interface Answer {
  readonly status: number;
  /** Status line and header lines. */
  readonly head: string;
  readonly body: Uint8Array;
}

/** What is asked. */
export interface Question {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Where a server listens. */
export interface Place {
  readonly hostname: string;
  readonly port: number;
}

const READ_BYTES = 16_384;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A question in bytes; made once where it is asked often. */
export function questionBytes({ method, path, headers = {}, body }: Question): Uint8Array {
  const lines = [`${method} ${path} HTTP/1.1`, "host: member"];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body !== undefined) lines.push(`content-length: ${encoder.encode(body).length}`);
  return encoder.encode(`${lines.join("\r\n")}\r\n\r\n${body ?? ""}`);
}

/** The value of a header; null if there is none. */
export function headerOf({ head }: Answer, name: string): string | null {
  return new RegExp(`^${name}: *(.*?)\\s*$`, "im").exec(head)?.[1] ?? null;
}

/** The body as text. */
export function textOf({ body }: Answer): string {
  return decoder.decode(body);
}

/** See the head of this file. */
export class Connection {
  readonly #connection: Deno.TcpConn;
  #buffer = new Uint8Array(READ_BYTES);
  #filled = 0;
  #isClosed = false;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    connection.setNoDelay(true);
  }

  /** Rejects where nobody listens, or at `signal`; nothing was asked then. */
  static async open({ hostname, port }: Place, signal?: AbortSignal): Promise<Connection> {
    const options = { hostname, port, ...(signal === undefined ? {} : { signal }) };
    return new Connection(await Deno.connect(options));
  }

  /** Asks, and resolves with the whole answer; whatever it rejects with, it may have been done. */
  async ask(question: Uint8Array): Promise<Answer> {
    for (let sent = 0; sent < question.length;) {
      sent += await this.#connection.write(sent === 0 ? question : question.subarray(sent));
    }
    let headEnd = endOfHead(this.#buffer, this.#filled);
    while (headEnd < 0) {
      await this.#read();
      headEnd = endOfHead(this.#buffer, this.#filled);
    }
    const head = decoder.decode(this.#buffer.subarray(0, headEnd));
    const status = Number(head.slice(9, 12));
    const body = await this.#body(head, status, headEnd);
    return { status, head, body };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }

  async #body(head: string, status: number, from: number): Promise<Uint8Array> {
    if (status === 204 || status === 304) return this.#take(from, from);
    const length = /^content-length: *(\d+)/im.exec(head)?.[1];
    if (length === undefined) return await this.#chunks(from);
    const end = from + Number(length);
    while (this.#filled < end) await this.#read();
    return this.#take(from, end);
  }

  /** Answers are small: their chunks are looked for from the start whenever more has come. */
  async #chunks(from: number): Promise<Uint8Array> {
    for (;;) {
      const text = new TextDecoder("latin1").decode(this.#buffer.subarray(from, this.#filled));
      const parts: Uint8Array[] = [];
      for (let at = 0; text.indexOf("\r\n", at) >= 0;) {
        const start = text.indexOf("\r\n", at) + 2;
        const size = parseInt(text.slice(at, start), 16);
        if (text.length < start + size + 2) break;
        parts.push(this.#buffer.slice(from + start, from + start + size));
        at = start + size + 2;
        if (size > 0) continue;
        this.#take(from, from + at);
        return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
      }
      await this.#read();
    }
  }

  /** The body; what came behind it stays. */
  #take(from: number, end: number): Uint8Array {
    const body = this.#buffer.slice(from, end);
    this.#buffer.copyWithin(0, end, this.#filled);
    this.#filled -= end;
    return body;
  }

  async #read(): Promise<void> {
    if (this.#filled === this.#buffer.length) {
      const larger = new Uint8Array(2 * this.#filled);
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    const count = await this.#connection.read(this.#buffer.subarray(this.#filled));
    if (count === null) throw new Deno.errors.UnexpectedEof("the server has hung up");
    this.#filled += count;
  }
}

/** Where the body begins; -1 if the head is not complete. */
function endOfHead(buffer: Uint8Array, filled: number): number {
  for (let at = 0; at + 3 < filled; at += 1) {
    at = buffer.indexOf(13, at);
    if (at < 0 || at + 3 >= filled) return -1;
    if (buffer[at + 1] === 10 && buffer[at + 2] === 13 && buffer[at + 3] === 10) return at + 4;
  }
  return -1;
}
