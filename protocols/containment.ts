/**
 * Which names a transfer may touch: the one place that decides it.
 *
 * A path that a person declared literally is trusted, symbolic links included. What a variable or a
 * server adds to it must stay below the declared directory. The pure half judges names by their
 * segments, never by string prefix; the other half asks the disk, because a name that looks contained
 * can be led away by a symbolic link. Deno's own path permissions do not stop that (measured: a read
 * and a write through a link inside an allowed directory escaped it).
 */

import type { Disk, FileInfo } from "../runtime/env/env.ts";
import { ProtocolError } from "./errors.ts";
import { protocolLimits } from "./limits.ts";

const UTF8 = new TextEncoder();
const CONTROL = /[\p{Cc}\u2028\u2029]/u;

/** A path as it may stand in a message: control characters visible, length bounded. */
export function shownPath(path: string): string {
  const text = JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}...` : path);
  // JSON leaves DEL and the C1 controls as they are.
  return text.replace(/[\u007f-\u009f\u2028\u2029]/g, (c) => `\\u${hex4(c.charCodeAt(0))}`);
}

function hex4(code: number): string {
  return code.toString(16).padStart(4, "0");
}

function refused(name: string, reason: string): ProtocolError {
  return new ProtocolError(
    "nameRefused",
    `cannot use the name ${shownPath(name)}: ${reason}; choose another name`,
  );
}

function escapes(path: string, root: string, reason: string): ProtocolError {
  return new ProtocolError(
    "escapes",
    `cannot use the path ${shownPath(path)}: ${reason}, but it must stay below ${
      shownPath(root)
    }; ` +
      "declare its directory literally if it is meant",
  );
}

/**
 * Returns `name` if it can be the name of one file in a directory: not empty, not `.` or `..`, no
 * slash, no NUL or other control character, well-formed, at most 255 bytes. `nameRefused` otherwise.
 */
export function safeName(name: string): string {
  const fault = faultOfName(name);
  if (fault !== null) throw refused(name, fault);
  return name;
}

/** Whether {@link safeName} lets the name pass. */
export function isSafeName(name: string): boolean {
  return faultOfName(name) === null;
}

function faultOfName(name: string): string | null {
  if (name === "") return "it is empty";
  if (name === "." || name === "..") return "it means a directory";
  if (name.includes("/")) return "it contains a slash";
  if (CONTROL.test(name)) return "it contains a control character";
  if (!name.isWellFormed()) return "it is not well-formed Unicode";
  // A UTF-16 unit is at most 3 bytes, so short names need no encoding to be measured.
  const { nameBytesMax } = protocolLimits;
  const isLong = name.length * 3 > nameBytesMax && UTF8.encode(name).length > nameBytesMax;
  return isLong ? `it is longer than ${nameBytesMax} bytes` : null;
}

function assertPathLength(path: string): void {
  const { pathBytesMax } = protocolLimits;
  // PATH_MAX counts the terminating NUL.
  if (path.length * 3 < pathBytesMax || UTF8.encode(path).length < pathBytesMax) return;
  throw refused(path, `the path is longer than ${pathBytesMax - 1} bytes`);
}

/**
 * The absolute path of what `path` names below `root`, judged by segments alone. `path` is relative to
 * `root`, or absolute and then must have every segment of `root` at its start; `root` itself is
 * contained. `escapes` for `..` and for absolute paths elsewhere, `nameRefused` for what
 * {@link safeName} refuses, empty and `.` segments and a trailing slash included.
 */
export function containedPath(root: string, path: string): string {
  const declared = root.split("/").filter((segment) => segment !== "" && segment !== ".");
  if (!root.startsWith("/") || declared.includes("..")) {
    throw escapes(path, root, 'the declared directory is not absolute or contains ".."');
  }
  const beyond = path.startsWith("/") ? segmentsBeyond(declared, path, root) : path.split("/");
  if (beyond.includes("..")) throw escapes(path, root, 'it contains ".."');
  for (const segment of beyond) safeName(segment);
  const full = `/${[...declared, ...beyond].join("/")}`;
  assertPathLength(full);
  return full;
}

/** What an absolute path adds to the declared segments, which it may spell with `//` and `/./`. */
function segmentsBeyond(declared: readonly string[], path: string, root: string): string[] {
  const segments = path.slice(1).split("/");
  let next = 0;
  for (const wanted of declared) {
    while (segments[next] === "" || segments[next] === ".") next += 1;
    if (segments[next] !== wanted) throw escapes(path, root, "it is an absolute path elsewhere");
    next += 1;
  }
  return segments.slice(next);
}

