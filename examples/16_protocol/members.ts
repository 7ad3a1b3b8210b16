/** The members of a tar archive (POSIX ustar, with pax and GNU long names), found without unpacking any. */

import { type Env, ProtocolError, shownPath } from "@quorus/quorus";

type DiskFile = Awaited<ReturnType<Env["disk"]["open"]>>;

/** One file in an archive. */
export interface Member {
  /** Where its bytes begin in the archive. */
  readonly offset: number;
  readonly size: number;
  readonly mtimeMs: number;
  /** Permission bits. */
  readonly mode: number;
}

const BLOCK_BYTES = 512;
/** Longer names and attributes than this are somebody's attempt at our memory. */
const EXTRA_MAX_BYTES = 65_536;
/** An archive that has more is not searched to its end. */
const HEADERS_MAX = 1_000_000;
const TEXT = new TextDecoder();

/** What the headers before a member say of it. */
interface Extra {
  name: string | null;
  size: number | null;
}

/** The last member called `name`, as `tar` itself would have it; `null` if there is none. */
export async function findMember(
  file: DiskFile,
  archive: string,
  name: string,
  signal: AbortSignal,
): Promise<Member | null> {
  const { size: archiveBytes } = await file.stat();
  const extra: Extra = { name: null, size: null };
  let found: Member | null = null;
  let at = 0;
  for (let headers = 0; headers < HEADERS_MAX; headers += 1) {
    signal.throwIfAborted();
    const block = await blockAt(file, archive, at);
    if (block === null || block.every((byte) => byte === 0)) return found;
    assertChecksum(block, archive, at);
    const type = String.fromCharCode(block[156]!);
    const size = extra.size ?? numberAt(block, 124, 12, archive);
    const offset = at + BLOCK_BYTES;
    const next = offset + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
    if (size < 0 || next > archiveBytes) throw broken(archive, `it ends within ${shownPath(name)}`);
    if (type === "L" || type === "x") {
      await readExtra(file, archive, type, { offset, size }, extra);
    } else {
      const isFile = type === "0" || type === "\0";
      if (isFile && plain(extra.name ?? nameIn(block)) === name) {
        const mtimeMs = numberAt(block, 136, 12, archive) * 1_000;
        found = { offset, size, mtimeMs, mode: numberAt(block, 100, 8, archive) & 0o777 };
      }
      extra.name = null;
      extra.size = null;
    }
    at = next;
  }
  throw broken(archive, `it has more than ${HEADERS_MAX} members`);
}

async function readExtra(
  file: DiskFile,
  archive: string,
  type: "L" | "x",
  { offset, size }: { offset: number; size: number },
  extra: Extra,
): Promise<void> {
  if (size > EXTRA_MAX_BYTES) throw broken(archive, "a name or its attributes are too long");
  const bytes = new Uint8Array(size);
  if (!await fill(file, bytes, offset)) throw broken(archive, "it ends within a name");
  if (type === "L") {
    extra.name = TEXT.decode(bytes).replace(/\0.*$/s, "");
    return;
  }
  // Records of the form "LENGTH KEY=VALUE\n", lengths in bytes.
  for (let at = 0; at < size;) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(TEXT.decode(bytes.subarray(at, space)));
    if (space < 0 || !Number.isInteger(length) || length < 5 || at + length > size) {
      throw broken(archive, "its extended header is none");
    }
    const record = TEXT.decode(bytes.subarray(space + 1, at + length - 1));
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(record) ?? [];
    if (key === "path") extra.name = value ?? null;
    if (key === "size") extra.size = /^\d{1,15}$/.test(value ?? "") ? Number(value) : -1;
    at += length;
  }
}

async function blockAt(file: DiskFile, archive: string, at: number): Promise<Uint8Array | null> {
  const block = new Uint8Array(BLOCK_BYTES);
  const count = await file.read(block, at);
  if (count === 0) return null;
  if (count === BLOCK_BYTES || await fill(file, block, at)) return block;
  throw broken(archive, "it ends within a header");
}

async function fill(file: DiskFile, into: Uint8Array, at: number): Promise<boolean> {
  for (let have = 0; have < into.length;) {
    const count = await file.read(into.subarray(have), at + have);
    if (count === 0) return false;
    have += count;
  }
  return true;
}

function nameIn(block: Uint8Array): string {
  const text = (at: number, length: number) =>
    TEXT.decode(block.subarray(at, at + length)).replace(/\0.*$/s, "");
  const prefix = text(257, 5) === "ustar" ? text(345, 155) : "";
  return prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`;
}

/** Archives write `./a` for `a`. */
function plain(name: string): string {
  return name.replace(/^(\.\/)+/, "");
}

/** Octal digits, or from a first bit of 1 on the number itself. */
function numberAt(block: Uint8Array, at: number, length: number, archive: string): number {
  const field = block.subarray(at, at + length);
  if (field[0]! >= 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, field[0]! & 0x7f);
    return Number.isSafeInteger(value) ? value : -1;
  }
  const digits = TEXT.decode(field).replace(/[\0 ].*$/s, "").trim();
  if (!/^[0-7]*$/.test(digits)) throw broken(archive, "a number in it is none");
  return digits === "" ? 0 : parseInt(digits, 8);
}

function assertChecksum(block: Uint8Array, archive: string, at: number): void {
  const told = numberAt(block, 148, 8, archive);
  let sum = 0;
  for (const [index, byte] of block.entries()) sum += index >= 148 && index < 156 ? 0x20 : byte;
  if (sum !== told) throw broken(archive, `there is no header at byte ${at}`);
}

function broken(archive: string, reason: string): ProtocolError {
  const message = `cannot read the archive ${shownPath(archive)}: ${reason}`;
  return new ProtocolError("badResponse", message, { retryable: false });
}
