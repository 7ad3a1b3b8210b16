/** One seed of a scenario, from a fresh world to its end. */

// What a run leaves unsettled may reject after it; nobody is to blame any more.
// deno-lint-ignore quorus/layers
import { nextTurn } from "../env/real/turn.ts";
// deno-lint-ignore quorus/layers
import { onUnhandledRejection } from "../env/real/unhandled.ts";
import { assert } from "../base/assert.ts";
import { drawFaults } from "./fault_draw.ts";
import { FAULT_KINDS, type FaultKind, type FaultPlan } from "./faults.ts";
import { SeededRandom } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import { Simulation } from "./simulation.ts";
import type { SimulationFailure } from "./simulation_failure.ts";
import type { Recorder } from "./simulation_recorder.ts";

/** How a seed is run; everything that is left out follows from the seed. */
export interface SeedOptions {
  /** The plan of faults in place of the seed's own. */
  readonly plan?: FaultPlan;
  /** Of the plan only the faults with these indices. */
  readonly faults?: readonly number[];
  /** A shorter run: the work and the plan end here. */
  readonly durationMs?: number;
  readonly recorder?: Recorder;
}

/** What a run came to. */
export interface SeedRun {
  readonly seed: number;
  /** The faults that were to happen. */
  readonly plan: FaultPlan;
  readonly failure: SimulationFailure | null;
  readonly steps: number;
  readonly simMs: number;
  readonly traceHash: string;
  readonly reached: ReadonlySet<string>;
  /** The last lines of the trace. */
  readonly traceLines: readonly string[];
}

const KIND_RATE = 0.7;

/** The faults that a seed means. */
export function planOf(scenario: Scenario, seed: number): FaultPlan {
  const { durationMs, nodes, faults } = scenario;
  if (faults === undefined) return { durationMs, events: [] };
  const random = new SeededRandom(seed, `faults of ${scenario.name}`);
  const [low, high] = faults.intensity ?? [0, 1];
  const intensity = low + random.next() * (high - low);
  const kinds = someOf(random, faults.kinds);
  return drawFaults(random, intensity, { nodes, durationMs, ...kinds });
}

/** A seed leaves some kinds out, so that one kind does not hide what another would show (swarm testing). */
function someOf(
  random: SeededRandom,
  kinds: readonly FaultKind[] = FAULT_KINDS,
): { readonly kinds: readonly FaultKind[] } {
  const some = kinds.filter(() => random.chance(KIND_RATE));
  return { kinds: some.length > 0 ? some : kinds };
}

/** The plan of a run: a part of the faults, and what begins before the end. */
export function partOf(plan: FaultPlan, { faults, durationMs }: SeedOptions): FaultPlan {
  const endMs = Math.min(plan.durationMs, durationMs ?? Infinity);
  for (const index of faults ?? []) {
    assert(plan.events[index] !== undefined, `the plan has a fault ${index}`);
  }
  const chosen = faults === undefined ? null : new Set(faults);
  const events = plan.events.filter((event, index) =>
    (chosen === null || chosen.has(index)) && event.atMs < endMs
  );
  return { durationMs: endMs, events };
}

/** Runs one seed; the same seed and options give the same run, whatever ran before. */
export async function runSeed(
  scenario: Scenario,
  seed: number,
  options: SeedOptions = {},
): Promise<SeedRun> {
  const plan = partOf(options.plan ?? planOf(scenario, seed), options);
  const { recorder } = options;
  const sim = new Simulation(scenario, {
    seed,
    plan,
    ...(recorder === undefined ? {} : { recorder }),
  });
  const { world } = sim;
  const owner = {
    name: "scenario",
    unhandled: (reason: unknown) => {
      sim.unhandled(reason);
      return false;
    },
  };
  try {
    await world.as(owner, () => scenario.run(sim));
    sim.finish();
  } catch (thrown) {
    sim.threw(thrown);
  }
  await leaveBehind();
  return {
    seed,
    plan,
    failure: sim.failure,
    steps: world.events,
    simMs: world.nowMs,
    traceHash: world.traceHash(),
    reached: sim.reached,
    traceLines: world.traceLines(),
  };
}

/** Lets what an ended run has left reject in silence. */
async function leaveBehind(): Promise<void> {
  const stop = onUnhandledRejection(() => true);
  await nextTurn();
  await nextTurn();
  stop();
}
