/** The live block: a line for each transfer that matters now, and one for all; pure. */

import { formatBytes, formatDuration } from "../../runtime/base/units.ts";
import type { TerminalSize } from "../process.ts";
import { type Board, isActive, isFailed, type Row, type Totals } from "./board.ts";
import { clean, fit, pad, type Paint, widthOf } from "./text.ts";

/** Lines that the block leaves to the shell and to what is printed above it. */
const SPARE_LINES = 2;
const LEAST_NAME_CELLS = 5;
const STATE_CELLS = 10;
const BYTES_CELLS = 21;
const RATE_CELLS = 12;
const ETA_CELLS = 11;
const BAR_CELLS = 24;
const LEAST_BAR_CELLS = 6;
const NAME_SHARE = 0.3;

/** At most `rows - 2` lines of at most `columns - 1` cells. */
export function blockLines(
  board: Board,
  size: TerminalSize,
  nowMs: number,
  colours: Paint,
): string[] {
  const totals = board.totals();
  const cells = Math.max(1, size.columns - 1);
  const room = Math.max(1, size.rows - SPARE_LINES - 1);
  const { rows, hidden } = chosenRows(board, totals, room);
  const layout = layoutFor(rows, cells);
  const lines = rows.map((row) => rowLine(row, layout, nowMs, colours));
  if (hidden > 0) lines.push(colours.dim(fit(`… and ${hidden} more`, cells)));
  lines.push(totalLine(totals, layout, colours));
  return lines;
}

/** All in declared order where they fit; else running ones first, then those that will, then ended ones. */
function chosenRows(
  board: Board,
  totals: Totals,
  room: number,
): { rows: Row[]; hidden: number } {
  if (totals.transfers <= room) return { rows: [...board.rows()], hidden: 0 };
  const places = Math.max(1, room - 1);
  const chosen = board.active().slice(0, places);
  const kinds: readonly ((row: Row) => boolean)[] = [
    (row) => row.state === "retrying" || row.state === "paused",
    isFailed,
    (row) => row.state === "queued" || row.state === "waiting",
    (row) => row.state === "succeeded" || row.state === "skipped",
  ];
  for (const isKind of kinds) {
    if (chosen.length >= places) break;
    for (const row of board.rows()) {
      if (chosen.length >= places) break;
      if (isKind(row)) chosen.push(row);
    }
  }
  return { rows: chosen, hidden: totals.transfers - chosen.length };
}

/** Cells by column; 0 leaves the column out. */
interface Layout {
  readonly cells: number;
  readonly name: number;
  readonly bytes: number;
  readonly bar: number;
  readonly rate: number;
  readonly eta: number;
}

function layoutFor(rows: readonly Row[], cells: number): Layout {
  const longest = Math.max(LEAST_NAME_CELLS, ...rows.map(({ name }) => widthOf(clean(name))));
  const share = Math.floor(cells * NAME_SHARE);
  const beside = cells - STATE_CELLS - BYTES_CELLS - 2 * 2;
  const name = Math.min(longest, Math.max(LEAST_NAME_CELLS, Math.min(share, beside)));
  let left = cells - name - STATE_CELLS - 2;
  const take = (wanted: number) => {
    if (left < wanted + 2) return 0;
    left -= wanted + 2;
    return wanted;
  };
  const bytes = take(BYTES_CELLS);
  const rate = take(RATE_CELLS);
  const eta = take(ETA_CELLS);
  const bar = left >= LEAST_BAR_CELLS + 2 ? Math.min(BAR_CELLS, left - 2) : 0;
  return { cells, name, bytes, bar, rate, eta };
}

function rowLine(row: Row, layout: Layout, nowMs: number, colours: Paint): string {
  const { done, total, rate, eta } = figures(row, nowMs);
  const shown = stateText(row);
  const state = stateColour(row, colours)(pad(shown, STATE_CELLS));
  const files = filesText(row);
  return joined(pad(clean(row.name), layout.name), state, {
    layout,
    bytes: files === null ? bytesText(done, total) : `${files} ${bytesText(done, total)}`.trim(),
    done,
    total,
    rate,
    eta,
  });
}

