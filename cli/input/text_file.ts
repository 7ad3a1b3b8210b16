/** Reading the small files that a command is given. */

import { formatBytes } from "../../runtime/base/units.ts";
import { messageOf } from "../../runtime/base/errors.ts";
import type { Disk } from "../../runtime/env/env.ts";
import { CliError } from "../exit.ts";

/** An absolute path from one that a person gave, folded; `base` is absolute. */
export function absolutePath(base: string, given: string): string {
  const joined = given.startsWith("/") ? given : `${base}/${given}`;
  const kept: string[] = [];
  for (const segment of joined.split("/")) {
    if (segment === "..") kept.pop();
    else if (segment !== "" && segment !== ".") kept.push(segment);
  }
  return `/${kept.join("/")}`;
}

/** The directory of an absolute path. */
export function directoryOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

/** The text of a file; `what` names its purpose, as in "the workflow file". CliError `unreadable`. */
export async function readTextFile(
  disk: Disk,
  path: string,
  what: string,
  maxBytes: number,
): Promise<string> {
  const bytes = await readBytes(disk, path, what, maxBytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CliError(
      "unreadable",
      `cannot read ${what} ${path}: it is not UTF-8 text; convert it, or name another file`,
      { cause },
    );
  }
}

async function readBytes(
  disk: Disk,
  path: string,
  what: string,
  maxBytes: number,
): Promise<Uint8Array> {
  try {
    // Before opening, so that a pipe or device in the file's place cannot stop the program.
    const info = await disk.stat(path);
    if (info !== null && info.kind !== "file") throw unreadable(path, what, `it is a ${info.kind}`);
    const file = await disk.open(path, { read: true });
    try {
      const { size } = await file.stat();
      if (size > maxBytes) throw tooLarge(path, what, size, maxBytes);
      const bytes = new Uint8Array(size);
      let at = 0;
      while (at < size) {
        const count = await file.read(bytes.subarray(at), at);
        if (count === 0) break;
        at += count;
      }
      return bytes.subarray(0, at);
    } finally {
      await file.close();
    }
  } catch (thrown) {
    if (thrown instanceof CliError) throw thrown;
    const reason = messageOf(thrown).replace(/^cannot [^:]*: /, "");
    throw new CliError("unreadable", `cannot read ${what} ${path}: ${reason}`, { cause: thrown });
  }
}

function unreadable(path: string, what: string, why: string): CliError {
  return new CliError("unreadable", `cannot read ${what} ${path}: ${why}; name a file`);
}

function tooLarge(path: string, what: string, size: number, maxBytes: number): CliError {
  return new CliError(
    "unreadable",
    `cannot read ${what} ${path}: it has ${formatBytes(size)}, at most ` +
      `${formatBytes(maxBytes)} are read; split it`,
  );
}
