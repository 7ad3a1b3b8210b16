/**
 * Which upload of a server a temporary name stands for. The server chose the address, so somebody has to
 * remember it: this process, and, where a folder was declared, a file in it that outlives the process.
 */

import type { Disk, Env } from "../../runtime/env/env.ts";
import { DiskError } from "../../runtime/env/errors.ts";
import { protocolLimits } from "../limits.ts";

const OWNER_ONLY = 0o600;
/** Listing the folder for each upload would cost more than the files do. */
const TIDY_SHARE = 0.01;
const OWNER_ONLY_FOLDER = 0o700;

/** What was sent at once, and ends at `end`. */
export interface SentPiece {
  readonly end: number;
  readonly sha256: string;
}

/** What is remembered of an upload: a line with its address, and one for each piece that was sent. */
export interface KeptUpload {
  readonly address: string;
  /** In order, from the first byte on; noted before they are sent. */
  readonly pieces: readonly SentPiece[];
}

/** Addresses of the uploads to one endpoint. */
export class TusAddresses {
  readonly #env: Env;
  readonly #endpoint: string;
  readonly #folder: string | null;
  /** Shared by the sinks of a process. */
  readonly #known: Map<string, string[]>;

  constructor(env: Env, endpoint: string, folder: string | null, known: Map<string, string[]>) {
    this.#env = env;
    this.#endpoint = endpoint;
    this.#folder = folder;
    this.#known = known;
  }

  async find(temp: string): Promise<KeptUpload | null> {
    const key = this.#keyOf(temp);
    const known = this.#known.get(key);
    if (known !== undefined) return keptUploadOf(known);
    if (this.#folder === null) return null;
    const text = await readText(this.#env.disk, `${this.#folder}/${key}`);
    return text === null ? null : keptUploadOf(text.split("\n").filter((line) => line !== ""));
  }

  /** Durable when this resolves, where a folder was declared. */
  async keep(temp: string, address: string): Promise<void> {
    const key = this.#keyOf(temp);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= protocolLimits.tusUploadsKnown) this.#known.delete(oldest!);
    this.#known.set(key, [address]);
    if (this.#folder === null) return;
    const { disk } = this.#env;
    await disk.makeDirectory(this.#folder, { recursive: true, mode: OWNER_ONLY_FOLDER });
    if (this.#env.random.next() < TIDY_SHARE) await this.#forgetOld(this.#folder);
    const path = `${this.#folder}/${key}`;
    await writeText(disk, `${path}.new`, `${address}\n`);
    await disk.rename(`${path}.new`, path);
    await disk.syncDirectory(this.#folder);
  }

  /** Not synced: a piece that nobody remembers costs an upload that begins anew. */
  async note(temp: string, { end, sha256 }: SentPiece): Promise<void> {
    const key = this.#keyOf(temp);
    const line = `${end} ${sha256}`;
    this.#known.get(key)?.push(line);
    if (this.#folder === null) return;
    await append(this.#env.disk, `${this.#folder}/${key}`, `${line}\n`);
  }

  async forget(temp: string): Promise<void> {
    const key = this.#keyOf(temp);
    this.#known.delete(key);
    if (this.#folder === null) return;
    await this.#env.disk.remove(`${this.#folder}/${key}`).catch(unlessMissing);
  }

  /** What was published stays for a while: it is what tells that it was. */
  async #forgetOld(folder: string): Promise<void> {
    const { disk, clock } = this.#env;
    const oldestMs = clock.now() - protocolLimits.tusUploadsKeptMs;
    for (const { name, kind } of await disk.readDirectory(folder)) {
      if (kind !== "file" || !/^[0-9a-f]{64}(\.new)?$/.test(name)) continue;
      const info = await disk.lstat(`${folder}/${name}`);
      if (info !== null && info.mtimeMs < oldestMs) {
        await disk.remove(`${folder}/${name}`).catch(unlessMissing);
      }
    }
  }

  #keyOf(temp: string): string {
    const hasher = this.#env.hash.sha256();
    hasher.update(new TextEncoder().encode(`${this.#endpoint}\n${temp}`));
    return hasher.digestHex();
  }
}

async function writeText(disk: Disk, path: string, text: string): Promise<void> {
  const file = await disk.open(path, {
    write: true,
    create: true,
    truncate: true,
    mode: OWNER_ONLY,
  });
  try {
    await file.write(new TextEncoder().encode(text), 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function append(disk: Disk, path: string, text: string): Promise<void> {
  const file = await disk.open(path, { write: true, noFollow: true });
  try {
    await file.write(new TextEncoder().encode(text), (await file.stat()).size);
  } finally {
    await file.close();
  }
}

/** Later lines are about what was sent later: they take the place of what they overlap. */
export function keptUploadOf(lines: readonly string[]): KeptUpload | null {
  const [address, ...rest] = lines;
  if (address === undefined || !URL.canParse(address)) return null;
  const pieces: SentPiece[] = [];
  for (const line of rest) {
    const match = /^(\d{1,15}) ([0-9a-f]{64})$/.exec(line);
    // The process ended while it wrote this one.
    if (match === null) break;
    const piece = { end: Number(match[1]), sha256: match[2]! };
    while (pieces.length > 0 && pieces.at(-1)!.end >= piece.end) pieces.pop();
    pieces.push(piece);
  }
  return { address, pieces };
}

async function readText(disk: Disk, path: string): Promise<string | null> {
  try {
    const file = await disk.open(path, { read: true, noFollow: true });
    try {
      const { size } = await file.stat();
      const bytes = new Uint8Array(Math.min(size, protocolLimits.tusRecordMaxBytes));
      const count = await file.read(bytes, 0);
      return new TextDecoder().decode(bytes.subarray(0, count));
    } finally {
      await file.close();
    }
  } catch (thrown) {
    unlessMissing(thrown);
    return null;
  }
}

function unlessMissing(thrown: unknown): void {
  if (!(thrown instanceof DiskError) || thrown.code !== "notFound") throw thrown;
}
