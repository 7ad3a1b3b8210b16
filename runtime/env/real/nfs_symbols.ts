/**
 * What is used of libnfs (LGPL-2.1), and how its structures lie in memory: version 4.0, whose name is
 * libnfs.so.13, on machines of 64 bits with little-endian numbers.
 */

import type { FileInfo } from "../env.ts";
import type { NfsEntry } from "../nfs_library.ts";

/**
 * Calls that may wait for the server leave the thread. Pointers are numbers here: Deno's own ones need the
 * right to every library, and these none but to this one.
 */
export const NFS_SYMBOLS = {
  nfs_init_context: { parameters: [], result: "u64" },
  nfs_destroy_context: { parameters: ["u64"], result: "void", nonblocking: true },
  nfs_parse_url_incomplete: { parameters: ["u64", "buffer"], result: "u64" },
  nfs_destroy_url: { parameters: ["u64"], result: "void" },
  nfs_set_timeout: { parameters: ["u64", "i32"], result: "void" },
  nfs4_set_client_name: { parameters: ["u64", "buffer"], result: "void" },
  nfs4_set_verifier: { parameters: ["u64", "buffer"], result: "void" },
  nfs_get_error: { parameters: ["u64"], result: "u64" },
  nfs_get_fd: { parameters: ["u64"], result: "i32" },
  nfs_mount: { parameters: ["u64", "buffer", "buffer"], result: "i32", nonblocking: true },
  nfs_lstat64: { parameters: ["u64", "buffer", "buffer"], result: "i32", nonblocking: true },
  nfs_open: {
    parameters: ["u64", "buffer", "i32", "buffer"],
    result: "i32",
    nonblocking: true,
  },
  nfs_fstat64: { parameters: ["u64", "u64", "buffer"], result: "i32", nonblocking: true },
  nfs_pread: {
    parameters: ["u64", "u64", "u64", "u64", "buffer"],
    result: "i32",
    nonblocking: true,
  },
  nfs_close: { parameters: ["u64", "u64"], result: "i32", nonblocking: true },
  nfs_opendir: { parameters: ["u64", "buffer", "buffer"], result: "i32", nonblocking: true },
  nfs_readdir: { parameters: ["u64", "u64"], result: "u64" },
  nfs_closedir: { parameters: ["u64", "u64"], result: "void" },
  /** Of the C library, which libnfs has with it. */
  memcpy: { parameters: ["buffer", "u64", "u64"], result: "u64" },
  strnlen: { parameters: ["u64", "u64"], result: "u64" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
} as const;

/** `struct nfs_stat_64`: 17 numbers of 64 bits. */
export const STAT_BYTES = 136;
/** `struct nfsdirent`, and where in it its pointer to the name is. */
export const ENTRY_BYTES = 160;
export const ENTRY_NAME_OFFSET = 8;

const KIND_BITS = 0o170000;
const KINDS: Readonly<Record<number, FileInfo["kind"]>> = {
  0o100000: "file",
  0o040000: "directory",
  0o120000: "symlink",
};
/** NF3REG, NF3DIR and NF3LNK of RFC 1813, which NFS 4 counts alike (RFC 7531). */
const ENTRY_KINDS: Readonly<Record<number, FileInfo["kind"]>> = {
  1: "file",
  2: "directory",
  5: "symlink",
};

/** What a `struct nfs_stat_64` says; a file system of NFS 4 is not told apart, its device is 0. */
export function infoOfStat(bytes: Uint8Array): FileInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const mode = Number(view.getBigUint64(16, true));
  return {
    kind: KINDS[mode & KIND_BITS] ?? "other",
    size: Number(view.getBigUint64(56, true)),
    mtimeMs: timeMs(view.getBigUint64(88, true), Number(view.getBigUint64(112, true))),
    mode: mode & 0o7777,
    dev: Number(view.getBigUint64(0, true)),
    ino: Number(view.getBigUint64(8, true)),
  };
}

/** What a `struct nfsdirent` says, its name aside. */
export function infoOfEntry(bytes: Uint8Array): Omit<NfsEntry, "name"> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    kind: ENTRY_KINDS[view.getUint32(24, true)] ?? "other",
    size: Number(view.getBigUint64(32, true)),
    mtimeMs: timeMs(view.getBigUint64(56, true), Number(view.getBigUint64(64, true)) * 1_000),
    mode: view.getUint32(28, true) & 0o7777,
    dev: Number(view.getBigUint64(104, true)),
    ino: Number(view.getBigUint64(16, true)),
  };
}

function timeMs(seconds: bigint, nanoseconds: number): number {
  return Number(BigInt.asIntN(64, seconds)) * 1_000 + Math.floor(nanoseconds / 1_000_000);
}
