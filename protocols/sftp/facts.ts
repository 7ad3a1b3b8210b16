/** What SFTP tells of a file, in the contract's words. */

import type { DestinationFacts, Fingerprint } from "../contract.ts";
import { shownPath } from "../containment.ts";
import type { EntryKind } from "../directory.ts";
import { ProtocolError } from "../errors.ts";
import type { Attributes } from "./packets.ts";

const TYPE_BITS = 0o170_000;
const REGULAR = 0o100_000;
const DIRECTORY = 0o040_000;
const LINK = 0o120_000;
const PERMISSION_BITS = 0o777;

/** Size and time to the second; version 3 knows nothing that tells more. */
export function fingerprintOf({ size, mtimeSeconds }: Attributes): Fingerprint {
  const mtimeMs = mtimeSeconds === null ? null : mtimeSeconds * 1_000;
  return { size, mtimeMs, etag: null, version: null };
}

/** What is known of a published file. */
export function destinationFactsOf(attributes: Attributes): DestinationFacts {
  const { size, mtimeMs } = fingerprintOf(attributes);
  return { size: size ?? 0, mtimeMs, fileId: null };
}

/** What a name stands for; a server that tells no type means a file. */
export function kindOf({ mode }: Attributes): EntryKind {
  switch (mode === null ? REGULAR : mode & TYPE_BITS) {
    case REGULAR:
    case 0:
      return "file";
    case DIRECTORY:
      return "directory";
    case LINK:
      return "link";
    default:
      return "other";
  }
}

/** Permission bits, without those that give somebody else's rights. */
export function permissionsOf({ mode }: Attributes): number | null {
  return mode === null ? null : mode & PERMISSION_BITS;
}

/** `unsupported` for what is no regular file. */
export function assertFile(label: string, path: string, attributes: Attributes): void {
  const kind = kindOf(attributes);
  if (kind === "file") return;
  const message = `cannot use ${label}${shownPath(path)}: it is a ${kind}, not a file`;
  throw new ProtocolError("nameRefused", message);
}
