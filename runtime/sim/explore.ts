/** Runs seeds of a scenario and says what they came to. */

import { assert } from "../base/assert.ts";
import { limitValues } from "../base/limits.ts";
import { diagram } from "./diagram.ts";
import { planOf, runSeed, type SeedOptions, type SeedRun } from "./explore_seed.ts";
import type { FaultPlan } from "./faults.ts";
import type { Scenario } from "./scenario.ts";
import { shrink, type Shrunk } from "./shrink.ts";
import { SimulationFailure } from "./simulation_failure.ts";
import { SIMULATION_LIMITS } from "./simulation_limits.ts";
import { Recorder } from "./simulation_recorder.ts";
import { Trace } from "./trace.ts";

const LIMITS = limitValues(SIMULATION_LIMITS);
const MS_PER_HOUR = 3_600_000;

/** Which seeds to run, and how. */
export interface ExploreOptions {
  /** These seeds, or 1 to that number. */
  readonly seeds: number | readonly number[];
  /** A real clock of the caller, for simHoursPerHour; a simulation reads none. */
  readonly monotonicMs: () => number;
  /** Runs every seed twice and compares the trace hashes; the first few always are. */
  readonly verify?: boolean;
  /** Tries fewer faults and a shorter run on failure; on unless told otherwise. */
  readonly shrink?: boolean;
  /** Replays a part of the seed's faults, another plan or a shorter run. */
  readonly replay?: Omit<SeedOptions, "recorder">;
  /** Told after each seed. */
  readonly onSeed?: (run: SeedRun) => void;
}

/** A failed seed with all that is needed to look at it. */
export interface SeedFailure {
  readonly seed: number;
  readonly error: SimulationFailure;
  /** The faults that are left after shrinking. */
  readonly plan: FaultPlan;
  readonly shrunk: Shrunk | null;
  /** The one command that replays it. */
  readonly command: string;
  /** Who sent what when, up to the failure. */
  readonly diagram: string;
  /** The last lines of the trace. */
  readonly traceLines: readonly string[];
}

/** What the seeds of a scenario came to. */
export interface ScenarioReport {
  readonly scenario: string;
  /** How many seeds were run. */
  readonly seeds: number;
  /** At most `failures` of the limits; for a canary empty when its bug was found. */
  readonly failures: readonly SeedFailure[];
  /** A canary's bug as it was found. */
  readonly found: SeedFailure | null;
  readonly steps: number;
  readonly simHours: number;
  /** Virtual hours in a real hour. */
  readonly simHoursPerHour: number;
  /** Over all seeds; the same seeds give the same one. */
  readonly traceHash: string;
  /** How many seeds reached each rare state. */
  readonly reached: ReadonlyMap<string, number>;
  /** Rare states that a long run should have reached and has not. */
  readonly unreached: readonly string[];
}

/**
 * Runs seeds of a scenario, each in a world of its own, one after the other; see {@link Scenario}. A
 * failed seed is shrunk, then run once more to draw its diagram.
 */
export async function explore(
  scenario: Scenario,
  options: ExploreOptions,
): Promise<ScenarioReport> {
  return await new Exploration(scenario, options).run();
}

class Exploration {
  readonly #scenario: Scenario;
  readonly #options: ExploreOptions;
  readonly #seeds: readonly number[];
  readonly #trace = new Trace(1);
  readonly #reached = new Map<string, number>();
  readonly #failures: SeedFailure[] = [];
  #found: SeedFailure | null = null;
  #first: SeedRun | null = null;
  #count = 0;
  #steps = 0;
  #simMs = 0;
  #realMs = 0;

