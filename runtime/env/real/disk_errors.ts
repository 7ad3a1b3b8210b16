/** From the errors of Deno and of the operating system to {@link DiskError}. */

import { messageOf } from "../../base/errors.ts";
import type { DiskErrorCode } from "../env.ts";
import { DiskError } from "../errors.ts";

interface Meaning {
  readonly code: DiskErrorCode;
  readonly reason: string;
  readonly advice: string;
}

const NO_SPACE = "free space there, or choose another destination";

/** What each errno means to a caller, why, and what a person can do about it. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOENT: meaning("notFound", "there is no such file or directory", "check the path"),
  EEXIST: meaning("exists", "it exists already", "choose another name or remove it"),
  ENOTDIR: meaning("notDirectory", "a part of the path is not a directory", "check the path"),
  EISDIR: meaning("isDirectory", "it is a directory", "name a file"),
  ENOTEMPTY: meaning("notEmpty", "the directory is not empty", "empty it first"),
  EACCES: meaning("denied", "permission is denied", "check owner and mode of the path"),
  EPERM: meaning("denied", "the operation is not permitted", "check owner and attributes"),
  NotCapable: meaning(
    "denied",
    "Deno was not granted this path",
    "add it to --allow-read or --allow-write",
  ),
  ENOSPC: meaning("noSpace", "the file system is full", NO_SPACE),
  EDQUOT: meaning("noSpace", "the disk quota is used up", NO_SPACE),
  EROFS: meaning("readOnly", "the file system is read-only", "mount it writable"),
  ENAMETOOLONG: meaning("nameTooLong", "the name is too long", "choose a shorter name"),
  EXDEV: meaning("crossDevice", "the two paths are on different file systems", "copy instead"),
  ELOOP: meaning("symlink", "it is a symbolic link, or links form a loop", "name the real path"),
  EBADF: meaning("closed", "the file is closed", "open it again"),
  EINVAL: meaning("io", "the system does not take this name or argument", "check the path"),
  EFBIG: meaning("io", "the file would be larger than the system allows", "check ulimit -f"),
  EMFILE: meaning("io", "this process has too many open files", "raise ulimit -n"),
  ENFILE: meaning("io", "this machine has too many open files", "close some"),
  ESTALE: meaning(
    "io",
    "the file is gone from its server, or the server is another one (stale handle)",
    "open it again; if that fails too, mount it again",
  ),
  EIO: meaning("io", "the device reported an error", "check the disk and the kernel log"),
};

const NEVER_RETRY: ReadonlySet<string> = new Set(["EINVAL", "EFBIG"]);

function meaning(code: DiskErrorCode, reason: string, advice: string): Meaning {
  return { code, reason, advice };
}

const ERRNO_BY_NUMBER: Readonly<Record<string, string>> = {
  "5": "EIO",
  "9": "EBADF",
  "18": "EXDEV",
  "22": "EINVAL",
  "24": "EMFILE",
  "27": "EFBIG",
  "28": "ENOSPC",
  "30": "EROFS",
  "36": "ENAMETOOLONG",
  "39": "ENOTEMPTY",
  "40": "ELOOP",
  "116": "ESTALE",
  "122": "EDQUOT",
};

/** The errno's name, from `.code`, from Deno's class or from the text `(os error N)`. */
export function errnoOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "EIO";
  if (thrown.name === "NotCapable") return "NotCapable";
  const code: unknown = (thrown as { code?: unknown }).code;
  if (code === "ERR_INVALID_ARG_VALUE") return "EINVAL";
  if (typeof code === "string" && code in MEANINGS) return code;
  const number = /\(os error (\d+)\)/.exec(thrown.message)?.[1] ?? "";
  if (number in ERRNO_BY_NUMBER) return ERRNO_BY_NUMBER[number]!;
  return typeof code === "string" ? code : "EIO";
}

/**
 * The typed error of a failed call: `action` is its verb and object, e.g. `open /data/a`.
 * `definite: false` for calls that may have taken effect although they failed.
 */
export function diskError(action: string, thrown: unknown, definite = true): DiskError {
  if (thrown instanceof DiskError) return thrown;
  const errno = errnoOf(thrown);
  const known = MEANINGS[errno] ?? {
    code: "io" as const,
    reason: messageOf(thrown),
    advice: "check the disk and the kernel log",
  };
  return new DiskError(
    known.code,
    `cannot ${action}: ${known.reason} (${errno}); ${known.advice}`,
    {
      cause: thrown,
      definite: definite && errno !== "EIO",
      details: { errno },
      ...(NEVER_RETRY.has(errno) ? { retryable: false } : {}),
    },
  );
}
