/** An SFTP server in memory, for servers that do not exist: it can lack anything and misbehave. */

import { Reader, STATUS, TYPE } from "../../../protocols/sftp/packets.ts";
import type { OpenWire, WireEvents } from "../../../protocols/sftp/wire.ts";
import type { Env } from "../../../runtime/env/env.ts";

/** How a server differs from a good one. */
export interface PaperQuirks {
  /** Names of extensions; none unless given. */
  readonly extensions?: readonly string[];
  /** What it says in its greeting. */
  readonly version?: number;
  /** Reads bring no more than this. */
  readonly readBytes?: number;
  /** It says nothing more after so many answers. */
  readonly silentAfter?: number;
  /** It hangs up after so many answers. */
  readonly endsAfter?: number;
  /** Directories never end: each answer has other names. */
  readonly endlessListing?: boolean;
  /** What `check-file` answers of any file: the name of a hash, and its bytes, after so long. */
  readonly checkFile?: {
    readonly name: string;
    readonly hash: Uint8Array;
    readonly afterMs?: number;
  };
  /** Replaces an answer, its length left out. */
  readonly forge?: (type: number, answer: Uint8Array) => Uint8Array;
}

interface PaperFile {
  bytes: Uint8Array;
  mtime: number;
  mode: number;
}

/** Name, mode, size, time. */
type Named = [string, number, number, number?];

const FILE = 0o100_644;
const FOLDER = 0o040_755;
const EXCLUSIVE = 32;
const CREATE = 8;

/** Its files, by path; a path that others begin with is a directory. */
export class PaperServer {
  readonly files = new Map<string, PaperFile>();
  readonly quirks: PaperQuirks;
  /** What listings hold beside the files. */
  readonly forgedNames: string[] = [];
  /** Answers with names so far. */
  listed = 0;
  /** Times it was asked to hash a file. */
  hashed = 0;
  readonly #env: Env;
  readonly #handles = new Map<number, { path: string; listed: boolean }>();
  readonly #folders = new Set<string>(["/"]);
  #handle = 0;
  #answers = 0;
  #puts = 0;
  /** What the next answer takes. */
  #workMs = 1;

  constructor(env: Env, quirks: PaperQuirks = {}) {
    this.#env = env;
    this.quirks = quirks;
  }