  constructor(scenario: Scenario, options: ExploreOptions) {
    const { seeds } = options;
    this.#scenario = scenario;
    this.#options = options;
    this.#seeds = typeof seeds === "number"
      ? Array.from({ length: seeds }, (_, index) => index + 1)
      : seeds;
    assert(this.#seeds.length > 0, "an exploration has a seed");
    for (const name of scenario.sometimes ?? []) this.#reached.set(name, 0);
  }

  async run(): Promise<ScenarioReport> {
    for (const seed of this.#seeds) {
      const run = await this.#timed(seed);
      await this.#judge(run);
      this.#options.onSeed?.(run);
      if (this.#found !== null || this.#failures.length >= LIMITS.failures) break;
    }
    await this.#firstAgain();
    if (this.#scenario.canary !== undefined && this.#found === null) this.#notFound();
    return this.#report();
  }

  async #timed(seed: number): Promise<SeedRun> {
    const beginMs = this.#options.monotonicMs();
    const run = await runSeed(this.#scenario, seed, this.#options.replay);
    this.#realMs += this.#options.monotonicMs() - beginMs;
    this.#count += 1;
    this.#steps += run.steps;
    this.#simMs += run.simMs;
    this.#trace.add(seed, run.traceHash);
    for (const name of run.reached) this.#reached.set(name, this.#reached.get(name)! + 1);
    return run;
  }

  async #judge(run: SeedRun): Promise<void> {
    this.#first ??= run;
    const isVerified = this.#options.verify === true || this.#count <= LIMITS.verifySeeds;
    if (isVerified) await this.#compare(run, "run twice");
    if (run.failure === null) return;
    const failure = await this.#examine(run);
    if (run.failure.check === this.#scenario.canary) this.#found = failure;
    else this.#failures.push(failure);
  }

  /** The first seed after all the others: what one run leaves behind must not reach the next. */
  async #firstAgain(): Promise<void> {
    if (this.#count > LIMITS.verifySeeds) await this.#compare(this.#first!, "run after the others");
  }

  async #compare(run: SeedRun, how: string): Promise<void> {
    const again = await runSeed(this.#scenario, run.seed, this.#options.replay);
    if (again.traceHash === run.traceHash) return;
    const { name } = this.#scenario;
    const differ = firstDifference(run.traceLines, again.traceLines);
    const error = new SimulationFailure(
      "nondeterministic",
      "a seed gives the same trace",
      `${name}, seed ${run.seed}: ${how}, it gives another trace (${run.traceHash}, ${again.traceHash}); first difference of what is kept: ${differ}; look for a global, an iteration order or state that outlives a run`,
    );
    this.#failures.push({
      seed: run.seed,
      error,
      plan: run.plan,
      shrunk: null,
      command: `${command(name, run.seed)} --verify`,
      diagram: "",
      traceLines: again.traceLines,
    });
  }

  async #examine(run: SeedRun): Promise<SeedFailure> {
    const { replay, shrink: wanted } = this.#options;
    const base = replay?.plan ?? planOf(this.#scenario, run.seed);
    const shrunk = wanted === false ? null : await shrink(this.#scenario, run, base);
    const part = shrunk === null ? replay ?? {} : {
      plan: base,
      faults: shrunk.faults,
      durationMs: shrunk.durationMs,
    };
    const recorder = new Recorder();
    const shown = await runSeed(this.#scenario, run.seed, { ...part, recorder });
    return {
      seed: run.seed,
      error: shown.failure ?? run.failure!,
      plan: shown.plan,
      shrunk,
      command: this.#commandOf(run.seed, part),
      diagram: diagram(this.#scenario.nodes, recorder.recorded),
      traceLines: shown.traceLines,
    };
  }

  #commandOf(seed: number, part: SeedOptions): string {
    const own = this.#options.replay?.plan;
    const parts = [command(this.#scenario.name, seed)];
    if (own !== undefined) parts.push(`--plan '${JSON.stringify(own)}'`);
    const all = (own ?? planOf(this.#scenario, seed)).events.length;
    const { faults, durationMs } = part;
    if (faults !== undefined && faults.length < all) {
      parts.push(`--faults ${faults.length === 0 ? "none" : faults.join(",")}`);
    }
    if (durationMs !== undefined && durationMs < this.#scenario.durationMs) {
      parts.push(`--duration-ms ${durationMs}`);
    }
    return parts.join(" ");
  }

  #notFound(): void {
    const { name, canary } = this.#scenario;
    const seed = this.#seeds.at(-1)!;
    this.#failures.push({
      seed,
      error: new SimulationFailure(
        "notFound",
        "the planted bug is found",
        `${name}: ${this.#count} seeds did not find "${canary}"; run more, or mend the checker`,
      ),
      plan: { durationMs: this.#scenario.durationMs, events: [] },
      shrunk: null,
      command: `deno task sim --scenario ${name} --seeds ${this.#seeds.length}`,
      diagram: "",
      traceLines: [],
    });
  }

  #report(): ScenarioReport {
    const simHours = this.#simMs / MS_PER_HOUR;
    const isLong = this.#count >= LIMITS.longRunSeeds;
    return {
      scenario: this.#scenario.name,
      seeds: this.#count,
      failures: this.#failures,
      found: this.#found,
      steps: this.#steps,
      simHours,
      simHoursPerHour: this.#realMs === 0 ? 0 : simHours / (this.#realMs / MS_PER_HOUR),
      traceHash: this.#trace.hash(),
      reached: this.#reached,
      unreached: isLong
        ? [...this.#reached].filter(([, count]) => count === 0).map(([name]) => name)
        : [],
    };
  }
}

function command(name: string, seed: number): string {
  return `deno task sim --scenario ${name} --seed ${seed}`;
}

function firstDifference(one: readonly string[], other: readonly string[]): string {
  const index = one.findIndex((line, at) => line !== other[at]);
  if (index < 0) return `${one.length} and ${other.length} lines`;
  return `"${one[index]}" against "${other[index] ?? "nothing"}"`;
}