function totalLine(totals: Totals, layout: Layout, colours: Paint): string {
  const { transfers, succeeded, failed, skipped, running } = totals;
  const { doneBytes, knownBytes, bytesPerSecond } = totals;
  const counts = [`${succeeded}/${transfers} done`];
  if (running > 0) counts.push(`${running} running`);
  if (failed > 0) counts.push(`${failed} failed`);
  if (skipped > 0) counts.push(`${skipped} skipped`);
  counts.push(bytesText(doneBytes, knownBytes));
  if (bytesPerSecond > 0) counts.push(`${formatBytes(bytesPerSecond)}/s`);
  return colours.bold(fit(`total  ${counts.join("  ")}`, layout.cells));
}

interface Figures {
  readonly done: number;
  readonly total: number | null;
  readonly rate: number;
  readonly eta: string;
}

function figures(row: Row, nowMs: number): Figures {
  const { progress, receipt, retryAtMs } = row;
  if (receipt !== null) return { done: receipt.bytes, total: receipt.bytes, rate: 0, eta: "" };
  if (row.state === "retrying") {
    const inMs = Math.max(0, (retryAtMs ?? nowMs) - nowMs);
    return { done: 0, total: null, rate: 0, eta: `in ${formatDuration(inMs)}` };
  }
  if (progress === null) return { done: 0, total: null, rate: 0, eta: "" };
  return {
    done: progress.doneBytes,
    total: progress.totalBytes,
    rate: isActive(row) ? progress.bytesPerSecond : 0,
    eta: progress.etaMs === null || !isActive(row) ? "" : `ETA ${formatDuration(progress.etaMs)}`,
  };
}

function joined(
  name: string,
  state: string,
  rest: Figures & { readonly layout: Layout; readonly bytes: string },
): string {
  const { layout, bytes, done, total, rate, eta } = rest;
  const parts = [name, state];
  if (layout.bytes > 0) parts.push(pad(bytes, layout.bytes, "right"));
  if (layout.bar > 0) parts.push(bar(done, total, layout.bar));
  if (layout.rate > 0) {
    parts.push(pad(rate > 0 ? `${formatBytes(rate)}/s` : "", RATE_CELLS, "right"));
  }
  if (layout.eta > 0) parts.push(pad(eta, ETA_CELLS));
  return parts.join("  ").trimEnd();
}

/** How many files of a set are there by now. */
function filesText({ progress, receipt }: Row): string | null {
  const count = receipt?.files?.files ?? progress?.files?.copied;
  if (count === undefined) return null;
  return count === 1 ? "1 file" : `${count} files`;
}

/** `12.0 MiB / 100 MiB`; nothing while nothing is known. */
function bytesText(done: number, total: number | null): string {
  if (total === null) return done === 0 ? "" : formatBytes(done);
  return done === total ? formatBytes(done) : `${formatBytes(done)} / ${formatBytes(total)}`;
}

function bar(done: number, total: number | null, cells: number): string {
  if (total === null) return " ".repeat(cells);
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.floor(share * cells);
  return "█".repeat(filled) + "░".repeat(cells - filled);
}

/** The attempt's phase says more than the job's state. */
function stateText(row: Row): string {
  if (!isActive(row)) return row.state;
  const phase = row.progress?.phase;
  if (phase === undefined || phase === "opening") return "opening";
  return phase === "keeping" ? "re-reading" : phase;
}

function stateColour(row: Row, colours: Paint): (text: string) => string {
  if (row.state === "succeeded") return colours.good;
  if (isFailed(row)) return colours.bad;
  if (row.state === "retrying" || row.state === "paused") return colours.warn;
  return isActive(row) ? (text) => text : colours.dim;
}
