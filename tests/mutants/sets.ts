/** Planted bugs of sets of files: each must be found by the simulation of a cluster with sets. */

import type { Mutant } from "./mutant.ts";

const SCENARIO = "cluster/sets";

export const SET_MUTANTS: readonly Mutant[] = [
  {
    name: "a file of a set is published without a grant",
    file: "actors/set/carry.ts",
    find: `      const refused = await reports.grant(path, command.event.grant, version);`,
    replace: `      const refused: readonly string[] = [];`,
    scenario: SCENARIO,
    seeds: 40,
  },
  {
    name: "the open grants of a lost lease are not looked at",
    file: "actors/set/attempt.ts",
    find: `  const handled = await goOnWithOpen(work);`,
    replace: `  const handled = new Set<string>();`,
    scenario: SCENARIO,
    seeds: 40,
  },
  {
    name: "the files of a lost lease are not seized",
    file: "actors/set/file.ts",
    find: `    stale: job.stale.map(ofFile),`,
    replace: `    stale: [],`,
    scenario: SCENARIO,
    seeds: 40,
  },
  {
    name: "what stands at the destination is not looked at",
    file: "actors/set/carry.ts",
    find: `  if (isKnown === true) return true;`,
    replace: `  if (isKnown !== true) return false;`,
    scenario: SCENARIO,
    seeds: 40,
  },
  {
    name: "what was published is not counted where it is recovered",
    file: "actors/set/taken.ts",
    find: `    if (outcome === "unpublished") continue;`,
    replace: `    if (outcome !== "published") continue;`,
    scenario: SCENARIO,
    seeds: 40,
  },
];