/** Whether the canonical `path` is `root` or lies below it; by segments. */
export function isBelow(root: string, path: string): boolean {
  if (root === "/" || path === root) return true;
  return path.length > root.length && path.startsWith(root) && path[root.length] === "/";
}

/** A directory and a name in it. */
export interface SplitPath {
  readonly directory: string;
  readonly name: string;
}

/** Splits an absolute path before its last segment; `nameRefused` if that is not a {@link safeName}. */
export function splitPath(path: string): SplitPath {
  assertPathLength(path);
  const slash = path.lastIndexOf("/");
  return {
    directory: slash <= 0 ? "/" : path.slice(0, slash),
    name: safeName(path.slice(slash + 1)),
  };
}

/** The path of `name` in `directory`. */
export function joinPath(directory: string, name: string): string {
  return directory === "/" ? `/${name}` : `${directory}/${name}`;
}

/** `device:inode`: the identity of a file on one machine. */
export function fileIdOf(info: FileInfo): string {
  return `${info.dev}:${info.ino}`;
}

/** Two observations of the same file. */
export function isSameFile(a: FileInfo, b: FileInfo): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

/**
 * The canonical form of `directory`, which must lie below that of `root`: `escapes` if a symbolic link
 * leads it away. Nothing of this is cached: a link can be swapped in at any time, and finding that is
 * what the question is for.
 */
export async function containedDirectory(
  disk: Disk,
  root: string,
  directory: string,
): Promise<string> {
  const canonical = await disk.realPath(directory);
  const canonicalRoot = directory === root ? canonical : await disk.realPath(root);
  if (isBelow(canonicalRoot, canonical)) return canonical;
  throw escapes(directory, root, `a symbolic link leads it to ${shownPath(canonical)}`);
}

/**
 * After opening and before a byte is written: the open file (`opened`) is the one at `name` in
 * `directory`, which is still its own canonical path. `escapes` if a link was swapped in meanwhile.
 */
export async function assertStillThere(
  disk: Disk,
  directory: string,
  name: string,
  opened: FileInfo,
): Promise<void> {
  await assertCanonical(disk, directory, name);
  const path = joinPath(directory, name);
  const standing = await disk.lstat(path);
  if (standing === null) throw swapped(path);
  assertSameFile(path, standing, opened);
}

/** `escapes` unless `directory`, which was canonical when `name` was opened in it, still is. */
export async function assertCanonical(disk: Disk, directory: string, name: string): Promise<void> {
  if (await disk.realPath(directory) !== directory) throw swapped(joinPath(directory, name));
}

/** `escapes` unless the file that was opened at `path` is the one that was seen there. */
export function assertSameFile(path: string, seen: FileInfo, opened: FileInfo): void {
  if (!isSameFile(seen, opened)) throw swapped(path);
}

function swapped(path: string): ProtocolError {
  return new ProtocolError(
    "escapes",
    `cannot use the file ${shownPath(path)}: its directory or name was replaced meanwhile; ` +
      "nothing was written through the new one; find out who changes that directory",
  );
}

/** `nameRefused` unless `info` is a regular file: devices, FIFOs, sockets and directories are refused. */
export function assertRegularFile(path: string, info: FileInfo): void {
  if (info.kind === "file") return;
  const what = info.kind === "other" ? "a device, FIFO or socket" : `a ${info.kind}`;
  throw new ProtocolError(
    "nameRefused",
    `cannot use ${shownPath(path)} as a file: it is ${what}; name a regular file`,
  );
}
