/** Every table of planted bugs, by the name that `tests/mutants/run.ts` takes. */

import { CLUSTER_MUTANTS } from "./cluster.ts";
import type { Mutant } from "./mutant.ts";
import { SET_MUTANTS } from "./sets.ts";
import { SIMULATION_MUTANTS } from "./simulation.ts";

export const TABLES: Readonly<Record<string, readonly Mutant[]>> = {
  simulation: SIMULATION_MUTANTS,
  cluster: CLUSTER_MUTANTS,
  sets: SET_MUTANTS,
};
