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
  | { readonly type: "data"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly type: "name"; readonly id: number; readonly names: readonly NamedAttributes[] }
  | { readonly type: "attrs"; readonly id: number; readonly attributes: Attributes }
  | { readonly type: "extendedReply"; readonly id: number; readonly bytes: Uint8Array };

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

/** `write` (section 6.4), its data copied once. */
export function encodeWrite(
  id: number,
  handle: Uint8Array,
  offset: number,
  data: Uint8Array,
): Uint8Array {
  const packet = new Uint8Array(4 + 1 + 4 + 4 + handle.length + 8 + 4 + data.length);
  const view = new DataView(packet.buffer);
  view.setUint32(0, packet.length - 4);
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

/** One packet without its length; `badResponse` for what is no answer. */
export function decodeAnswer(packet: Uint8Array): Answer {
  const reader = new Reader(packet);
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
    case TYPE.data:
      return { type: "data", id, bytes: reader.bytes() };
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
  /** Of the packet that is awaited, its length field included; 0: not known yet. */
  #wanted = 0;

  /** A packet longer than `mostBytes` is refused. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** The packets that `bytes`, which belong to the stream from now on, complete. */
  *push(bytes: Uint8Array): Iterable<Uint8Array> {
    this.#pieces.push(bytes);
    this.#held += bytes.length;
    for (;;) {
      if (this.#wanted === 0) {
        if (this.#held < 4) return;
        const head = this.#joined(4);
        this.#wanted = 4 + new DataView(head.buffer, head.byteOffset, 4).getUint32(0);
        if (this.#wanted < 5 || this.#wanted > this.#mostBytes) {
          throw malformed(`a packet of ${this.#wanted - 4} bytes`);
        }
      }
      if (this.#held < this.#wanted) return;
      const packet = this.#joined(this.#wanted).subarray(4, this.#wanted);
      this.#drop(this.#wanted);
      this.#wanted = 0;
      yield packet;
    }
  }

  /** The first piece with at least `count` bytes in it, without a copy where it has them. */
  #joined(count: number): Uint8Array {
    const [first] = this.#pieces;
    if (first!.length >= count) return first!;
    const joined = new Uint8Array(count);
    let at = 0;
    let piece = 0;
    while (at < count) {
      const bytes = this.#pieces[piece]!;
      const taken = Math.min(bytes.length, count - at);
      joined.set(bytes.subarray(0, taken), at);
      at += taken;
      if (taken < bytes.length) this.#pieces[piece] = bytes.subarray(taken);
      else piece += 1;
    }
    this.#pieces.splice(0, piece, joined);
    return joined;
  }

  #drop(count: number): void {
    const first = this.#pieces[0]!;
    if (first.length === count) this.#pieces.shift();
    else this.#pieces[0] = first.subarray(count);
    this.#held -= count;
  }
}
