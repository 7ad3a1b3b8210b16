/** The core of a member: `step` takes what happens and returns what is to be done. */

import { assert, unreachable } from "../../base/assert.ts";
import { handOver, onApplied, onSnapshotTaken } from "./applying.ts";
import { memberOf } from "./configuration.ts";
import {
  onPreVote,
  onPreVoteReply,
  onTimeoutNow,
  onVote,
  onVoteDurable,
  onVoteReply,
  tickElection,
} from "./election.ts";
import { correct, onAppend, onChunkSaved, onHeartbeat, onSnapshotChunk } from "./follower.ts";
import { onTransfer } from "./handover.ts";
import type { Input, Moment } from "./input.ts";
import { onPropose, settleLeader, tickLeader } from "./leader.ts";
import { openLog } from "./log.ts";
import { onChange } from "./membership.ts";
import type { Message } from "./messages.ts";
import type { RaftOptions, Restored } from "./options.ts";
import { Outbox } from "./outbox.ts";
import type { Outputs } from "./outputs.ts";
import { Persistence } from "./persistence.ts";
import { votersOf } from "./quorum.ts";
import { expireForwarded, onRead, onReadIndex, onReadIndexReply } from "./reading.ts";
import { answeringPeer, onAppendReply, onHeartbeatReply } from "./replicate.ts";
import { becomeFollower, resetElectionTimer } from "./roles.ts";
import { onChunkNotSent, onSnapshotReply } from "./snapshot_sending.ts";
import type { Raft } from "./state.ts";

export type { Raft } from "./state.ts";
export { snapshotMetaAt } from "./applying.ts";
export { type PeerStatus, type RaftStatus, statusOf } from "./status.ts";

/** A member that starts from what its disk holds; its first step brings the state it has to apply. */
export function createRaft(options: RaftOptions, restored: Restored, moment: Moment): Raft {
  assert(2 * options.heartbeatMs <= options.electionMs, "a lost heartbeat elects nobody");
  assert(
    options.clockDrift >= 0 && options.clockDrift < 1,
    "a lease is shortened by drift, not away",
  );
  const { hardState, snapshot, file } = restored;
  const { log, reset } = openLog(restored);
  const { index, configuration } = log.configuration;
  const persistence = new Persistence(hardState, log.lastIndex);
  if (reset) persistence.resetTo(snapshot);
  const raft: Raft = {
    options,
    id: options.id,
    out: new Outbox(),
    log,
    persistence,
    ...moment,
    term: hardState.term,
    vote: hardState.vote,
    role: "follower",
    leader: null,
    configuration,
    configurationIndex: index,
    voters: votersOf(configuration),
    self: memberOf(configuration, options.id) ?? null,
    commit: Math.max(snapshot.index, Math.min(hardState.commit, log.lastIndex)),
    handed: snapshot.index,
    applied: snapshot.index,
    applyingBytes: 0,
    snapshot: { snapshot, file },
    receiving: null,
    // It does not remember whom it heard before it started: it may be bound to that leader still.
    heardLeaderMs: moment.nowMs,
    electionDeadlineMs: 0,
    votes: new Map(),
    leading: null,
    transfer: null,
    change: null,
    forwarded: new Map(),
    degraded: false,
    preferences: { count: 0, lastMs: moment.nowMs },
  };
  resetElectionTimer(raft);
  return raft;
}

/** Everything that may happen to a member goes through here; the outputs are the driver's duties. */
export function step(raft: Raft, input: Input, moment: Moment): Outputs {
  raft.nowMs = moment.nowMs;
  raft.wallMs = moment.wallMs;
  raft.random = moment.random;
  take(raft, input);
  settle(raft);
  return raft.out.take();
}

