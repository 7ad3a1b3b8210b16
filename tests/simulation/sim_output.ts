/** What `deno task sim` prints. */

import type { ScenarioReport, SeedFailure } from "../../runtime/sim/explore.ts";

const NAME_WIDTH = 24;

/** The line of DESIGN section 11. */
export function jsonLine(report: ScenarioReport): string {
  return JSON.stringify({
    scenario: report.scenario,
    seeds: report.seeds,
    failures: report.failures.length,
    steps: report.steps,
    simHours: rounded(report.simHours),
    simHoursPerHour: rounded(report.simHoursPerHour),
    traceHash: report.traceHash,
  });
}

export function headerRow(): string {
  return row(["scenario", "seeds", "failures", "steps", "sim hours", "per hour", "trace"]);
}

export function reportRow(report: ScenarioReport): string {
  const line = row([
    report.scenario,
    String(report.seeds),
    String(report.failures.length),
    String(report.steps),
    String(rounded(report.simHours)),
    String(rounded(report.simHoursPerHour)),
    report.traceHash,
  ]);
  const { found } = report;
  if (found === null) return line;
  const left = found.shrunk === null
    ? ""
    : `, shrunk to ${faultCount(found)} in ${found.shrunk.runs} runs`;
  return `${line}\n  planted bug found by seed ${found.seed}${left}; see it: ${found.command}`;
}

/** How far a scenario is. */
export function progressText(name: string, done: number, all: number, seed: number): string {
  return `${name} ${done}/${all} (seed ${seed})`;
}

/** A failure with its faults, its diagram and the command that replays it. */
export function failureText(failure: SeedFailure): string {
  const { error, plan, shrunk, command, diagram } = failure;
  const parts = [
    `--- ${error.message}`,
    error.cause instanceof Error ? error.cause.stack ?? "" : "",
    ...plan.events.map((event) => `fault ${JSON.stringify(event)}`),
    shrunk === null
      ? ""
      : `shrunk to ${faultCount(failure)} and ${shrunk.durationMs} ms in ${shrunk.runs} runs`,
    diagram,
    `replay it: ${command}`,
  ];
  return parts.filter((part) => part !== "").join("\n");
}

function faultCount({ plan }: SeedFailure): string {
  return plan.events.length === 1 ? "1 fault" : `${plan.events.length} faults`;
}

function row(cells: readonly string[]): string {
  const [name = "", ...rest] = cells;
  return name.padEnd(NAME_WIDTH) + rest.map((cell) => cell.padStart(12)).join("").trimEnd();
}

/** Three significant digits; whole from a hundred on. */
function rounded(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