  put(path: string, bytes: Uint8Array): void {
    this.#puts += 1;
    this.files.set(path, { bytes: bytes.slice(), mtime: 1_700_000_000 + this.#puts, mode: FILE });
    const parts = path.split("/");
    for (let end = 1; end < parts.length; end += 1) {
      this.#folders.add(parts.slice(0, end).join("/") || "/");
    }
  }

  makeFolder(path: string): void {
    this.#folders.add(path);
  }

  /** A wire to it; answers come in a later turn, in pieces. */
  readonly open: OpenWire = (events) => {
    let isOpen = true;
    let held = new Uint8Array(0);
    const wire = {
      send: (bytes: Uint8Array) => {
        const joined = new Uint8Array(held.length + bytes.length);
        joined.set(held);
        joined.set(bytes, held.length);
        held = joined;
        for (;;) {
          if (held.length < 4) return;
          const length = new DataView(held.buffer, held.byteOffset).getUint32(0);
          if (held.length < 4 + length) return;
          const answer = this.#answer(held.slice(4, 4 + length));
          held = held.slice(4 + length);
          this.#env.timers.after(this.#workMs, () => isOpen && this.#deliver(events, answer));
          this.#workMs = 1;
        }
      },
      end: () => {
        isOpen = false;
        return Promise.resolve();
      },
    };
    return Promise.resolve(wire);
  };

  #deliver(events: WireEvents, answer: Uint8Array): void {
    this.#answers += 1;
    const { silentAfter = Infinity, endsAfter = Infinity, forge } = this.quirks;
    if (this.#answers > silentAfter) return;
    if (this.#answers > endsAfter) return events.ended(new Error("it hung up"));
    const forged = forge?.(answer[0]!, answer) ?? answer;
    const packet = new Uint8Array(4 + forged.length);
    new DataView(packet.buffer).setUint32(0, forged.length);
    packet.set(forged, 4);
    events.bytes(packet.slice(0, 3));
    events.bytes(packet.slice(3));
  }

  #answer(packet: Uint8Array): Uint8Array {
    const reader = new Reader(packet);
    const type = reader.u8();
    if (type === TYPE.init) return this.#greeting();
    const id = reader.u32();
    const asked = type === TYPE.extended ? reader.text() : type;
    switch (asked) {
      case TYPE.open:
        return this.#open(id, reader.text(), reader.u32());
      case TYPE.opendir: {
        const path = trimmed(reader.text());
        if (!this.#folders.has(path)) return status(id, STATUS.noSuchFile);
        return this.#newHandle(id, path);
      }
      case TYPE.readdir:
        return this.#list(id, handleOf(reader));
      case TYPE.close:
        this.#handles.delete(handleOf(reader));
        return status(id, STATUS.ok);
      case TYPE.read:
        return this.#read(id, handleOf(reader), reader.u64(), reader.u32());
      case TYPE.write:
        return this.#write(id, handleOf(reader), reader.u64(), reader.bytes());
      case TYPE.stat:
      case TYPE.lstat:
        return this.#stat(id, reader.text());
      case TYPE.fstat:
        return this.#stat(id, this.#handles.get(handleOf(reader))?.path ?? "");
      case TYPE.fsetstat:
        return this.#change(id, this.#handles.get(handleOf(reader))?.path ?? "", reader);
      case TYPE.remove:
        return status(id, this.files.delete(reader.text()) ? STATUS.ok : STATUS.noSuchFile);
      case TYPE.mkdir:
        this.#folders.add(reader.text());
        return status(id, STATUS.ok);
      case TYPE.realpath:
        return names(id, [[trimmed(reader.text()), FOLDER, 0]]);
      case TYPE.rename:
        return this.#rename(id, reader.text(), reader.text(), false);
      case "posix-rename@openssh.com":
        return this.#rename(id, reader.text(), reader.text(), true);
      case "copy-data":
        return this.#copy(id, handleOf(reader), reader.u64(), reader.u64(), reader);
      case "check-file-name":
      case "check-file-handle":
        return this.#checkFile(id);
      default:
        return status(id, STATUS.unsupported);
    }
  }

  #checkFile(id: number): Uint8Array {
    this.hashed += 1;
    const { checkFile } = this.quirks;
    if (checkFile === undefined) return status(id, STATUS.unsupported);
    this.#workMs = checkFile.afterMs ?? 1;
    return joined(
      Uint8Array.of(TYPE.extendedReply),
      u32(id),
      text(checkFile.name),
      checkFile.hash,
    );
  }

  #greeting(): Uint8Array {
    const { version = 3, extensions = [] } = this.quirks;
    return joined(
      Uint8Array.of(TYPE.version),
      u32(version),
      ...extensions.flatMap((name) => [text(name), text("1")]),
    );
  }

  #open(id: number, path: string, flags: number): Uint8Array {
    const standing = this.files.get(path);
    if (standing !== undefined && (flags & EXCLUSIVE) !== 0) return status(id, STATUS.failure);
    if (standing === undefined) {
      const folder = path.slice(0, path.lastIndexOf("/")) || "/";
      const makes = (flags & CREATE) !== 0 && this.#folders.has(folder);
      if (!makes) return status(id, STATUS.noSuchFile);
      this.files.set(path, { bytes: new Uint8Array(0), mtime: 1_600_000_000, mode: FILE });
    }
    return this.#newHandle(id, path);
  }

  #newHandle(id: number, path: string): Uint8Array {
    this.#handle += 1;
    this.#handles.set(this.#handle, { path, listed: false });
    return joined(Uint8Array.of(TYPE.handle), u32(id), u32(4), u32(this.#handle));
  }

  #list(id: number, handle: number): Uint8Array {
    const open = this.#handles.get(handle);
    if (open !== undefined && this.quirks.endlessListing === true) {
      const first = this.listed++ * 500;
      const many = Array.from({ length: 500 }, (_, at): Named => [`n${first + at}`, FILE, 1]);
      return names(id, many);
    }
    if (open === undefined || open.listed) return status(id, STATUS.endOfFile);
    open.listed = true;
    const prefix = open.path === "/" ? "/" : `${open.path}/`;
    const found = new Map<string, Named>([[".", [".", FOLDER, 0]]]);
    for (const [path, { bytes, mtime }] of this.files) {
      if (!path.startsWith(prefix)) continue;
      const [name = "", ...rest] = path.slice(prefix.length).split("/");
      found.set(name, rest.length > 0 ? [name, FOLDER, 0] : [name, FILE, bytes.length, mtime]);
    }
    const forged = this.forgedNames.map((name): Named => [name, FILE, 1, 1]);
    return names(id, [...found.values(), ...forged]);
  }

