/** A follower and its leader. */

import { assert } from "../../base/assert.ts";
import type { Append, AppendReply, Heartbeat, SnapshotChunk } from "./messages.ts";
import { heardLeader } from "./roles.ts";
import {
  commitTo,
  followConfiguration,
  type Raft,
  type Receiving,
  send,
  sendDurable,
} from "./state.ts";

/** No configuration stands at this index: an answer to nobody's appends. */
const NOBODYS_SESSION = Number.MAX_SAFE_INTEGER;

/** Entries of the leader, or a probe. */
export function onAppend(raft: Raft, message: Append): void {
  heard(raft, message);
  const { log } = raft;
  const { prevIndex, prevTerm, entries } = message;
  // What is compacted here was committed: every leader has it.
  if (prevIndex < log.baseIndex) return confirm(raft, message, raft.commit);
  if (log.termAt(prevIndex) !== prevTerm) return reject(raft, message);
  const cut = log.append(entries);
  if (cut !== null) {
    assert(cut > raft.commit, "what is committed is never replaced");
    raft.persistence.truncated(cut);
  }
  followConfiguration(raft);
  const match = prevIndex + entries.length;
  commitTo(raft, Math.min(message.commit, match));
  confirm(raft, message, match);
}

/** Says how far the logs agree, once that is durable. */
function confirm(raft: Raft, message: Pick<Append, "from" | "session">, match: number): void {
  const reply = replyTo(raft, message);
  sendDurable(raft, { ...reply, match }, "all");
}

function reject(raft: Raft, message: Append): void {
  const hintIndex = raft.log.lastPlaceOf(message.prevIndex, message.prevTerm);
  const hintTerm = raft.log.termAt(hintIndex) ?? 0;
  const reply = replyTo(raft, message);
  sendDurable(raft, { ...reply, rejected: message.prevIndex, hintIndex, hintTerm }, "vote");
}

function replyTo(raft: Raft, message: Pick<Append, "from" | "session">): AppendReply {
  return {
    type: "appendReply",
    from: raft.id,
    to: message.from,
    term: raft.term,
    session: message.session,
    match: null,
    rejected: 0,
    hintIndex: 0,
    hintTerm: 0,
  };
}

function heard(raft: Raft, message: Append | Heartbeat | SnapshotChunk): void {
  assert(raft.role !== "leader", "a term has one leader");
  heardLeader(raft, message.from);
}

/** The leader is there. */
export function onHeartbeat(raft: Raft, message: Heartbeat): void {
  heard(raft, message);
  const { log } = raft;
  if (message.commit > log.lastIndex) {
    // The leader says no more than this member had confirmed: it has lost what was durable.
    const { lastIndex: hintIndex, lastTerm: hintTerm } = log;
    return sendDurable(raft, { ...replyTo(raft, message), hintIndex, hintTerm }, "vote");
  }
  commitTo(raft, message.commit);
  const { id: from, term, wallMs } = raft;
  const { from: to, session, round } = message;
  const reply = { type: "heartbeatReply", from, to, term, session, round, wallMs } as const;
  const { machineVersion } = raft.options;
  sendDurable(raft, machineVersion === undefined ? reply : { ...reply, machineVersion }, "vote");
}

/** Someone who leads no more learns of the higher term. */
export function correct(raft: Raft, to: string): void {
  sendDurable(raft, replyTo(raft, { from: to, session: NOBODYS_SESSION }), "vote");
}

/** A piece of a snapshot, or the question how much is there. */
export function onSnapshotChunk(raft: Raft, message: SnapshotChunk): void {
  heard(raft, message);
  const { snapshot, file, from, term, session, offset, bytes } = message;
  if (raft.log.termAt(snapshot.index) === snapshot.term) commitTo(raft, snapshot.index);
  if (snapshot.index <= raft.commit) return confirm(raft, message, raft.commit);
  const { receiving } = raft;
  // A leader only goes on to newer snapshots: this piece was long on its way.
  if (receiving?.term === term && receiving.snapshot.index > snapshot.index) return;
  raft.receiving = { from, term, session, snapshot, file };
  raft.out.saveChunk = { snapshot, file, offset, bytes };
}

/** A piece is kept. */
export function onChunkSaved(
  raft: Raft,
  index: number,
  nextOffset: number,
  complete: boolean,
): void {
  const { receiving } = raft;
  if (receiving === null || receiving.snapshot.index !== index) return;
  if (complete) {
    raft.receiving = null;
    // Meanwhile the log may have come so far by itself.
    if (index > raft.commit) install(raft, receiving);
  }
  const { from, session } = receiving;
  if (raft.term !== receiving.term || raft.leader !== from) return;
  if (complete) return confirm(raft, receiving, raft.commit);
  const { id, term } = raft;
  send(raft, { type: "snapshotReply", from: id, to: from, term, session, index, nextOffset });
}

/** The log begins again behind the snapshot; `restore` stands in line with what is being applied. */
function install(raft: Raft, { snapshot, file }: Receiving): void {
  raft.log.reset(snapshot);
  raft.persistence.resetTo(snapshot);
  raft.snapshot = { snapshot, file };
  commitTo(raft, snapshot.index);
  followConfiguration(raft);
  raft.handed = snapshot.index;
  raft.applyingBytes = 0;
  // Only a witness is sent nothing; one that has just been added is not told so before the entry that did.
  if (raft.self?.witness === true || file.bytes === 0) raft.applied = snapshot.index;
  else raft.out.restore = snapshot;
}
