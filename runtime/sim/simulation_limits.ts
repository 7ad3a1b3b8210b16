/** The bounds of the runner of simulations. */

import type { LimitTable } from "../base/limits.ts";

/** Every bound of running, shrinking and showing a simulation. */
export const SIMULATION_LIMITS = {
  historyFacts: {
    unit: "count",
    value: 1_000_000,
    why: "facts of one run that oracles read; a scenario with more should keep sums",
  },
  restartMs: {
    unit: "ms",
    value: 100,
    why:
      "from the end of a process that ended by itself to its next life, as an init system has it",
  },
  convergeSteps: {
    unit: "count",
    value: 200,
    why: "how often a liveness condition is looked at within its time",
  },
  failures: {
    unit: "count",
    value: 5,
    why: "failures of a scenario that are shrunk and shown; after so many its seeds are left",
  },
  shrinkRuns: {
    unit: "count",
    value: 300,
    why: "runs that one failure may cost while fewer faults and a shorter run are tried",
  },
  shrinkSteps: {
    unit: "count",
    value: 20_000_000,
    why: "events that one failure may cost while it is shrunk; about a minute",
  },
  verifySeeds: {
    unit: "count",
    value: 3,
    why: "seeds of each scenario that always run twice to compare their trace hashes",
  },
  longRunSeeds: {
    unit: "count",
    value: 200,
    why: "seeds after which a rare state that was never reached is reported",
  },
  traceLines: {
    unit: "count",
    value: 20_000,
    why: "lines of the trace kept in the run that is shown",
  },
  diagramEvents: {
    unit: "count",
    value: 60,
    why: "the last rows of a diagram: what a person reads before looking at the trace",
  },
  recordedEvents: {
    unit: "count",
    value: 2_000,
    why: "frames and marks kept for the diagram, each with its bytes",
  },
  textCharacters: { unit: "count", value: 100, why: "what a frame carries, in short" },
} as const satisfies LimitTable;
