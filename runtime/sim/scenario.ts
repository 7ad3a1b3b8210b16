/** What the author of a simulation writes. */

import { assert } from "../base/assert.ts";
import type { FaultKind } from "./faults.ts";
import type { Simulation } from "./simulation.ts";

/** Which faults a scenario lives through. */
export interface ScenarioFaults {
  /** Only these kinds; a seed leaves some of them out. */
  readonly kinds?: readonly FaultKind[];
  /** From the calmest to the worst seed, each between 0 (nothing happens) and 1; [0, 1] unless given. */
  readonly intensity?: readonly [low: number, high: number];
}

/** A simulation that can be run with any seed. */
export interface Scenario {
  /** `room/subject`, as `deno task sim --scenario` takes it. */
  readonly name: string;
  /** One sentence: what must hold. */
  readonly describe: string;
  /** How long the work and the faults last, in virtual time; shrinking cuts it. */
  readonly durationMs: number;
  /** Names of the machines that faults happen to. */
  readonly nodes: readonly string[];
  /** None unless given. */
  readonly faults?: ScenarioFaults;
  /** Rare states; one that a long run never reached is reported. */
  readonly sometimes?: readonly string[];
  /**
   * Errors that nobody handled and that are no defect, such as those of a bad disk: the process ends
   * and starts again. Without it every such error fails the run.
   */
  readonly tolerates?: (reason: unknown) => boolean;
  /** A planted bug: the check that must find it. Such a scenario fails when no seed finds it. */
  readonly canary?: string;
  /** The run itself: starts machines, lets faults happen, checks. */
  run(sim: Simulation): Promise<void>;
}

/**
 * A scenario, checked: it throws an `AssertionError` where one could never run.
 *
 * @example
 * ```ts
 * import { explore, scenario } from "@quorus/quorus/testing";
 *
 * const greeting = scenario({
 *   name: "demo/greeting",
 *   describe: "a timer fires once in every life of its process",
 *   durationMs: 60_000,
 *   nodes: ["a"],
 *   faults: { kinds: ["crash", "stop"] },
 *   sometimes: ["a second life"],
 *   run: async (sim) => {
 *     let greetings = 0;
 *     sim.cluster.start("a", (env) => {
 *       sim.sometimes("a second life", sim.cluster.lives > 1);
 *       env.timers.after(1_000, () => greetings += 1);
 *     });
 *     sim.invariant("no more greetings than lives", () => greetings <= sim.cluster.lives);
 *     await sim.faults();
 *     await sim.converge("the last life has greeted", 5_000, () => greetings > 0);
 *   },
 * });
 * const report = await explore(greeting, { seeds: 20, monotonicMs: () => performance.now() });
 * console.assert(report.failures.length === 0);
 * ```
 */
export function scenario(spec: Scenario): Scenario {
  assert(/^[a-z0-9_-]+(\/[a-z0-9_-]+)*$/.test(spec.name), `scenario name "${spec.name}" is a path`);
  assert(spec.durationMs > 0, `scenario ${spec.name} lasts for a time`);
  assert(spec.nodes.length > 0, `scenario ${spec.name} has a node`);
  const [low, high] = spec.faults?.intensity ?? [0, 1];
  assert(0 <= low && low <= high && high <= 1, `scenario ${spec.name}: intensity from 0 to 1`);
  return spec;
}
