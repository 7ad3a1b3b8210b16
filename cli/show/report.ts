/** What a run has brought: a table for people, plain data for machines. */

import { formatBytes, formatDuration } from "../../runtime/base/units.ts";
import type { Run } from "../../actors/controller/state.ts";
import { cliLimits } from "../limits.ts";
import { type Board, isFailed, publishedUri, type Row } from "./board.ts";
import type { SetTally } from "../../actors/set/record.ts";
import { filesText, rateOf } from "./plain.ts";
import { type Column, tableLines } from "./table.ts";
import { clean, type Paint } from "./text.ts";

/** One ended run. */
export interface Report {
  readonly runId: string;
  readonly name: string;
  readonly state: Exclude<Run["state"], "running"> | "interrupted";
  readonly why: string;
  readonly resumed: boolean;
  readonly durationMs: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly bytes: number;
  readonly keptBytes: number;
  readonly transfers: readonly TransferReport[];
}

/** One transfer of it. */
export interface TransferReport {
  readonly name: string;
  readonly state: Row["state"];
  readonly why: string;
  readonly attempts: number;
  readonly bytes: number | null;
  readonly fetchedBytes: number | null;
  readonly keptBytes: number | null;
  /** Copied by the service itself. */
  readonly copiedBytes?: number;
  readonly streamedBecause?: string;
  readonly bytesPerSecond: number | null;
  readonly durationMs: number | null;
  readonly outcome: string | null;
  readonly verified: string | null;
  readonly fence: string | null;
  readonly sha256: string | null;
  readonly uri: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** Of a set of files. */
  readonly files?: SetTally;
}

/** Facts of the run beside its transfers. */
export type RunFacts = Pick<Report, "runId" | "name" | "state" | "why" | "resumed" | "durationMs">;

/** The report of a board whose run has ended. */
export function reportOf(facts: RunFacts, board: Board): Report {
  const transfers = [...board.rows()].map(transferReport);
  const { succeeded, failed, skipped } = board.totals();
  const sum = (of: (one: TransferReport) => number | null) =>
    transfers.reduce((total, one) => total + (of(one) ?? 0), 0);
  return {
    ...facts,
    succeeded,
    failed,
    skipped,
    bytes: sum((one) => one.bytes),
    keptBytes: sum((one) => one.keptBytes),
    transfers,
  };
}

function transferReport(row: Row): TransferReport {
  const { receipt, error } = row;
  return {
    name: row.name,
    state: row.state,
    why: row.why,
    attempts: row.attempts,
    bytes: receipt?.bytes ?? null,
    fetchedBytes: receipt?.fetchedBytes ?? null,
    keptBytes: receipt?.keptBytes ?? null,
    ...(receipt?.copiedBytes === undefined ? {} : { copiedBytes: receipt.copiedBytes }),
    ...(receipt?.streamedBecause === undefined ? {} : { streamedBecause: receipt.streamedBecause }),
    bytesPerSecond: rateOf(row),
    durationMs: receipt === null ? null : receipt.endedMs - receipt.startedMs,
    outcome: receipt?.outcome ?? null,
    verified: receipt?.level ?? null,
    fence: receipt?.fence ?? null,
    sha256: receipt?.sha256 ?? null,
    uri: publishedUri(row),
    error: error === null || !isFailed(row) ? null : { code: error.code, message: error.message },
    ...(receipt?.files === undefined ? {} : { files: receipt.files }),
  };
}

const COLUMNS: readonly Column[] = [
  { title: "NAME", maxWidth: 40 },
  { title: "STATE" },
  { title: "BYTES", side: "right" },
  { title: "RATE", side: "right" },
  { title: "VERIFIED" },
  { title: "KEPT", side: "right" },
  { title: "SHA-256" },
  { title: "WHERE" },
];

/** The report for people: the table, and one line for the run. */
export function reportLines(report: Report, colours: Paint): string[] {
  const shown = chosen(report.transfers);
  const hidden = report.transfers.length - shown.length;
  return [
    ...tableLines(COLUMNS, shown.map(tableRow), colours),
    ...(hidden > 0 ? [colours.dim(`… and ${hidden} more; -o json lists all`)] : []),
    "",
    ...shown.filter(({ error }) => error !== null)
      .map(({ name, error }) => colours.bad(`${clean(name)}: ${clean(error?.message ?? "")}`)),
    summaryLine(report, colours),
  ];
}

/** Those that did not succeed must not be the ones that are left out. */
function chosen(transfers: readonly TransferReport[]): readonly TransferReport[] {
  if (transfers.length <= cliLimits.reportRows) return transfers;
  const bad = transfers.filter((one) => one.state !== "succeeded");
  const good = transfers.filter((one) => one.state === "succeeded");
  return [...bad, ...good].slice(0, cliLimits.reportRows);
}

function tableRow(one: TransferReport): string[] {
  return [
    one.name,
    one.state,
    one.bytes === null ? "-" : formatBytes(one.bytes),
    one.bytesPerSecond === null ? "-" : `${formatBytes(one.bytesPerSecond)}/s`,
    one.verified ?? "-",
    one.keptBytes ? formatBytes(one.keptBytes) : "-",
    one.sha256?.slice(0, 12) ?? "-",
    whereText(one),
  ];
}

function whereText(one: TransferReport): string {
  if (one.uri !== null) {
    const files = one.files === undefined ? "" : `${filesText(one.files)} in `;
    return files + shownPlace(one.uri);
  }
  return one.error !== null ? "see below" : one.state === "succeeded" ? "-" : one.why;
}

/** Local files as paths, which is what people paste into a shell. */
export function shownPlace(uri: string): string {
  if (!uri.startsWith("file://")) return uri;
  try {
    return decodeURIComponent(uri.slice("file://".length));
  } catch {
    return uri;
  }
}

function summaryLine(report: Report, colours: Paint): string {
  const { succeeded, failed, skipped, bytes, keptBytes, durationMs, transfers } = report;
  const colour = report.state === "succeeded" ? colours.good : colours.bad;
  const facts = [`${succeeded} of ${transfers.length} succeeded`];
  if (failed > 0) facts.push(`${failed} failed`);
  if (skipped > 0) facts.push(`${skipped} skipped`);
  facts.push(`${formatBytes(bytes)} in ${formatDuration(durationMs)}`);
  if (keptBytes > 0) facts.push(`${formatBytes(keptBytes)} of it kept from before`);
  // A failed transfer has said why in a line of its own.
  const isTold = report.state === "succeeded" || transfers.some(({ error }) => error !== null);
  const reason = isTold ? "" : `: ${clean(report.why)}`;
  return `${clean(report.name)} ${colour(report.state)}: ${facts.join(", ")}${reason}`;
}
