/**
 * Packets of SFTP version 3 (draft-ietf-secsh-filexfer-02): what is asked as bytes, and what bytes
 * answer. Pure, and strict: a server may send anything.
 */

import { ProtocolError } from "../errors.ts";

/** Packet types (section 3). */
export const TYPE = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attrs: 105,
  extended: 200,
  extendedReply: 201,
} as const;

/** Status codes (section 7). */
export const STATUS = {
  ok: 0,
  endOfFile: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  noConnection: 6,
  connectionLost: 7,
  unsupported: 8,
} as const;

/** Bits of `open` (section 6.3). */
export const OPEN = { read: 1, write: 2, create: 8, truncate: 16, exclusive: 32 } as const;

const ATTR = { size: 1, owner: 2, permissions: 4, times: 8, extended: 0x8000_0000 } as const;

/** What is told of a file (section 5); `null` where the server does not tell. */
export interface Attributes {
  readonly size: number | null;
  /** Type and permission bits, as in `st_mode`. */
  readonly mode: number | null;
  /** Seconds since 1970. */
  readonly mtimeSeconds: number | null;
}

/** What is to be set; what is left out stays. */
export interface AttributeChanges {
  readonly size?: number;
  readonly mode?: number;
  readonly mtimeSeconds?: number;
}

/** One name of a listing. */
export interface NamedAttributes {
  readonly name: string;
  readonly attributes: Attributes;
}

/** Bytes of a file, in the pieces in which they came: joining them would copy them once more. */
export interface Data {
  readonly length: number;
  readonly pieces: readonly Uint8Array[];
}

/** What a server sends. */
export type Answer =
  | {
    readonly type: "version";
    readonly version: number;
    readonly extensions: ReadonlyMap<string, string>;
  }
  | {
    readonly type: "status";
    readonly id: number;
    readonly code: number;
    readonly message: string;
  }
  | { readonly type: "handle"; readonly id: number; readonly handle: Uint8Array }
  | ({ readonly type: "data"; readonly id: number } & Data)
  | { readonly type: "name"; readonly id: number; readonly names: readonly NamedAttributes[] }
  | { readonly type: "attrs"; readonly id: number; readonly attributes: Attributes }
  | { readonly type: "extendedReply"; readonly id: number; readonly bytes: Uint8Array };

/** Of one read or write, however much a server says it takes. */
export const MOST_DATA_BYTES = 261_120;

const UTF8 = new TextEncoder();
/** A name that is not UTF-8 gets replacement characters, which no file's name here may have. */
const TEXT = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/** One field of a packet. */
export type Field =
  | { readonly u32: number }
  | { readonly u64: number }
  | { readonly text: string }
  | { readonly bytes: Uint8Array }
  | { readonly attributes: AttributeChanges };

/** A packet with its length in front. `id` is `null` in `init` only. */
export function encodePacket(
  type: number,
  id: number | null,
  fields: readonly Field[],
): Uint8Array {
  const parts = fields.map(encodeField);
  const head = id === null ? 5 : 9;
  const length = parts.reduce((sum, part) => sum + part.length, head);
  const packet = new Uint8Array(length);
  const view = new DataView(packet.buffer);
  view.setUint32(0, length - 4);
  packet[4] = type;
  if (id !== null) view.setUint32(5, id);
  let at = head;
  for (const part of parts) {
    packet.set(part, at);
    at += part.length;
  }
  return packet;
}

/** `write` (section 6.4), its data copied once, into `spare` where that has the packet's length. */
export function encodeWrite(
  id: number,
  handle: Uint8Array,
  offset: number,
  data: Uint8Array,
  spare?: Uint8Array,
): Uint8Array {
  const length = 4 + 1 + 4 + 4 + handle.length + 8 + 4 + data.length;
  const packet = spare?.length === length ? spare : new Uint8Array(length);
  const view = new DataView(packet.buffer, packet.byteOffset, length);
  view.setUint32(0, length - 4);
  packet[4] = TYPE.write;
  view.setUint32(5, id);
  view.setUint32(9, handle.length);
  packet.set(handle, 13);
  const at = 13 + handle.length;
  view.setBigUint64(at, BigInt(offset));
  view.setUint32(at + 8, data.length);
  packet.set(data, at + 12);
  return packet;
}

function encodeField(field: Field): Uint8Array {
  if ("u32" in field) {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, field.u32);
    return bytes;
  }
  if ("u64" in field) {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(field.u64));
    return bytes;
  }
  if ("attributes" in field) return encodeAttributes(field.attributes);
  const content = "text" in field ? UTF8.encode(field.text) : field.bytes;
  const bytes = new Uint8Array(4 + content.length);
  new DataView(bytes.buffer).setUint32(0, content.length);
  bytes.set(content, 4);
  return bytes;
}

function encodeAttributes({ size, mode, mtimeSeconds }: AttributeChanges): Uint8Array {
  let flags = 0;
  if (size !== undefined) flags |= ATTR.size;
  if (mode !== undefined) flags |= ATTR.permissions;
  if (mtimeSeconds !== undefined) flags |= ATTR.times;
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, flags);
  let at = 4;
  if (size !== undefined) {
    view.setBigUint64(at, BigInt(size));
    at += 8;
  }
  if (mode !== undefined) {
    view.setUint32(at, mode);
    at += 4;
  }
  if (mtimeSeconds !== undefined) {
    // Access time first; nobody cares for it.
    view.setUint32(at, mtimeSeconds);
    view.setUint32(at + 4, mtimeSeconds);
    at += 8;
  }
  return bytes.subarray(0, at);
}

