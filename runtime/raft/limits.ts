/** The bounds of Raft groups. */

import { assert } from "../base/assert.ts";
import { type LimitTable, type LimitValues, limitValues } from "../base/limits.ts";
import { KIB, MIB } from "../base/units.ts";
import { REMOTE_LIMITS } from "../remote/limits.ts";

/** Every number, queue and timeout of `runtime/raft`. */
export const RAFT_LIMITS = {
  heartbeatMs: { unit: "ms", value: 50, why: "pause between two heartbeats of a leader" },
  electionMs: {
    unit: "ms",
    value: 150,
    why: "silence after which a follower campaigns, plus a random part up to the same",
  },
  appendBytes: {
    unit: "bytes",
    value: 256 * KIB,
    why: "entries of one Append, unless a single one is longer",
  },
  inflightMessages: { unit: "count", value: 64, why: "Appends under way to one member" },
  inflightBytes: {
    unit: "bytes",
    value: 640 * KIB,
    why:
      "bytes of Appends under way to one member, before the last: what a link refuses is in vain",
  },
  linkBytes: {
    unit: "bytes",
    value: REMOTE_LIMITS.targetWindowBytes.value,
    why: "what the links of these nodes let be under way to one actor (their `targetWindowBytes`)",
  },
  commitNewsMs: {
    unit: "ms",
    value: 2,
    why: "how long the news of a commit waits for an Append with entries that would say it too",
  },
  commandBytes: {
    unit: "bytes",
    value: 1 * MIB,
    why: "one command; larger data belongs elsewhere",
  },
  uncommittedBytes: {
    unit: "bytes",
    value: 32 * MIB,
    why: "commands of a leader that are not committed; more is refused as Overloaded",
  },
  uncommittedEntries: { unit: "count", value: 65_536, why: "the same in number" },
  applyingBytes: {
    unit: "bytes",
    value: 8 * MIB,
    why: "entries handed to the machine that it has not applied",
  },
  pendingReads: {
    unit: "count",
    value: 65_536,
    why: "reads of a member that wait to be confirmed",
  },
  keepEntries: {
    unit: "count",
    value: 16_384,
    why: "entries that stay behind a snapshot, so that slow followers need none",
  },
  keepBytes: { unit: "bytes", value: 16 * MIB, why: "bytes of them at most" },
  snapshotEntries: { unit: "count", value: 65_536, why: "entries after which a snapshot is taken" },
  snapshotBytes: {
    unit: "bytes",
    value: 64 * MIB,
    why: "bytes of entries after which one is taken",
  },
  snapshotSliceMs: {
    unit: "ms",
    value: 4,
    why: "work on a snapshot before the event loop gets its turn",
  },
  snapshotRests: {
    unit: "count",
    value: 2,
    why: "slices' time that is left to others after each slice of one that is taken",
  },
  chunkBytes: { unit: "bytes", value: 256 * KIB, why: "one piece of a snapshot on a link" },
  chunkWindow: { unit: "count", value: 4, why: "pieces of a snapshot under way to one member" },
  restoreBytes: {
    unit: "bytes",
    value: 64 * KIB,
    why: "a piece of a snapshot that is restored: some milliseconds of the machine's work",
  },
  chunkRetryMs: {
    unit: "ms",
    value: 2_000,
    why: "until a piece of a snapshot without an answer is sent again",
  },
  catchUpRounds: {
    unit: "count",
    value: 10,
    why: "tries of a learner to keep pace for one election timeout before it may vote",
  },
  transferMs: { unit: "ms", value: 1_000, why: "until a transfer of leadership is given up" },
  allMs: {
    unit: "ms",
    value: 1_000,
    why: "until a command with durability `all` is content with a quorum",
  },
  clockSkewMs: {
    unit: "ms",
    value: 5_000,
    why: "a leader whose clock is further from the voters' median takes no commands",
  },
  priorityMs: {
    unit: "ms",
    value: 5_000,
    why: "how long a member of higher priority must have kept up before it is handed the lead",
  },
  segmentBytes: { unit: "bytes", value: 16 * MIB, why: "a file of the log, preallocated" },
  syncEveryBytes: {
    unit: "bytes",
    value: 4 * MIB,
    why:
      "so often a long file is synced: one sync at its end would hold up those of the log beside it",
  },
  fullDiskPauseMs: { unit: "ms", value: 500, why: "until a full disk is tried again" },
  reserveBytes: {
    unit: "bytes",
    value: 32 * MIB,
    why: "space kept free in files of our own, so that a full disk is answered before it harms",
  },
  applyEntries: {
    unit: "count",
    value: 16,
    why: "entries that are applied before the clock is looked at",
  },
  stateBytes: {
    unit: "bytes",
    value: 32 * KIB,
    why: "records and lines of state that are gathered into one piece of a snapshot, about",
  },
  withinMs: { unit: "ms", value: 5_000, why: "how long a command or a read may take unless told" },
  changeWithinMs: {
    unit: "ms",
    value: 30_000,
    why: "the same for a change of members or of the leader: a learner may have to catch up",
  },
  rerouteMs: { unit: "ms", value: 25, why: "until a command looks for a leader again" },
  orderMs: { unit: "ms", value: 60_000, why: "how long an order that was passed on may take here" },
  retryMinMs: { unit: "ms", value: 25, why: "first pause of a session before it asks again" },
  retryMaxMs: { unit: "ms", value: 500, why: "the longest: each is twice the one before" },
  tryMs: {
    unit: "ms",
    value: 1_000,
    why: "one try of a session: that an answer was lost is found out by asking again",
  },
  versionLookMs: {
    unit: "ms",
    value: 100,
    why: "so often a leader of a later version looks whether all members have it",
  },
  heldCommands: {
    unit: "count",
    value: 1_024,
    why: "commands of a member that wait until all members can apply them",
  },
  engineFrameBytes: {
    unit: "bytes",
    value: 4 * MIB,
    why: "what a member and its Worker gather in one turn before it leaves",
  },
  enginePieces: {
    unit: "count",
    value: 8,
    why: "pieces of a snapshot under way between a member and its Worker",
  },
  engineStartMs: { unit: "ms", value: 60_000, why: "until a Worker must have opened its log" },
  engineStallMs: {
    unit: "ms",
    value: 5_000,
    why: "silence of a member's own thread after which its Worker does not lead",
  },
  engineStopMs: { unit: "ms", value: 10_000, why: "until a stopping Worker is ended at once" },
  sessions: { unit: "count", value: 10_000, why: "client sessions of a group" },
  sessionIdleMs: {
    unit: "ms",
    value: 3_600_000,
    why: "until an unused client session expires, and a key is forgotten",
  },
  expiryParts: {
    unit: "count",
    value: 10,
    why: "how often within `sessionIdleMs` the leader looks for sessions that have expired",
  },
  expiryMaxMs: { unit: "ms", value: 60_000, why: "the longest pause between two looks" },
  idempotencyKeys: {
    unit: "count",
    value: 65_536,
    why: "commands with a key of their own that are remembered; the oldest is forgotten first",
  },
  sessionReplies: {
    unit: "count",
    value: 256,
    why: "replies kept for one session until it acknowledges them",
  },
} as const satisfies LimitTable;

