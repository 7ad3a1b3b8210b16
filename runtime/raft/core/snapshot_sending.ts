/** A leader sends its newest snapshot, piece by piece, to a member that the log no longer reaches. */

import { assert } from "../../base/assert.ts";
import type { SnapshotReply } from "./messages.ts";
import type { Progress } from "./progress.ts";
import { type Raft, send } from "./state.ts";

const NO_BYTES = new Uint8Array(0);
/** A witness keeps no state. */
const NO_FILE = { bytes: 0, crc: 0 };

/** Begins with the newest snapshot; the member says first what it has of it. */
export function offerSnapshot(raft: Raft, peer: Progress): void {
  const { snapshot, file } = raft.snapshot;
  assert(
    file !== null && snapshot.index >= raft.log.baseIndex,
    "what is compacted is in a snapshot",
  );
  peer.install(snapshot, peer.witness ? NO_FILE : file, raft.nowMs);
  sendPiece(raft, peer);
}

function sendPiece(raft: Raft, peer: Progress): void {
  const { sending, session } = peer;
  assert(sending !== null, "a snapshot is being sent");
  sending.sentMs = raft.nowMs;
  const { snapshot, file, offset } = sending;
  const head = { to: peer.id, term: raft.term, session, snapshot, file };
  if (file.bytes > 0) {
    raft.out.sendChunks.push({ ...head, offset });
    return;
  }
  send(raft, { ...head, type: "snapshotChunk", from: raft.id, offset: 0, bytes: NO_BYTES });
}

/** The member has everything before `nextOffset`. */
export function onSnapshotReply(raft: Raft, peer: Progress, reply: SnapshotReply): void {
  const { sending } = peer;
  if (sending === null || sending.snapshot.index !== reply.index) return;
  // An answer that came twice does not ask for the same piece twice.
  if (sending.offset === reply.nextOffset) return;
  sending.offset = reply.nextOffset;
  sendPiece(raft, peer);
}

/** A piece without an answer goes out again. */
export function retryPiece(raft: Raft, peer: Progress): void {
  const { sending } = peer;
  if (sending === null || raft.nowMs - sending.sentMs < raft.options.chunkRetryMs) return;
  sending.offset = null;
  sendPiece(raft, peer);
}

/** The file of that snapshot is gone: the newest takes its place. */
export function onChunkNotSent(raft: Raft, peer: Progress, index: number): void {
  if (peer.sending === null || peer.sending.snapshot.index !== index) return;
  if (raft.snapshot.snapshot.index > index) offerSnapshot(raft, peer);
}
