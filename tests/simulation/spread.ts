/**
 * Many seeds over all scenarios, in several processes at once:
 *
 * deno run -A tests/simulation/spread.ts --seeds 10000 [--from S] [--processes 2] [--json]
 *
 * Each scenario is one run of `sim.ts` without any permission, and prints what that prints; the last
 * line sums up. Exit code 1 on any failure. It may be run beside other work as `nice -n 10 deno ...`.
 */

import { join } from "node:path";
import { repositoryRoot } from "../tidy/repository.ts";
import { SCENARIOS } from "./scenarios/index.ts";
import { type Share, sharesOf } from "./spread_plan.ts";

/** A canary's bug must be found within so many. */
const CANARY_SEEDS = 100;
const PROCESSES = 2;

interface Sums {
  seeds: number;
  failures: number;
  simHours: number;
  isGreen: boolean;
}

function numberOf(args: readonly string[], flag: string, usual: number): number {
  const index = args.indexOf(flag);
  const value = index < 0 ? usual : Number(args[index + 1]);
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${flag}: an integer from 1`);
  return value;
}

async function runOne({ scenario, seeds }: Share, from: number, sums: Sums): Promise<string> {
  const sim = ["run", "--no-prompt", "--ignore-env", join("tests", "simulation", "sim.ts")];
  const which = ["--scenario", scenario, "--seeds", `${seeds}`, "--from", `${from}`, "--json"];
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...sim, ...which],
    cwd: repositoryRoot,
    stderr: "inherit",
  }).output();
  sums.isGreen &&= success;
  const line = new TextDecoder().decode(stdout).trim();
  const report = JSON.parse(line) as { seeds: number; failures: number; simHours: number };
  sums.seeds += report.seeds;
  sums.failures += report.failures;
  sums.simHours += report.simHours;
  return line;
}

async function main(args: readonly string[]): Promise<number> {
  const from = numberOf(args, "--from", 1);
  const processes = numberOf(args, "--processes", PROCESSES);
  const isCanary = new Set(SCENARIOS.flatMap(({ name, canary }) => canary ? [name] : []));
  const names = SCENARIOS.map(({ name }) => name).filter((name) => !isCanary.has(name));
  const waiting = [
    ...sharesOf(numberOf(args, "--seeds", 10_000), names),
    ...[...isCanary].map((scenario) => ({ scenario, seeds: CANARY_SEEDS })),
  ];
  const sums: Sums = { seeds: 0, failures: 0, simHours: 0, isGreen: true };
  const startedMs = performance.now();
  const work = async (): Promise<void> => {
    for (let share = waiting.shift(); share !== undefined; share = waiting.shift()) {
      const beganMs = performance.now();
      const line = await runOne(share, from, sums);
      const seconds = Math.round((performance.now() - beganMs) / 1_000);
      console.log(args.includes("--json") ? line : `${line} ${seconds} s`);
    }
  };
  await Promise.all(Array.from({ length: processes }, work));
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  const { seeds, failures, simHours } = sums;
  const all = { spread: "all", seeds, failures, simHours: Math.round(simHours), seconds };
  console.log(JSON.stringify({ ...all, processes }));
  return sums.isGreen ? 0 : 1;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
