/** A run as lines: one for each change that people care about. */

import { formatBytes, formatDuration } from "../../runtime/base/units.ts";
import type { Receipt } from "../../actors/job/record.ts";
import type { Row } from "./board.ts";
import { clean, type Paint } from "./text.ts";

/** What is known of a run when it begins. */
export interface RunHeading {
  readonly runId: string;
  readonly name: string;
  readonly transfers: number;
  /** An unfinished run that is gone on with. */
  readonly resumed: boolean;
  readonly succeeded: number;
}

/** The first line of a run. */
export function headingLine(heading: RunHeading): string {
  const { name, runId, transfers, resumed, succeeded } = heading;
  const count = transfers === 1 ? "1 transfer" : `${transfers} transfers`;
  return resumed
    ? `${clean(name)}: going on with the unfinished run ${runId}, ${succeeded} of ${count} done`
    : `${clean(name)}: ${count} (run ${runId})`;
}

/** The line for a changed transfer, or `null` where nobody needs one; `nowMs` is wall-clock time. */
export function changeLine(
  before: Row,
  after: Row,
  nowMs: number,
  colours: Paint,
): string | null {
  if (before.state === after.state && before.attempts === after.attempts) return null;
  const name = clean(after.name);
  const why = clean(after.why);
  switch (after.state) {
    case "assigned":
      return after.attempts > 1 ? `${name}: attempt ${after.attempts}` : `${name}: started`;
    case "retrying":
      return colours.warn(`${name}: ${why}; again in ${waitText(after, nowMs)}`);
    case "succeeded":
      return colours.good(
        `${name}: ${after.receipt === null ? why : receiptText(after, after.receipt)}`,
      );
    case "failed":
      return colours.bad(`${name}: failed${attemptsText(after)}: ${errorText(after)}`);
    case "unknown":
      return colours.bad(`${name}: ${why}; look at the destination, then run again`);
    case "cancelled":
      return colours.warn(`${name}: cancelled: ${why}`);
    case "paused":
      return colours.warn(`${name}: paused${arrivedText(after)}`);
    case "skipped":
      return colours.dim(`${name}: skipped: ${why}`);
    default:
      return null;
  }
}

/** The line for the first sight of bytes kept from an earlier attempt, or `null`. */
export function resumedLine(before: Row | undefined, after: Row): string | null {
  const kept = after.progress?.keptBytes ?? 0;
  if (kept === 0 || (before?.progress?.fetchedBytes ?? 0) > 0) return null;
  if ((after.progress?.fetchedBytes ?? 0) === 0) return null;
  return `${clean(after.name)}: resumed, ${formatBytes(kept)} kept`;
}

function waitText(row: Row, nowMs: number): string {
  return formatDuration(Math.max(0, (row.retryAtMs ?? nowMs) - nowMs));
}

function attemptsText(row: Row): string {
  return row.attempts > 1 ? ` after ${row.attempts} attempts` : "";
}

function arrivedText({ progress }: Row): string {
  if (progress === null || progress.doneBytes === 0) return "";
  const total = progress.totalBytes === null ? "" : ` of ${formatBytes(progress.totalBytes)}`;
  return `, ${formatBytes(progress.doneBytes)}${total} had arrived`;
}

function errorText(row: Row): string {
  return clean(row.error?.message ?? row.why);
}

/** `succeeded, 10.0 MiB in 1.2s (8.3 MiB/s), 4.0 MiB of it kept, verified by size, sha256 1f2e3d4c5b6a`. */
export function receiptText(row: Row, receipt: Receipt): string {
  if (receipt.outcome === "skipped") {
    return `succeeded, an equal file was there (${formatBytes(receipt.bytes)})`;
  }
  const tookMs = Math.max(0, receipt.endedMs - receipt.startedMs);
  const files = receipt.files === undefined ? "" : `${filesText(receipt.files)}, `;
  const parts = [
    `succeeded, ${files}${formatBytes(receipt.bytes)} in ${formatDuration(tookMs)}${rateText(row)}`,
  ];
  if (receipt.keptBytes > 0) parts.push(`${formatBytes(receipt.keptBytes)} of it kept`);
  if (receipt.copiedBytes !== undefined) parts.push("copied by the service itself");
  if (receipt.outcome === "recovered") parts.push("it had been published before the interruption");
  parts.push(levelText(receipt.level));
  if (receipt.sha256 !== null) parts.push(`sha256 ${receipt.sha256.slice(0, 12)}`);
  return parts.join(", ");
}

/** `1,204 files (3 there already, 12 left out)`. */
export function filesText(tally: NonNullable<Receipt["files"]>): string {
  const { files, unchanged, left, settled, deleted } = tally;
  const more = [
    [unchanged, "there already"],
    [left, "left out"],
    [settled, "settled at the source"],
    [deleted, "deleted from the destination"],
  ] as const;
  const told = more.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  const shown = files === 1 ? "1 file" : `${files} files`;
  return told.length === 0 ? shown : `${shown} (${told.join(", ")})`;
}

/** What the reached verification means. */
export function levelText(level: Receipt["level"]): string {
  switch (level) {
    case "none":
      return "not verified";
    case "size":
      return "verified by size";
    case "source":
      return "verified by the source's hash";
    case "reread":
      return "verified by reading it again";
  }
}

function rateText(row: Row): string {
  const rate = rateOf(row);
  return rate === null ? "" : ` (${formatBytes(rate)}/s)`;
}

/** Bytes per second of the attempt that succeeded; `null` for none or no time at all. */
export function rateOf({ receipt, leasedMs }: Row): number | null {
  const moved = (receipt?.fetchedBytes ?? 0) + (receipt?.copiedBytes ?? 0);
  if (receipt === null || moved === 0) return null;
  // The receipt's time begins with the first attempt, its bytes are those of the last one.
  const startedMs = Math.max(receipt.startedMs, receipt.attempts > 1 ? leasedMs ?? 0 : 0);
  const tookMs = receipt.endedMs - startedMs;
  return tookMs < 1 ? null : Math.round(moved / tookMs * 1_000);
}