  #read(id: number, handle: number, offset: number, length: number): Uint8Array {
    const file = this.files.get(this.#handles.get(handle)?.path ?? "");
    if (file === undefined) return status(id, STATUS.failure);
    const most = Math.min(length, this.quirks.readBytes ?? length);
    const bytes = file.bytes.subarray(offset, offset + most);
    if (bytes.length === 0) return status(id, STATUS.endOfFile);
    return joined(Uint8Array.of(TYPE.data), u32(id), u32(bytes.length), bytes);
  }

  #write(id: number, handle: number, offset: number, data: Uint8Array): Uint8Array {
    const file = this.files.get(this.#handles.get(handle)?.path ?? "");
    if (file === undefined) return status(id, STATUS.failure);
    const bytes = new Uint8Array(Math.max(file.bytes.length, offset + data.length));
    bytes.set(file.bytes);
    bytes.set(data, offset);
    file.bytes = bytes;
    return status(id, STATUS.ok);
  }

  #copy(id: number, from: number, at: number, length: number, to: Reader): Uint8Array {
    const file = this.files.get(this.#handles.get(from)?.path ?? "");
    if (file === undefined) return status(id, STATUS.failure);
    const bytes = file.bytes.slice(at, at + length);
    return this.#write(id, handleOf(to), to.u64(), bytes);
  }

  #stat(id: number, path: string): Uint8Array {
    const file = this.files.get(path);
    if (file !== undefined) {
      return joined(
        Uint8Array.of(TYPE.attrs),
        u32(id),
        attributes(file.mode, file.bytes.length, file.mtime),
      );
    }
    if (!this.#folders.has(trimmed(path))) return status(id, STATUS.noSuchFile);
    return joined(Uint8Array.of(TYPE.attrs), u32(id), attributes(FOLDER, 0, 0));
  }

  #change(id: number, path: string, reader: Reader): Uint8Array {
    const file = this.files.get(path);
    if (file === undefined) return status(id, STATUS.failure);
    const flags = reader.u32();
    if (flags & 1) file.bytes = file.bytes.slice(0, reader.u64());
    if (flags & 4) file.mode = 0o100_000 | reader.u32();
    if (flags & 8) {
      reader.skip(4);
      file.mtime = reader.u32();
    }
    return status(id, STATUS.ok);
  }

  #rename(id: number, from: string, to: string, replaces: boolean): Uint8Array {
    const file = this.files.get(from);
    if (file === undefined) return status(id, STATUS.noSuchFile);
    if (!replaces && this.files.has(to)) return status(id, STATUS.failure);
    this.files.delete(from);
    this.files.set(to, file);
    for (const open of this.#handles.values()) if (open.path === from) open.path = to;
    return status(id, STATUS.ok);
  }
}

function trimmed(path: string): string {
  return path.replace(/(.)\/+$/, "$1");
}

function handleOf(reader: Reader): number {
  const bytes = reader.bytes();
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}

function status(id: number, code: number): Uint8Array {
  return joined(Uint8Array.of(TYPE.status), u32(id), u32(code), text(""), text(""));
}

function names(id: number, all: readonly Named[]): Uint8Array {
  return joined(
    Uint8Array.of(TYPE.name),
    u32(id),
    u32(all.length),
    ...all.flatMap(([name, mode, size, mtime = 0]) => [
      text(name),
      text(""),
      attributes(mode, size, mtime),
    ]),
  );
}

function attributes(mode: number, size: number, mtime: number): Uint8Array {
  return joined(u32(1 | 4 | 8), u32(0), u32(size), u32(mode), u32(mtime), u32(mtime));
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function text(value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value);
  return joined(u32(bytes.length), bytes);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
