/** What all contests have shown, as one table of Markdown. */

import { reaches } from "../report.ts";
import type { Outcome } from "./beside.ts";
import { AGENT, COMMAND } from "./contest.ts";

/** A line for each contest, direction and peer. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const head = ["what", "peer", "Quorus, running", "Quorus, started", "peer's", "unit"];
  const rest = ["running / peer", "started / peer", "aim", "running", "started"];
  const rows = outcomes.flatMap((outcome) =>
    Object.keys(outcome.aims).filter((peer) => outcome.rates[peer] !== undefined)
      .map((peer) => rowOf(outcome, peer))
  );
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const titles = [...head, ...rest];
  return [line(titles), line(titles.map(() => "---")), ...rows.map(line), ""].join("\n");
}

function rowOf(
  { bench, size, direction, unit, rates, ratios, aims }: Outcome,
  peer: string,
): string[] {
  const aim = aims[peer] ?? null;
  const [running, started] = [AGENT, COMMAND].map((name) => ratios[name]?.[peer]);
  const isMet = (ratio: number | undefined) =>
    ratio === undefined || aim === null
      ? "-"
      : reaches(Number(ratio.toPrecision(4)), aim)
      ? "met"
      : "**missed**";
  return [
    ...[`${bench} ${size} ${direction}`, peer],
    ...[AGENT, COMMAND, peer].map((name) => rate(rates[name])),
    ...[unit, times(running), times(started), aim ?? "-", isMet(running), isMet(started)],
  ];
}

function rate(value: number | undefined): string {
  return value === undefined ? "-" : value.toFixed(value < 10 ? 1 : 0);
}

function times(value: number | undefined): string {
  return value === undefined ? "-" : value.toFixed(2);
}
