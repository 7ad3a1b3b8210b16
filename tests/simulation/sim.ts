/**
 * `deno task sim`: runs seeds of the scenarios, each in a world of its own, without any permission.
 *
 * `--json` prints one line for each scenario (DESIGN section 11); everything that people read goes to
 * stderr then. Exit code 1 on any failure, with the command that replays it; 2 on a wrong call.
 */

import { explore, type ScenarioReport } from "../../runtime/sim/explore.ts";
import { replaceGlobals } from "../../runtime/sim/globals.ts";
import type { Scenario } from "../../runtime/sim/scenario.ts";
import { SCENARIOS } from "./scenarios/index.ts";
import { parseSimArguments, type SimArguments, USAGE } from "./sim_arguments.ts";
import { failureText, headerRow, jsonLine, progressText, reportRow } from "./sim_output.ts";

/** Runs what the arguments ask for; the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const parsed = parseSimArguments(args, SCENARIOS.map(({ name }) => name));
  if (typeof parsed === "string") {
    console.error(parsed);
    console.log(USAGE);
    return 2;
  }
  if (parsed.help) {
    console.log(USAGE);
    for (const { name, describe } of SCENARIOS) console.log(`  ${name.padEnd(24)} ${describe}`);
    return 0;
  }
  // The real clock, for the speed of a run; taken before the globals are.
  const monotonicMs = performance.now.bind(performance);
  const globals = replaceGlobals();
  try {
    return await runAll(parsed, monotonicMs);
  } finally {
    globals.restore();
  }
}

async function runAll(options: SimArguments, monotonicMs: () => number): Promise<number> {
  if (!options.json) console.log(headerRow());
  let failures = 0;
  for (const scenario of SCENARIOS.filter(({ name }) => options.scenario?.(name) ?? true)) {
    const report = await exploreOne(scenario, options, monotonicMs);
    console.log(options.json ? jsonLine(report) : reportRow(report));
    for (const failure of report.failures) console.error(failureText(failure));
    if (report.found !== null && options.isReplay) console.error(failureText(report.found));
    for (const name of report.unreached) {
      console.error(
        `${report.scenario}: no seed has reached "${name}": what it checks was not seen`,
      );
    }
    failures += report.failures.length;
  }
  return failures === 0 ? 0 : 1;
}

async function exploreOne(
  scenario: Scenario,
  options: SimArguments,
  monotonicMs: () => number,
): Promise<ScenarioReport> {
  const isLive = !options.json && Deno.stderr.isTerminal();
  const show = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
  let done = 0;
  const report = await explore(scenario, {
    seeds: options.seeds,
    monotonicMs,
    verify: options.verify,
    shrink: !options.isReplay,
    replay: options.replay,
    onSeed: ({ seed }) => {
      done += 1;
      if (isLive) show(progressText(scenario.name, done, options.seeds.length, seed));
    },
  });
  if (isLive) show("");
  return report;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
