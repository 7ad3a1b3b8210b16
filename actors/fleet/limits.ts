/** The limits of what controllers know of agents: when one is doubted, given up, asked again. */

import type { LimitTable } from "../../runtime/base/limits.ts";

export const FLEET_LIMITS = {
  heartbeatMs: {
    unit: "ms",
    value: 5_000,
    why: "pause between heartbeats of an agent; 30,000 where links cross a WAN",
  },
  heartbeatTimeoutMs: {
    unit: "ms",
    value: 90_000,
    why: "an agent that was not heard of for so long is lost, though its link stands",
  },
  loseMs: {
    unit: "ms",
    value: 3_000,
    why:
      "how long an agent may be without a link (noticed under 5 s) before its jobs go elsewhere; longer than a WAN's outages where those are usual",
  },
  leaderGraceMs: {
    unit: "ms",
    value: 8_000,
    why: "a new leader waits so long for the links of agents before it gives any of them up",
  },
  massLossMs: {
    unit: "ms",
    value: 60_000,
    why: "when more than a third of the agents vanish at once, nothing is reassigned for so long",
  },
  absentMs: {
    unit: "ms",
    value: 7 * 86_400_000,
    why:
      "an agent that was given up, and has not come back for so long, counts as one that has left",
  },
  probeMs: {
    unit: "ms",
    value: 10_000,
    why: "pause between comparisons of an agent's leases with those that were committed",
  },
  probeTimeoutMs: { unit: "ms", value: 5_000, why: "how long an agent has to answer one" },
  lookMs: { unit: "ms", value: 250, why: "pause between looks at who has to be given up" },
  progressJobs: {
    unit: "count",
    value: 20_000,
    why:
      "jobs whose progress a controller knows; of more the one that was told longest ago is forgotten",
  },
  performMs: {
    unit: "ms",
    value: 600_000,
    why: "how long an agent may take for one action at the end of a run, such as a clean-up",
  },
  sweepEveryMs: {
    unit: "ms",
    value: 1_000,
    why: "pause between looks at which ended jobs may have left temporary files",
  },
  sweepRestMs: {
    unit: "ms",
    value: 2_000,
    why: "a job that has ended rests so long before: a call of its last attempt may be on its way",
  },
  sweepKeepMs: {
    unit: "ms",
    value: 300_000,
    why:
      "a job that has failed rests so long instead: who tries it again within that goes on with what was verified",
  },
  sweepAgainMs: {
    unit: "ms",
    value: 600_000,
    why:
      "the second look, where a writer was given up and never proved gone: one that stood still for less may have made its file since",
  },
  sweepsAtATime: {
    unit: "count",
    value: 8,
    why: "ended jobs that agents are looking after at once",
  },
  sweepMs: { unit: "ms", value: 60_000, why: "how long an agent may take for one of them" },
  sweepPauseMs: {
    unit: "ms",
    value: 5_000,
    why: "before another agent is asked where one has failed; doubles up to sweepPauseMostMs",
  },
  sweepPauseMostMs: { unit: "ms", value: 300_000, why: "the longest of these pauses" },
  sweepTries: {
    unit: "count",
    value: 20,
    why: "how often a job is tried, over an hour and a half, before it is given up with a warning",
  },
} as const satisfies LimitTable;
