/** Replies of FTP servers (RFC 959, section 4.2), as they come off a connection. Pure. */

import { ProtocolError } from "../errors.ts";

/** One reply. */
export interface Reply {
  /** Three digits. */
  readonly code: number;
  /** All of its lines without the code in front, the first one first; at least one. */
  readonly lines: readonly string[];
}

/** It says that something has begun, and that another reply will come. */
export function isPreliminary({ code }: Reply): boolean {
  return code < 200;
}

/** What was asked for is done. */
export function isDone({ code }: Reply): boolean {
  return code >= 200 && code < 300;
}

/** It waits for the command that belongs to the last one. */
export function isIntermediate({ code }: Reply): boolean {
  return code >= 300 && code < 400;
}

const FIRST_LINE = /^([1-5]\d\d)(?:([ -])(.*))?$/s;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * Turns bytes into replies. A reply of more than `mostBytes` is a `badResponse`, found before it is
 * kept; so is a line that can begin none.
 */
export class ReplyParser {
  readonly #place: string;
  readonly #mostBytes: number;
  #held = new Uint8Array(0);
  #bytes = 0;
  #open: { readonly code: string; readonly lines: string[] } | null = null;

  constructor(place: string, mostBytes: number) {
    this.#place = place;
    this.#mostBytes = mostBytes;
  }

  /** Nothing has come of a further reply. */
  get isEmpty(): boolean {
    return this.#held.length === 0 && this.#open === null;
  }

  /** The replies that end in `bytes`. */
  push(bytes: Uint8Array): Reply[] {
    const replies: Reply[] = [];
    let from = 0;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, from);
      const part = bytes.subarray(from, end < 0 ? bytes.length : end);
      this.#count(part.length);
      this.#hold(part);
      if (end < 0) return replies;
      from = end + 1;
      const reply = this.#line(this.#taken());
      if (reply === null) continue;
      this.#bytes = 0;
      replies.push(reply);
    }
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes <= this.#mostBytes) return;
    throw this.#unlike(`it is longer than ${this.#mostBytes} bytes`);
  }

  #hold(part: Uint8Array): void {
    const joined = new Uint8Array(this.#held.length + part.length);
    joined.set(this.#held);
    joined.set(part, this.#held.length);
    this.#held = joined;
  }

  /** The line that is complete, without its end. */
  #taken(): string {
    const held = this.#held;
    this.#held = new Uint8Array(0);
    const length = held.at(-1) === RETURN ? held.length - 1 : held.length;
    return new TextDecoder().decode(held.subarray(0, length));
  }

  #line(line: string): Reply | null {
    if (this.#open !== null) return this.#further(this.#open, line);
    // Some servers send empty lines in between.
    if (line.trim() === "") return null;
    const match = FIRST_LINE.exec(line);
    if (match === null) throw this.#unlike("it begins without a code");
    const [, code = "", separator = " ", text = ""] = match;
    if (separator === " ") return { code: Number(code), lines: [text] };
    this.#open = { code, lines: [text] };
    return null;
  }

  #further(open: { readonly code: string; readonly lines: string[] }, line: string): Reply | null {
    const isLast = line === open.code || line.startsWith(`${open.code} `);
    const repeatsCode = isLast || line.startsWith(`${open.code}-`);
    open.lines.push(repeatsCode ? line.slice(4) : line);
    if (!isLast) return null;
    this.#open = null;
    return { code: Number(open.code), lines: open.lines };
  }

  #unlike(reason: string): ProtocolError {
    const message = `cannot understand ${this.#place}: what it answers is no reply of an FTP ` +
      `server, ${reason}`;
    return new ProtocolError("badResponse", message, { definite: false });
  }
}
