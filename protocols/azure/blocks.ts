/**
 * Uncommitted blocks as a temporary file; no I/O.
 *
 * They belong to the name of a blob, whoever put them there. An id holds whose they are: 16 bytes of
 * the hash of the temporary name, 8 random ones of this upload, and the position in the file. So no
 * writer ever lists the blocks of another one, and an upload is found again by its temporary name. A
 * block at the last position of all is no content: it says that its upload was given up.
 */

import { assert } from "../../runtime/base/assert.ts";
import type { Hashing } from "../../runtime/env/env.ts";
import { parseCount } from "../http/fields.ts";

/** Bytes of an id before base64; all ids of one blob must be of one length. */
const ID_BYTES = 32;
const UPLOAD_BYTES = 24;
const PREFIX_BYTES = 16;
const GIVEN_UP = 0xffff_ffff_ffff_ffffn;

/** The most blocks that one blob is made of. */
export const BLOCKS_MAX = 50_000;
/** The most that one block holds. */
export const BLOCK_MIB_MAX = 4_000;

const MIB = 1_048_576;

/** A block of an upload. */
export interface Block {
  readonly start: number;
  readonly bytes: number;
}

/** One upload: its name among the blocks of a blob and the blob's identity, in lower-case hexadecimal. */
export type UploadId = string;

/** The id of the upload of a temporary file; `random` are 8 bytes that no other one has. */
export function uploadIdOf(hash: Hashing, temp: string, random: Uint8Array): UploadId {
  assert(random.length === UPLOAD_BYTES - PREFIX_BYTES, "an upload has 8 random bytes");
  return `${prefixOf(hash, temp)}${random.toHex()}`;
}

function prefixOf(hash: Hashing, temp: string): string {
  const hasher = hash.sha256();
  hasher.update(new TextEncoder().encode(temp));
  return hasher.digestHex().slice(0, PREFIX_BYTES * 2);
}

/** The id of the block at `start`, in base64; `null` is the one that gives the upload up. */
export function blockId(upload: UploadId, start: number | null): string {
  const id = new Uint8Array(ID_BYTES);
  id.set(Uint8Array.fromHex(upload));
  new DataView(id.buffer).setBigUint64(UPLOAD_BYTES, start === null ? GIVEN_UP : BigInt(start));
  return id.toBase64();
}

/** An upload as the service lists it. */
export interface ListedUpload {
  readonly upload: UploadId;
  /** From the start, without a gap. */
  readonly blocks: readonly Block[];
  readonly bytes: number;
}

const LISTED =
  /<Block>\s*<Name>([A-Za-z0-9+/=]{1,88})<\/Name>\s*<Size>(\d{1,16})<\/Size>\s*<\/Block>/g;

/**
 * The upload of a temporary file among the uncommitted blocks of a blob (the answer to Get Block
 * List), `null` if there is none or it was given up. Of several, the one that got furthest.
 */
export function listedUpload(hash: Hashing, temp: string, answer: string): ListedUpload | null {
  let best: ListedUpload | null = null;
  for (const [upload, found] of uploadsOf(prefixOf(hash, temp), answer)) {
    if (found.isGivenUp) continue;
    const listed = contiguous(upload, found.sizes);
    if (best === null || listed.bytes > best.bytes) best = listed;
  }
  return best;
}

/** All uploads of a temporary file that were not given up. */
export function listedUploads(hash: Hashing, temp: string, answer: string): UploadId[] {
  return [...uploadsOf(prefixOf(hash, temp), answer)]
    .filter(([, { isGivenUp }]) => !isGivenUp).map(([upload]) => upload);
}

/** Whether an upload was given up by somebody else. */
export function isGivenUp(upload: UploadId, answer: string): boolean {
  return answer.includes(`<Name>${blockId(upload, null)}</Name>`);
}

interface FoundUpload {
  readonly sizes: Map<number, number>;
  isGivenUp: boolean;
}

function uploadsOf(prefix: string, answer: string): Map<UploadId, FoundUpload> {
  const found = new Map<UploadId, FoundUpload>();
  const uncommitted = /<UncommittedBlocks>([\s\S]*?)<\/UncommittedBlocks>/.exec(answer)?.[1] ?? "";
  for (const [, name = "", size = ""] of uncommitted.matchAll(LISTED)) {
    const id = idOf(name);
    const bytes = parseCount(size);
    if (id === null || bytes === null || !id.upload.startsWith(prefix)) continue;
    const upload = found.get(id.upload) ?? { sizes: new Map(), isGivenUp: false };
    found.set(id.upload, upload);
    if (id.start === null) upload.isGivenUp = true;
    else upload.sizes.set(id.start, bytes);
  }
  return found;
}

function idOf(name: string): { readonly upload: UploadId; readonly start: number | null } | null {
  let id: Uint8Array;
  try {
    id = Uint8Array.fromBase64(name);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  }
  if (id.length !== ID_BYTES) return null;
  const start = new DataView(id.buffer).getBigUint64(UPLOAD_BYTES);
  if (start !== GIVEN_UP && start > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  const upload = id.subarray(0, UPLOAD_BYTES).toHex();
  return { upload, start: start === GIVEN_UP ? null : Number(start) };
}

function contiguous(upload: UploadId, sizes: ReadonlyMap<number, number>): ListedUpload {
  const blocks: Block[] = [];
  let at = 0;
  for (;;) {
    const bytes = sizes.get(at);
    if (bytes === undefined || bytes === 0) return { upload, blocks, bytes: at };
    blocks.push({ start: at, bytes });
    at += bytes;
  }
}

/** Blocks of one size before the next ones are twice as large. */
const BLOCKS_OF_ONE_SIZE = 2_000;
/** A block is held in memory until it was taken. */
const BLOCK_BYTES_MOST = 256 * MIB;

/**
 * Where the block that holds `position` ends: 2,000 blocks of the first size, then as many of twice the
 * size, up to 256 MiB, so that 50,000 blocks of 8 MiB and more hold 10 TiB, and whoever declares
 * larger first ones has the service's 190 TiB. Ends do not depend on who asks, so a file that is gone on
 * with has the same ones.
 */
export function blockEnd(position: number, firstBytes: number): number {
  let size = firstBytes;
  for (let from = 0;;) {
    const next = size * 2 > BLOCK_BYTES_MOST ? Infinity : from + size * BLOCKS_OF_ONE_SIZE;
    if (position < next) return from + (Math.floor((position - from) / size) + 1) * size;
    from = next;
    size *= 2;
  }
}

/** The size of the first blocks of a file of a known size: such that it has no more than it may have. */
export function firstBlockBytes(declared: number, size: number | null): number {
  const least = Math.ceil((size ?? 0) / BLOCKS_MAX / MIB) * MIB;
  return Math.max(declared, Math.min(least, BLOCK_MIB_MAX * MIB));
}

/** The body of Put Block List. */
export function blockListOf(upload: UploadId, blocks: readonly Block[]): string {
  const ids = blocks.map(({ start }) => `<Uncommitted>${blockId(upload, start)}</Uncommitted>`);
  return `<?xml version="1.0" encoding="utf-8"?><BlockList>${ids.join("")}</BlockList>`;
}
