/**
 * Runs seeds of one scenario until one fails, without shrinking: `hunt.ts SCENARIO SEEDS`. One line of
 * JSON says what was found. It runs in the copy that has the bug.
 */

import { runSeed } from "../../runtime/sim/explore_seed.ts";
import { replaceGlobals } from "../../runtime/sim/globals.ts";
import { SCENARIOS } from "../simulation/scenarios/index.ts";

/** What a hunt came to. */
export interface Hunt {
  /** How many seeds were run; the last one found it, if one did. */
  readonly seeds: number;
  /** What failed, `null` if nothing did. */
  readonly found: string | null;
}

async function hunt(name: string, seeds: number): Promise<Hunt> {
  const scenario = SCENARIOS.find((one) => one.name === name);
  if (scenario === undefined) throw new RangeError(`no scenario ${name}`);
  for (let seed = 1; seed <= seeds; seed += 1) {
    const { failure } = await runSeed(scenario, seed);
    if (failure !== null) return { seeds: seed, found: failure.message };
  }
  return { seeds, found: null };
}

if (import.meta.main) {
  const [name = "", seeds = ""] = Deno.args;
  const globals = replaceGlobals();
  const result = await hunt(name, Number(seeds));
  globals.restore();
  console.log(JSON.stringify(result));
}
