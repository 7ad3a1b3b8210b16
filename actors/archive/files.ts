/** The segments of the archive as files: written whole, under a name with their hash, or not at all. */

import type { DiskFile, Env } from "../../runtime/env/env.ts";
import { DiskError } from "../../runtime/env/errors.ts";
import { makeDurableFolder } from "../../runtime/raft/wal/files.ts";
import { ArchiveError } from "./errors.ts";

const SUFFIX = ".segment";
const PART = ".part";
const NUMBER_DIGITS = 10;
const READ_BYTES = 256 * 1_024;

/** Which file. */
export interface SegmentName {
  readonly number: number;
  readonly hash: string;
}

/** A line and where it stands. */
export interface PlacedLine {
  readonly text: string;
  readonly offset: number;
  /** Its line end included. */
  readonly bytes: number;
}

type FilesEnv = Pick<Env, "disk" | "hash">;

/** The folder of the segments. */
export class SegmentFiles {
  readonly #env: FilesEnv;
  readonly #folder: string;

  private constructor(env: FilesEnv, folder: string) {
    this.#env = env;
    this.#folder = folder;
  }

  /** Makes the folder, and removes what was not written to its end. */
  static async open(env: FilesEnv, folder: string): Promise<SegmentFiles> {
    await makeDurableFolder(env.disk, folder);
    const files = new SegmentFiles(env, folder);
    for (const { name } of await env.disk.readDirectory(folder)) {
      if (name.endsWith(PART)) await env.disk.remove(`${folder}/${name}`);
    }
    return files;
  }

  /** All that are there, by number. */
  async list(): Promise<SegmentName[]> {
    const entries = await this.#env.disk.readDirectory(this.#folder);
    return entries.flatMap(({ name }) => nameOf(name)).sort((a, b) => a.number - b.number);
  }

  async has(name: SegmentName): Promise<boolean> {
    return await this.#env.disk.stat(this.#path(name)) !== null;
  }

  /** Durable when it resolves. ArchiveError `damaged`: the pieces are not those of this hash. */
  async write(
    name: SegmentName,
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const { disk } = this.#env;
    const path = this.#path(name);
    const file = await disk.open(path + PART, { write: true, create: true, truncate: true });
    try {
      const hash = await this.#fill(file, pieces);
      if (hash !== name.hash) throw damaged(name, `its bytes have the hash ${hash}`);
      await file.sync();
    } finally {
      await file.close();
    }
    await disk.rename(path + PART, path);
    await disk.syncDirectory(this.#folder);
  }

  async #fill(
    file: DiskFile,
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<string> {
    const hasher = this.#env.hash.sha256();
    let offset = 0;
    for await (const piece of pieces) {
      await file.write(piece, offset);
      hasher.update(piece);
      offset += piece.length;
    }
    return hasher.digestHex();
  }

  /** Up to `bytes` from `offset` on, and the size of the file; null: there is none. */
  async read(
    name: SegmentName,
    offset: number,
    bytes: number,
  ): Promise<{ bytes: Uint8Array; size: number } | null> {
    const file = await this.#open(name);
    if (file === null) return null;
    try {
      const { size } = await file.stat();
      const into = new Uint8Array(Math.max(0, Math.min(bytes, size - offset)));
      let length = 0;
      while (length < into.length) {
        const count = await file.read(into.subarray(length), offset + length);
        if (count === 0) break;
        length += count;
      }
      return { bytes: into.subarray(0, length), size };
    } finally {
      await file.close();
    }
  }

  /** Its lines in order; at the end it throws ArchiveError `damaged` unless all bytes are right. */
  async *lines(name: SegmentName): AsyncIterable<PlacedLine> {
    const decoder = new TextDecoder();
    const hasher = this.#env.hash.sha256();
    let rest = new Uint8Array(0);
    for (let offset = 0;;) {
      const piece = await this.read(name, offset, READ_BYTES);
      if (piece === null) throw damaged(name, "there is no file");
      if (piece.bytes.length === 0) break;
      hasher.update(piece.bytes);
      let start = offset - rest.length;
      offset += piece.bytes.length;
      rest = joined(rest, piece.bytes);
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        yield { text: decoder.decode(rest.subarray(0, end)), offset: start, bytes: end + 1 };
        start += end + 1;
        rest = rest.subarray(end + 1);
      }
    }
    const hash = hasher.digestHex();
    if (hash !== name.hash) throw damaged(name, `its bytes have the hash ${hash}`);
    if (rest.length > 0) throw damaged(name, "it ends within a line");
  }

  /** Reads all of it; false: its bytes are not right, or cannot be read. `read` is awaited after each piece. */
  async isWhole(
    name: SegmentName,
    read: (bytes: number) => Promise<void> = async () => {},
  ): Promise<boolean> {
    const hasher = this.#env.hash.sha256();
    for (let offset = 0;;) {
      const piece = await this.#pieceOf(name, offset);
      if (piece === null) return false;
      if (piece.length === 0) return hasher.digestHex() === name.hash;
      hasher.update(piece);
      offset += piece.length;
      await read(piece.length);
    }
  }

  /** Null: there is none, or the disk cannot give it. */
  async #pieceOf(name: SegmentName, offset: number): Promise<Uint8Array | null> {
    try {
      return (await this.read(name, offset, READ_BYTES))?.bytes ?? null;
    } catch (error) {
      if (error instanceof DiskError && error.code === "io") return null;
      throw error;
    }
  }

  async remove(name: SegmentName): Promise<void> {
    if (!await this.has(name)) return;
    await this.#env.disk.remove(this.#path(name));
    await this.#env.disk.syncDirectory(this.#folder);
  }

  async #open(name: SegmentName): Promise<DiskFile | null> {
    try {
      return await this.#env.disk.open(this.#path(name), { read: true });
    } catch (error) {
      if (error instanceof DiskError && error.code === "notFound") return null;
      throw error;
    }
  }

  #path({ number, hash }: SegmentName): string {
    const digits = String(number).padStart(NUMBER_DIGITS, "0");
    return `${this.#folder}/${digits}.${hash}${SUFFIX}`;
  }
}

function joined(a: Uint8Array<ArrayBuffer>, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function nameOf(file: string): SegmentName[] {
  const match = /^([0-9]{10})\.([0-9a-f]{64})\.segment$/.exec(file);
  return match === null ? [] : [{ number: Number(match[1]), hash: match[2]! }];
}

function damaged({ number, hash }: SegmentName, why: string): ArchiveError {
  return new ArchiveError(
    "damaged",
    `read segment ${number} (${hash}) of the archive: ${why}; it is fetched again from another ` +
      "controller",
    { details: { number } },
  );
}
