/**
 * As much of gRPC as etcd must be asked in: unary calls over HTTP/2 without TLS, several at a time on a
 * connection. It reads frames and leaves headers unread: a call with a message in its answer has succeeded.
 */

import type { Place } from "../real/raft/connection.ts";

const DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, PING = 6, GOAWAY = 7, WINDOW_UPDATE = 8;
const ACK = 1, END_STREAM = 1, END_HEADERS = 4;
const WINDOW_BYTES = 2 ** 31 - 1;
const FIRST_WINDOW_BYTES = 65_535;
const FRAME_HEAD_BYTES = 9;
const READ_BYTES = 64 * 1_024;
const encoder = new TextEncoder();

/** A field of bytes of a protobuf message; `number` below 16, less than 16 KiB. */
export function bytesField(number: number, text: string): Uint8Array {
  const bytes = encoder.encode(text);
  const { length } = bytes;
  const head = length < 128 ? [length] : [(length & 127) | 128, length >> 7];
  return Uint8Array.of((number << 3) | 2, ...head, ...bytes);
}

/** A method and its message, ready to be sent. */
export class Call {
  readonly headers: Uint8Array;
  /** Length-prefixed. */
  readonly message: Uint8Array;

  constructor(path: string, ...fields: readonly Uint8Array[]) {
    this.headers = headerBlock(path);
    const size = fields.reduce((sum, { length }) => sum + length, 0);
    this.message = new Uint8Array(5 + size);
    new DataView(this.message.buffer).setUint32(1, size);
    let at = 5;
    for (const field of fields) {
      this.message.set(field, at);
      at += field.length;
    }
  }
}

/** A call on its way. */
interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  hasMessage: boolean;
}

/** See the head of this file. */
export class GrpcConnection {
  readonly #connection: Deno.TcpConn;
  readonly #waiting = new Map<number, Waiting>();
  #toSend: Uint8Array[] = [];
  #isSending = false;
  #lastStream = -1;
  #windowBytes = FIRST_WINDOW_BYTES;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    connection.setNoDelay(true);
    const window = word(WINDOW_BYTES);
    this.#send(encoder.encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    this.#send(frame(SETTINGS, 0, 0, Uint8Array.of(0, 2, 0, 0, 0, 0, 0, 4, ...window)));
    this.#send(frame(WINDOW_UPDATE, 0, 0, word(WINDOW_BYTES - FIRST_WINDOW_BYTES)));
    this.#read().catch((error) => this.#end(error));
  }

  static async open({ hostname, port }: Place): Promise<GrpcConnection> {
    return new GrpcConnection(await Deno.connect({ hostname, port }));
  }

  /** Resolves with the answer; rejects where there was none. */
  call({ headers, message }: Call): Promise<void> {
    this.#lastStream += 2;
    const stream = this.#lastStream;
    this.#windowBytes -= message.length;
    if (this.#windowBytes < 0) throw new Error("call: more is under way than the server takes");
    this.#send(frame(HEADERS, END_HEADERS, stream, headers));
    this.#send(frame(DATA, END_STREAM, stream, message));
    return new Promise((resolve, reject) => {
      this.#waiting.set(stream, { resolve, reject, hasMessage: false });
    });
  }

  close(): void {
    this.#connection.close();
  }

  #send(bytes: Uint8Array): void {
    this.#toSend.push(bytes);
    if (this.#isSending) return;
    this.#isSending = true;
    queueMicrotask(() => this.#flush().catch((error) => this.#end(error)));
  }

  /** What was sent in one turn is one write. */
  async #flush(): Promise<void> {
    while (this.#toSend.length > 0) {
      const bytes = joined(this.#toSend);
      this.#toSend = [];
      for (let sent = 0; sent < bytes.length;) {
        sent += await this.#connection.write(bytes.subarray(sent));
      }
    }
    this.#isSending = false;
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    const view = new DataView(buffer.buffer);
    for (let filled = 0;;) {
      const count = await this.#connection.read(buffer.subarray(filled));
      if (count === null) throw new Error("read: the server has hung up");
      filled += count;
      let at = 0;
      while (filled - at >= FRAME_HEAD_BYTES) {
        const size = view.getUint32(at) >> 8;
        const end = at + FRAME_HEAD_BYTES + size;
        if (end > filled) break;
        const stream = view.getUint32(at + 5);
        this.#frame(
          view.getUint8(at + 3),
          view.getUint8(at + 4),
          stream,
          buffer.subarray(at + 9, end),
        );
        at = end;
      }
      buffer.copyWithin(0, at, filled);
      filled -= at;
    }
  }

  #frame(type: number, flags: number, stream: number, body: Uint8Array): void {
    if (type === SETTINGS && flags !== ACK) {
      return this.#send(frame(SETTINGS, ACK, 0, new Uint8Array()));
    }
    if (type === PING && flags !== ACK) return this.#send(frame(PING, ACK, 0, body.slice()));
    if (type === WINDOW_UPDATE && stream === 0) {
      this.#windowBytes += new DataView(body.buffer, body.byteOffset).getUint32(0);
      return;
    }
    if (type === GOAWAY) throw new Error("read: the server wants no more calls");
    const waiting = this.#waiting.get(stream);
    if (waiting === undefined) return;
    if (type === DATA) waiting.hasMessage ||= body.length >= 5;
    const isOver = type === RST_STREAM ||
      ((type === DATA || type === HEADERS) && (flags & END_STREAM));
    if (!isOver) return;
    this.#waiting.delete(stream);
    if (waiting.hasMessage && type !== RST_STREAM) waiting.resolve();
    else waiting.reject(new Error("call: the server has refused"));
  }

  #end(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** Literal fields without an index (RFC 7541, 6.2.2), names from the static table where it has them. */
function headerBlock(path: string): Uint8Array {
  const literal = (text: string) => [text.length, ...encoder.encode(text)];
  return Uint8Array.of(
    ...[0x83, 0x86], // :method POST, :scheme http
    ...[0x04, ...literal(path)],
    ...[0x01, ...literal("member")],
    ...[0x0f, 0x10, ...literal("application/grpc")],
    ...[0x00, ...literal("te"), ...literal("trailers")],
  );
}

function frame(type: number, flags: number, stream: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEAD_BYTES + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length << 8);
  view.setUint8(3, type);
  view.setUint8(4, flags);
  view.setUint32(5, stream);
  bytes.set(body, FRAME_HEAD_BYTES);
  return bytes;
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
