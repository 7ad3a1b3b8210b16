/**
 * Checksums as Amazon documents them ("Checking object integrity"): of a part, of an object that was put
 * whole, and of one of parts, where SHA-256 is COMPOSITE and a CRC may be FULL_OBJECT. Computed from the
 * bytes alone, so that nothing of the client is needed to judge it.
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { crc32c } from "../../../protocols/objects/crc32c.ts";

type Kind = "sha256" | "crc32c" | "crc32";

const KINDS: readonly Kind[] = ["sha256", "crc32c", "crc32"];

/** What an upload keeps of sums. */
export interface PaperSums {
  readonly kind: Kind;
  readonly type: "FULL_OBJECT" | "COMPOSITE";
  readonly header: string;
  /** In lists and answers. */
  readonly element: string;
}

/** What a new upload will keep, by the header fields that began it. */
export function sumsOf(
  headers: Readonly<Record<string, string>>,
  compositeOnly: boolean,
): PaperSums | null {
  const kind = KINDS.find((each) => headers["x-amz-checksum-algorithm"] === each.toUpperCase());
  if (kind === undefined) return null;
  const isFull = headers["x-amz-checksum-type"] === "FULL_OBJECT" && !compositeOnly;
  const type = isFull && kind !== "sha256" ? "FULL_OBJECT" : "COMPOSITE";
  return {
    ...{ kind, type },
    header: `x-amz-checksum-${kind}`,
    element: `Checksum${kind.toUpperCase()}`,
  };
}

/** The sum that came with a body. */
export function sumOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => /^x-amz-checksum-(sha256|crc32c?)$/.test(name)),
  );
}

export function isRightSum(
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): boolean {
  return KINDS.every((kind) => {
    const told = headers[`x-amz-checksum-${kind}`];
    return told === undefined || told === digest(kind, body).toString("base64");
  });
}

export function partSum({ kind }: PaperSums, bytes: Uint8Array): string {
  return digest(kind, bytes).toString("base64");
}

export function wholeSum({ kind, type }: PaperSums, parts: readonly Uint8Array[]): string {
  if (type === "FULL_OBJECT") return digest(kind, Buffer.concat(parts)).toString("base64");
  const sums = Buffer.concat(parts.map((part) => digest(kind, part)));
  return `${digest(kind, sums).toString("base64")}-${parts.length}`;
}

function digest(kind: Kind, bytes: Uint8Array): Buffer {
  if (kind === "sha256") return createHash("sha256").update(bytes).digest();
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(kind === "crc32" ? crc32(bytes) : crc32c(bytes));
  return sum;
}
