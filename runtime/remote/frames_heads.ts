/**
 * Records that share the head of the one before them: they come without `v`, `type`, `to` and `from`,
 * and count as long as if they had them. What is one hundredth of a pack is then parsed once.
 */

import { Buffer } from "node:buffer";

type Raw = Record<string, unknown>;

/** What the last record with a head has said. */
interface Head {
  readonly v: unknown;
  readonly type: unknown;
  readonly to: unknown;
  readonly from: unknown;
}

/** Gives records their heads back, in place, and adds to their length what they have not said. */
export function completeHeads(records: unknown[], recordBytes: number[]): void {
  let head: Head | null = null;
  let headBytes = -1;
  for (let index = 0; index < records.length; index += 1) {
    const raw = records[index] as Raw | null;
    if (typeof raw !== "object" || raw === null) continue;
    if (!isHeadless(raw)) {
      head = raw as unknown as Head;
      headBytes = -1;
    } else if (head !== null) {
      if (headBytes < 0) headBytes = lengthOf(head);
      records[index] = completed(head, raw);
      recordBytes[index]! += headBytes;
    }
  }
}

function isHeadless(raw: Raw): boolean {
  return raw["type"] === undefined && raw["v"] === undefined && raw["to"] === undefined &&
    raw["from"] === undefined;
}

/** As `recordHead` writes it but for its brace; nothing for a head that no record may have. */
function lengthOf({ v, type, to, from }: Head): number {
  if (typeof v !== "number" || typeof type !== "string" || typeof to !== "string") return 0;
  if (from === undefined) return Buffer.byteLength(JSON.stringify({ v, type, to })) - 1;
  if (typeof from !== "string") return 0;
  return Buffer.byteLength(JSON.stringify({ v, type, to, from })) - 1;
}

/** Most records have nothing but a body; the others keep what else they have. */
function completed({ v, type, to, from }: Head, raw: Raw): Raw {
  const { body } = raw;
  if (body === undefined || hasMore(raw)) {
    return from === undefined ? { v, type, to, ...raw } : { v, type, to, from, ...raw };
  }
  return from === undefined ? { v, type, to, body } : { v, type, to, from, body };
}

function hasMore({ id, budgetMs, trace, producer, seq, confirmed }: Raw): boolean {
  return id !== undefined || budgetMs !== undefined || trace !== undefined ||
    producer !== undefined || seq !== undefined || confirmed !== undefined;
}