/** One packet without its length, in pieces; `badResponse` for what is no answer. */
export function decodeAnswer(packet: readonly Uint8Array[]): Answer {
  if (packet[0]?.[0] === TYPE.data) return decodeData(packet);
  const reader = new Reader(joined(packet));
  const type = reader.u8();
  if (type === TYPE.version) return decodeVersion(reader);
  const id = reader.u32();
  switch (type) {
    case TYPE.status: {
      const code = reader.u32();
      // Servers of version 1 and 2 send no message.
      return { type: "status", id, code, message: reader.left > 0 ? reader.text() : "" };
    }
    case TYPE.handle:
      return { type: "handle", id, handle: reader.bytes().slice() };
    case TYPE.name:
      return { type: "name", id, names: decodeNames(reader) };
    case TYPE.attrs:
      return { type: "attrs", id, attributes: decodeAttributes(reader) };
    case TYPE.extendedReply:
      return { type: "extendedReply", id, bytes: reader.rest().slice() };
    default:
      throw malformed(`a packet of type ${type}`);
  }
}

/** Type, id and length. */
const DATA_HEAD_BYTES = 1 + 4 + 4;

function decodeData(packet: readonly Uint8Array[]): Answer {
  const whole = packet[0]!.length < DATA_HEAD_BYTES ? [joined(packet)] : packet;
  const [first, ...others] = whole as [Uint8Array, ...Uint8Array[]];
  const reader = new Reader(first);
  reader.skip(1);
  const id = reader.u32();
  const length = reader.u32();
  const pieces: Uint8Array[] = [];
  let left = length;
  for (const piece of [reader.rest(), ...others]) {
    if (left === 0) break;
    const taken = piece.subarray(0, left);
    if (taken.length > 0) pieces.push(taken);
    left -= taken.length;
  }
  if (left > 0) throw malformed(`a packet that ends ${left} bytes early`);
  return { type: "data", id, length, pieces };
}

/** One piece; without a copy where it is one. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

function decodeVersion(reader: Reader): Answer {
  const version = reader.u32();
  const extensions = new Map<string, string>();
  while (reader.left > 0) extensions.set(reader.text(), reader.text());
  return { type: "version", version, extensions };
}

function decodeNames(reader: Reader): NamedAttributes[] {
  const count = reader.u32();
  const names: NamedAttributes[] = [];
  for (let index = 0; index < count; index += 1) {
    const name = reader.text();
    reader.bytes(); // the line of `ls -l`
    names.push({ name, attributes: decodeAttributes(reader) });
  }
  return names;
}

function decodeAttributes(reader: Reader): Attributes {
  const flags = reader.u32();
  const size = flags & ATTR.size ? reader.u64() : null;
  if (flags & ATTR.owner) reader.skip(8);
  const mode = flags & ATTR.permissions ? reader.u32() : null;
  let mtimeSeconds = null;
  if (flags & ATTR.times) {
    reader.skip(4);
    mtimeSeconds = reader.u32();
  }
  if (flags & ATTR.extended) {
    for (let left = reader.u32(); left > 0; left -= 1) {
      reader.bytes();
      reader.bytes();
    }
  }
  return { size, mode, mtimeSeconds };
}

/** Numbers and strings from bytes, never beyond their end. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  /** Sizes above 2^53 are no sizes of files. */
  u64(): number {
    const value = this.#view.getBigUint64(this.#take(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed(`the number ${value}`);
    return Number(value);
  }

  bytes(): Uint8Array {
    const length = this.u32();
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  text(): string {
    return TEXT.decode(this.bytes());
  }

  rest(): Uint8Array {
    return this.#bytes.subarray(this.#take(this.left));
  }

  skip(count: number): void {
    this.#take(count);
  }

  #take(count: number): number {
    if (count > this.left) throw malformed(`a packet that ends ${count - this.left} bytes early`);
    const at = this.#at;
    this.#at += count;
    return at;
  }
}

function malformed(what: string): ProtocolError {
  return new ProtocolError("badResponse", `cannot understand the SFTP server: it sent ${what}`);
}

/** Packets out of a stream of bytes, whatever the pieces it comes in. */
export class PacketStream {
  readonly #mostBytes: number;
  #pieces: Uint8Array[] = [];
  #held = 0;
  /** Of the packet that is awaited, without its length field; 0: not known yet. */
  #wanted = 0;

  /** A packet longer than `mostBytes` is refused. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /**
   * The packets that `bytes`, which belong to the stream from now on, complete: each without its length,
   * in the pieces in which it came.
   */
  *push(bytes: Uint8Array): Iterable<readonly Uint8Array[]> {
    if (bytes.length > 0) this.#pieces.push(bytes);
    this.#held += bytes.length;
    for (;;) {
      if (this.#wanted === 0) {
        if (this.#held < 4) return;
        const head = joined(this.#take(4));
        this.#wanted = new DataView(head.buffer, head.byteOffset, 4).getUint32(0);
        if (this.#wanted < 1 || this.#wanted > this.#mostBytes - 4) {
          throw malformed(`a packet of ${this.#wanted} bytes`);
        }
      }
      if (this.#held < this.#wanted) return;
      const packet = this.#take(this.#wanted);
      this.#wanted = 0;
      yield packet;
    }
  }

  #take(count: number): readonly Uint8Array[] {
    const taken: Uint8Array[] = [];
    let left = count;
    let whole = 0;
    while (left > 0) {
      const piece = this.#pieces[whole]!;
      taken.push(piece.subarray(0, left));
      if (piece.length > left) {
        this.#pieces[whole] = piece.subarray(left);
        break;
      }
      left -= piece.length;
      whole += 1;
    }
    this.#pieces.splice(0, whole);
    this.#held -= count;
    return taken;
  }
}