/** The limits as plain numbers. */
export type RaftLimits = LimitValues<typeof RAFT_LIMITS>;

/** The defaults with `overrides` applied; AssertionError where they contradict each other. */
export function raftLimits(overrides: Partial<RaftLimits> = {}): RaftLimits {
  const limits = limitValues(RAFT_LIMITS, overrides);
  for (const [name, value] of Object.entries(limits)) {
    assert(Number.isSafeInteger(value) && value >= 1, `${name} is a whole number of at least 1`);
  }
  assert(2 * limits.heartbeatMs <= limits.electionMs, "a lost heartbeat elects nobody");
  assert(limits.commitNewsMs <= limits.heartbeatMs, "a heartbeat tells no commit first");
  assert(limits.retryMinMs <= limits.retryMaxMs, "pauses between tries grow");
  assert(limits.commandBytes <= limits.uncommittedBytes, "any command may wait");
  const underWay = limits.inflightBytes + limits.appendBytes;
  assert(underWay <= limits.linkBytes, "a link refuses no Append that the window lets go");
  const piecesBytes = limits.chunkBytes * limits.chunkWindow;
  const bulkBytes = REMOTE_LIMITS.bulkWindowBytes.value;
  assert(piecesBytes <= bulkBytes, "a link refuses no piece of a snapshot that the window lets go");
  assert(limits.commandBytes < limits.segmentBytes, "any command fits into a file of the log");
  return limits;
}
