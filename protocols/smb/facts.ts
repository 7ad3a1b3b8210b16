/** What SMB tells of a file, in the contract's words. */

import { shownPath } from "../containment.ts";
import type { DestinationFacts, Fingerprint, SourceFacts } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import type { Found } from "./answers.ts";

/** Size and time to the second; smbclient prints no more of it. */
export function fingerprintOf({ size, mtimeMs }: Found): Fingerprint {
  return { size, mtimeMs, etag: null, version: null };
}

/** What is known of a source. */
export function sourceFactsOf(found: Found, ranges: boolean): SourceFacts {
  return { fingerprint: fingerprintOf(found), ranges, mode: null, sha256: null };
}

/** What is known of a published file. */
export function destinationFactsOf({ size, mtimeMs }: Found): DestinationFacts {
  return { size, mtimeMs, fileId: null };
}

/** `nameRefused` for what is no file. */
export function assertFile(label: string, path: string, found: Found): void {
  if (found.kind === "file") return;
  const message = `cannot use ${label}${shownPath(path)}: it is a ${found.kind}, not a file`;
  throw new ProtocolError("nameRefused", message, { definite: true });
}
