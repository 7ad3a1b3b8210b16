/** Runs many seeds and says what came of it. */

import type { CoreFactory } from "../../../runtime/raft/cluster/core_factory.ts";
import { Sometimes } from "../../../runtime/raft/cluster/sometimes.ts";
import { type CoreFailure, runCoreSeed, type SeedOptions } from "./explore.ts";

const MS_PER_HOUR = 3_600_000;

/** What came of many seeds. */
export interface CoreReport {
  readonly seeds: number;
  readonly failures: readonly CoreFailure[];
  readonly steps: number;
  readonly simHours: number;
  readonly sometimes: Sometimes;
}

/** Which seeds, and when to stop. */
export interface ExploreOptions extends SeedOptions {
  readonly from: number;
  readonly seeds: number;
  /** Stop after so many failures. */
  readonly failuresWanted?: number;
}

/** Runs the seeds from `from` on. */
export function exploreCore(factory: CoreFactory, options: ExploreOptions): CoreReport {
  const failures: CoreFailure[] = [];
  const sometimes = new Sometimes();
  let [seeds, steps, virtualMs] = [0, 0, 0];
  for (let seed = options.from; seed < options.from + options.seeds; seed += 1) {
    const result = runCoreSeed(seed, factory, options);
    seeds += 1;
    steps += result.steps;
    virtualMs += result.virtualMs;
    sometimes.add(result.sometimes);
    if (result.failure !== null) failures.push(result.failure);
    if (failures.length >= (options.failuresWanted ?? Infinity)) break;
  }
  return { seeds, failures, steps, simHours: virtualMs / MS_PER_HOUR, sometimes };
}

/** A failure for people, with the command that shows it again. */
export function failureText({ seed, invariant, message, trace }: CoreFailure): string {
  const text = message.startsWith(invariant) ? message : `${invariant}: ${message}`;
  return [
    ...trace,
    `seed ${seed}: ${text}`,
    `replay it: deno run -A tests/simulation/raft/core/main.ts --seeds 1 --from ${seed}`,
  ].join("\n");
}