function take(raft: Raft, input: Input): void {
  switch (input.type) {
    case "tick":
      return onTick(raft);
    case "message":
      return onMessage(raft, input.message);
    case "propose":
      return onPropose(raft, input.proposals);
    case "change":
      return onChange(raft, input.id, input.change);
    case "read":
      return onRead(raft, input.context, input.byClock);
    case "transfer":
      return onTransfer(raft, input.id, input.to);
    case "persisted":
      return onPersisted(raft, input.number);
    case "applied":
      return onApplied(raft, input.index);
    case "snapshotTaken":
      return onSnapshotTaken(raft, input.snapshot, input.file);
    case "chunkSaved":
      return onChunkSaved(raft, input.index, input.nextOffset, input.complete);
    case "chunkNotSent":
      return withPeer(raft, input.to, (peer) => onChunkNotSent(raft, peer, input.index));
    case "unreachable":
      return withPeer(raft, input.member, (peer) => {
        if (peer.state === "replicate") peer.probe();
      });
    default:
      return unreachable(input, "an input");
  }
}

type Peer = NonNullable<ReturnType<typeof answeringPeer>>;

function withPeer(raft: Raft, id: string, act: (peer: Peer) => void): void {
  const peer = raft.leading?.peers.get(id);
  if (peer !== undefined) act(peer);
}

function onTick(raft: Raft): void {
  if (raft.leading !== null) return tickLeader(raft, raft.leading);
  expireForwarded(raft);
  tickElection(raft);
}

function onPersisted(raft: Raft, number: number): void {
  raft.persistence.confirmed(number, raft.term, raft.out.send);
  onVoteDurable(raft);
  if (raft.leading !== null) raft.leading.matchChanged = true;
}

function onMessage(raft: Raft, message: Message): void {
  // These ask or tell about a term that has not begun.
  if (message.type === "preVote") return onPreVote(raft, message);
  if (message.type === "preVoteReply" && message.granted) return onPreVoteReply(raft, message);
  if (message.type === "vote") return onVote(raft, message);
  if (message.term < raft.term) return onStale(raft, message);
  if (message.term > raft.term) becomeFollower(raft, message.term, null, message.from);
  onCurrent(raft, message);
}

/** A message of a lower term: who sent it as a leader learns that it is none any more. */
function onStale(raft: Raft, message: Message): void {
  if (message.type === "readIndex") return onReadIndex(raft, message);
  const { type, from } = message;
  if (type === "append" || type === "heartbeat" || type === "snapshotChunk") correct(raft, from);
}

function onCurrent(raft: Raft, message: Exclude<Message, { type: "preVote" | "vote" }>): void {
  switch (message.type) {
    case "append":
      return onAppend(raft, message);
    case "heartbeat":
      return onHeartbeat(raft, message);
    case "snapshotChunk":
      return onSnapshotChunk(raft, message);
    case "preVoteReply":
      return onPreVoteReply(raft, message);
    case "voteReply":
      return onVoteReply(raft, message);
    case "readIndex":
      return onReadIndex(raft, message);
    case "readIndexReply":
      return onReadIndexReply(raft, message);
    case "timeoutNow":
      return onTimeoutNow(raft, message);
    default:
      return onReply(raft, message);
  }
}

function onReply(
  raft: Raft,
  reply: Extract<Message, { type: "appendReply" | "heartbeatReply" | "snapshotReply" }>,
): void {
  const { leading } = raft;
  if (leading === null) return;
  if (reply.type === "appendReply") return onAppendReply(raft, leading, reply);
  if (reply.type === "heartbeatReply") return onHeartbeatReply(raft, leading, reply);
  const peer = answeringPeer(raft, leading, reply);
  if (peer !== null) onSnapshotReply(raft, peer, reply);
}

/** Brings a step to its end: what follows from it, what must be durable, what may be said. */
function settle(raft: Raft): void {
  if (raft.leading !== null) settleLeader(raft, raft.leading);
  handOver(raft);
  const { term, vote, commit, persistence, out } = raft;
  const order = persistence.order(raft.log, { term, vote, commit });
  if (order !== null) out.persist.push(order);
  persistence.release(out.send);
}
