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
  departedAgents: {
    unit: "count",
    value: 1_000,
    why:
      "agents that have left and are still shown; all controllers must count alike, so this is no setting",
  },
  finishedLeases: {
    unit: "count",
    value: 10_000,
    why:
      "leases that an agent remembers to have finished, so that a late order does not begin them again",
  },
  reportEvents: {
    unit: "count",
    value: 1_024,
    why: "reports of attempts in one message to a controller: as many as its schema takes",
  },
  reportMs: {
    unit: "ms",
    value: 15_000,
    why: "a controller has so long to answer them: longer than it tries to commit (groupProposeMs)",
  },
  reportPauseMs: {
    unit: "ms",
    value: 50,
    why:
      "before reports without an answer go to another controller; doubles up to reportPauseMostMs",
  },
  reportPauseMostMs: {
    unit: "ms",
    value: 2_000,
    why: "the longest of these pauses: publishing waits for it once controllers are back",
  },
  relayMs: {
    unit: "ms",
    value: 500,
    why: "an agent tells the progress of its attempts to the controllers at most this often",
  },
  relayPieceBytes: {
    unit: "bytes",
    value: 1_048_576,
    why: "what an agent reads for another one goes in messages of this size",
  },
  relayPieceMs: {
    unit: "ms",
    value: 500,
    why: "a slow source's bytes wait no longer for a message to be full",
  },
  relayWindowBytes: {
    unit: "bytes",
    value: 8 * 1_048_576,
    why: "of each range that another agent reads, so much is under way: 160 MB/s at 50 ms",
  },
  relayRanges: {
    unit: "count",
    value: 64,
    why: "ranges of one source that an agent has open for another one",
  },
  relayBeginMs: {
    unit: "ms",
    value: 20_000,
    why: "an agent has so long to begin to read for another one; half of it to hear of the lease",
  },
  relayAnswerMs: {
    unit: "ms",
    value: 120_000,
    why: "it has so long to answer for its source, whose own timeouts are shorter",
  },
  relayIdleMs: {
    unit: "ms",
    value: 120_000,
    why:
      "without a byte of it for so long the relay counts as lost; the source itself gives up before",
  },
  relayLinkMs: {
    unit: "ms",
    value: 5_000,
    why: "one try of two agents to link: dialled by the one, then by the other",
  },
  relayLingerMs: {
    unit: "ms",
    value: 30_000,
    why: "a link between agents outlives its last relay by this: the next one begins at once",
  },
  registerMs: {
    unit: "ms",
    value: 15_000,
    why: "a controller has so long to commit a registration: longer than groupProposeMs",
  },
  registerPauseMs: {
    unit: "ms",
    value: 100,
    why: "before another controller is asked; doubles up to registerPauseMostMs, spread by half",
  },
  registerPauseMostMs: {
    unit: "ms",
    value: 5_000,
    why: "the longest of these pauses: how late an agent may notice controllers that are back",
  },
  heartbeatMs: {
    unit: "ms",
    value: 5_000,
    why: "pause between heartbeats until a controller has said another",
  },
  beatMs: {
    unit: "ms",
    value: 2_000,
    why: "a controller has so long to answer a heartbeat before another one is told",
  },
  diskFullBytes: {
    unit: "bytes",
    value: 64 * 1_048_576,
    why: "less room than this is a full disk: the agent counts as unhealthy and gets no jobs",
  },
  diskLowPercent: {
    unit: "count",
    value: 5,
    why: "a file system with a smaller free share than this percentage is said to be low",
  },
  loadHighPercent: {
    unit: "count",
    value: 150,
    why: "load average per core, in percent, from which the load of an agent is high",
  },
  loadOverPercent: {
    unit: "count",
    value: 400,
    why: "load average per core, in percent, from which it is overloaded",
  },
  agentSlots: {
    unit: "count",
    value: 256,
    why: "jobs that one agent runs at a time",
  },
  workersMost: {
    unit: "count",
    value: 16,
    why: "Workers of an agent that is not told how many: one per core, up to here",
  },
  workerPoolBytes: {
    unit: "bytes",
    value: 4 * 1_048_576,
    why:
      "the least part of poolBytes that a Worker is started for: the agent's threads share alike",
  },
  workerRestarts: {
    unit: "count",
    value: 10,
    why:
      "Workers that may end by themselves within workerRestartsMs; with more the agent's node ends",
  },
  workerRestartsMs: {
    unit: "ms",
    value: 60_000,
    why: "the time over which these are counted",
  },
  workerGoneMs: {
    unit: "ms",
    value: 20,
    why: "how often it is looked whether the thread of a lost Worker has ended for certain",
  },
  workerAnswerMs: {
    unit: "ms",
    value: 60_000,
    why: "a Worker and its agent have so long to answer each other; a slow disk is waited for",
  },
  workerStopMs: {
    unit: "ms",
    value: 2_000,
    why: "a Worker has so long to end in order, once it has no attempts",
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
    why: "one command of the controllers' group; larger plans come in parts",
  },
  submitBytes: {
    unit: "bytes",
    value: 524_288,
    why: "ready transfers of a run in one command: a large run takes several, others get between",
  },
  stagedParts: {
    unit: "count",
    value: 512,
    why: "parts of runs that are being submitted: two of the largest runs at a time",
  },
  stagedMs: {
    unit: "ms",
    value: 120_000,
    why:
      "parts of a run that was never started are forgotten: its gateway would have gone on by then",
  },
  stagedLookMs: { unit: "ms", value: 30_000, why: "how often it is looked for such parts" },
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
  missedPauseMs: {
    unit: "ms",
    value: 100,
    why: "before an actor whose mailbox was full is told again to look at the state",
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
  archiveAfterMs: {
    unit: "ms",
    value: 3_600_000,
    why: "a run that has ended stays in the hot state for so long",
  },
  archiveHotJobs: {
    unit: "count",
    value: 50_000,
    why: "jobs in the hot state above which the runs that ended first leave it before their time",
  },
  archiveRestMs: {
    unit: "ms",
    value: 60_000,
    why: "even then a run stays for so long, so that who waits for its end sees it",
  },
  archiveOwingMs: {
    unit: "ms",
    value: 900_000,
    why:
      "a run whose attempts may have left temporary files stays for so long even then: longer than sweepAgainMs of the fleet",
  },
  archiveEveryMs: {
    unit: "ms",
    value: 5_000,
    why:
      "how often the leader looks for runs to archive, and for segments that are on enough disks",
  },
  archiveAgainMs: {
    unit: "ms",
    value: 200,
    why: "the same after a segment was cut: it is about to be on the disks, and more may be due",
  },
  archiveSegmentRuns: {
    unit: "count",
    value: 200,
    why: "runs of one segment at most",
  },
  archiveSegmentJobs: {
    unit: "count",
    value: 5_000,
    why: "jobs of one segment, some 10 MB, unless its only run has more",
  },
  archiveOpenSegments: {
    unit: "count",
    value: 4,
    why: "segments whose rows are still in the state; with as many the next one waits",
  },
  archivePieceBytes: {
    unit: "bytes",
    value: 256 * 1_024,
    why: "one piece of a segment that another controller asks for",
  },
  archiveFetchMs: {
    unit: "ms",
    value: 5_000,
    why: "until another controller must have answered with a piece",
  },
  archiveRetryMs: {
    unit: "ms",
    value: 1_000,
    why: "before segments that nobody could give are asked for again",
  },
  archiveScan: {
    unit: "count",
    value: 10_000,
    why: "archived runs or jobs that one query looks at; what comes after is on the next page",
  },
  cleanupFiles: {
    unit: "count",
    value: 100_000,
    why: "entries that one cleanup action looks at",
  },
} as const satisfies LimitTable;
