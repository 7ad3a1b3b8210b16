/** How many seeds of each scenario make a run of so many in all. Pure. */

/** The seeds of one scenario. */
export interface Share {
  readonly scenario: string;
  readonly seeds: number;
}

/** A new scenario gets as many seeds as a usual one. */
const USUAL_WEIGHT = 8;

/**
 * Of each other's seeds: what is cheap (a journal takes a hundredth of a second) gets more of them, what
 * takes half a second fewer. A canary is no test of ours, it runs until its bug is found.
 */
const WEIGHTS: Readonly<Record<string, number>> = {
  "runtime/supervision": 7,
  "runtime/trees": 10,
  "runtime/mailboxes": 12,
  "store/journal": 16,
  "remote/ordering": 8,
  "remote/watch": 6,
  "remote/asks": 10,
  "remote/credit": 8,
  "remote/quarantine": 5,
  "remote/reliable": 6,
  "cluster/membership": 8,
  "cluster/topics": 6,
  "cluster/placement": 8,
  // Whole groups: half a second to a second each.
  "raft/churn": 2,
  "raft/clock": 2,
  "raft/clock-drift": 2,
  "raft/kv": 2,
  "raft/placement": 2,
  "raft/upgrade": 2,
};

/** Divides `seeds` by weight; every scenario gets at least one, and their sum is `seeds`. */
export function sharesOf(seeds: number, scenarios: readonly string[]): Share[] {
  const weightOf = (name: string): number => WEIGHTS[name] ?? USUAL_WEIGHT;
  let weightsLeft = scenarios.reduce((sum, name) => sum + weightOf(name), 0);
  let seedsLeft = seeds;
  return scenarios.map((scenario, index) => {
    const weight = weightOf(scenario);
    const others = scenarios.length - 1 - index;
    const fair = Math.round(seedsLeft * weight / weightsLeft);
    const share = Math.max(1, Math.min(fair, seedsLeft - others));
    weightsLeft -= weight;
    seedsLeft -= share;
    return { scenario, seeds: share };
  });
}
