/** The leak check of a world whose nodes have stopped. */

import { FAULT_RANGES } from "../../../runtime/sim/faults.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";

/** What outlasts a node: faults that are over later, and the network's own business. */
const OUTSIDE = /^(fault|init|net |network )/;

/** Turns of a process that was stopped or slow, as they stand in its line: a few of the slowest kind. */
const LATE_MS = 4 * FAULT_RANGES.slowTurnMs.high;

/** Nothing is left that could still happen: no timer, no call, no connection. */
export async function nothingWaits(sim: Simulation): Promise<void> {
  await sim.pass(LATE_MS);
  const left = sim.world.waiting().filter((label) => !OUTSIDE.test(label));
  sim.check("nothing is left to happen", left.length === 0, left.slice(0, 5).join("; "));
}
