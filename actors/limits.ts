/** The limits of the domain actors: how much is held, how long is waited, how often is told. */

import type { LimitTable } from "../runtime/base/limits.ts";

export const ACTOR_LIMITS = {
  slotBytes: {
    unit: "bytes",
    value: 1_048_576,
    why: "one buffer of the pipeline: the unit of a read, a write and a hash step",
  },
  poolBytes: {
    unit: "bytes",
    value: 64 * 1_048_576,
    why:
      "all pipeline buffers of an agent together; a transfer waits for a buffer, never for memory",
  },
  checkpointBytes: {
    unit: "bytes",
    value: 64 * 1_048_576,
    why:
      "fetched again at most after a crash, next to the window: a checkpoint is begun at half of it",
  },
  checkpointMs: {
    unit: "ms",
    value: 5_000,
    why: "on a slow link a checkpoint each so often, if a chunk was completed since",
  },
  replicateMs: {
    unit: "ms",
    value: 5_000,
    why:
      "a job's checkpoint is replicated at most this often: what a lost agent had beyond is fetched again",
  },
  replicatedPerSecond: {
    unit: "perSecond",
    value: 20,
    why:
      "checkpoints that one agent replicates: 100 agents cost the controllers 2,000 entries a second",
  },
  chunksAhead: {
    unit: "count",
    value: 64,
    why: "how far parallel ranges may run ahead of the in-order hash, in chunks",
  },
  renameCandidates: {
    unit: "count",
    value: 1_000,
    why: "how many names the conflict policy `rename` tries before it gives up",
  },
  progressMs: {
    unit: "ms",
    value: 200,
    why: "each running job tells its progress at most this often",
  },
  agentSlots: {
    unit: "count",
    value: 256,
    why: "jobs that one agent runs at a time",
  },
  stopMs: {
    unit: "ms",
    value: 10_000,
    why: "a cancelled or paused attempt has so long to keep its checkpoint and let go",
  },
  planBytes: {
    unit: "bytes",
    value: 64 * 1_048_576,
    why: "a run's plan as one command of its log: some 50,000 transfers",
  },
  groupCommandBytes: {
    unit: "bytes",
    value: 4 * 1_048_576,
    why: "one command of the controllers' group, a plan of some 4,000 transfers among them",
  },
  groupProposeMs: {
    unit: "ms",
    value: 10_000,
    why:
      "an actor's command is proposed again for so long while nothing was done; less than a stop",
  },
  groupAnswerMs: {
    unit: "ms",
    value: 5_000,
    why: "a command or a read of the controllers' group, unless its caller names a time",
  },
  groupPauseMs: {
    unit: "ms",
    value: 25,
    why: "before a command is proposed again; doubles up to groupMaxPauseMs",
  },
  groupMaxPauseMs: {
    unit: "ms",
    value: 500,
    why: "the longest of these pauses: a group without a leader is asked twice a second",
  },
  barrierMs: {
    unit: "ms",
    value: 2_000,
    why: "one try of a new leader to have everything before its term applied",
  },
  barrierPauseMs: {
    unit: "ms",
    value: 100,
    why: "before a new leader tries that again, or starts its part again",
  },
  cleanupFiles: {
    unit: "count",
    value: 100_000,
    why: "entries that one cleanup action looks at",
  },
} as const satisfies LimitTable;
