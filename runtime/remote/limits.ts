/** The bounds of the links between nodes. */

import { assert } from "../base/assert.ts";
import { type LimitTable, type LimitValues, limitValues } from "../base/limits.ts";
import { KIB, MIB } from "../base/units.ts";
import type { MessageLane } from "./wire.ts";

/** Every queue, buffer, window and timeout of `runtime/remote`. */
export const REMOTE_LIMITS = {
  frameBytes: {
    unit: "bytes",
    value: 128 * KIB,
    why: "the longest frame; what is longer goes in fragments, so that others pass in between",
  },
  bulkFrameBytes: {
    unit: "bytes",
    value: 16 * MIB,
    why:
      "the longest frame of the bulk lane: nothing urgent waits behind it, and pieces would be copied",
  },
  bulkPieceBytes: {
    unit: "bytes",
    value: MIB,
    why: "pieces of what is longer than that: each is copied twice, and others are served between",
  },
  portFrameBytes: {
    unit: "bytes",
    value: 16 * MIB,
    why: "the longest frame to or from a Worker: it is moved, so that pieces would only be copied",
  },
  packBytes: {
    unit: "bytes",
    value: 32 * KIB,
    why: "records share a frame up to this size; longer packs gain nothing and arrive later",
  },
  messageBytes: {
    unit: "bytes",
    value: 16 * MIB,
    why: "the longest record; a pack in fragments may be as long and its header longer",
  },
  handshakeBytes: { unit: "bytes", value: 16 * KIB, why: "the longest handshake message" },
  handshakeMs: {
    unit: "ms",
    value: 5_000,
    why: "from the socket to the welcome; then the socket is closed",
  },
  workerStartMs: {
    unit: "ms",
    value: 60_000,
    why: "the same for a Worker, whose module loads first: a cold one was type checked for 12 s",
  },
  refusalMs: {
    unit: "ms",
    value: 1_000,
    why: "how long a node that closes waits until the last refusals have left: they say why",
  },
  handshakesPending: {
    unit: "count",
    value: 256,
    why: "accepted sockets that have not proved who they are; the next one is closed at once",
  },
  connectMs: {
    unit: "ms",
    value: 2_000,
    why: "how long one dial may take before the handshake; a grace has time for a second one",
  },
  closeMs: {
    unit: "ms",
    value: 1_000,
    why: "how long a closed link waits for the other end's goodbye before the socket is destroyed",
  },
  highBytes: {
    unit: "bytes",
    value: 512 * KIB,
    why: "a socket with this much unsent gets no more; what is urgent overtakes all but this",
  },
  lowBytes: {
    unit: "bytes",
    value: 128 * KIB,
    why: "the socket asks for more when this much is left, before it runs dry",
  },
  bulkHighBytes: {
    unit: "bytes",
    value: 2 * MIB,
    why: "the same for the bulk socket: with less it runs dry while the next frames are made",
  },
  controlMessages: {
    unit: "count",
    value: 65_536,
    why: "queued control records; a peer that does not take them is not there: the link closes",
  },
  systemMessages: {
    unit: "count",
    value: 16_384,
    why: "system messages kept until acknowledged; with more the peer counts as lost",
  },
  asksPending: {
    unit: "count",
    value: 32_768,
    why: "asks to one peer that wait for their reply; the next one fails at once",
  },
  sendWaiters: {
    unit: "count",
    value: 10_000,
    why: "sends that wait for credit of one peer; the next one is refused",
  },
  consensusWindowMessages: {
    unit: "count",
    value: 4_096,
    why: "messages of the consensus lane under way to one peer",
  },
  consensusWindowBytes: {
    unit: "bytes",
    value: 16 * MIB,
    why: "bytes of the consensus lane under way to one peer",
  },
  messageWindowMessages: {
    unit: "count",
    value: 16_384,
    why: "messages of the message lane under way to one peer",
  },
  messageWindowBytes: {
    unit: "bytes",
    value: 8 * MIB,
    why: "bytes of the message lane under way to one peer",
  },
  bulkWindowMessages: {
    unit: "count",
    value: 64,
    why: "messages of the bulk lane under way to one peer",
  },
  bulkWindowBytes: {
    unit: "bytes",
    value: 32 * MIB,
    why: "bytes of the bulk lane under way to one peer: four chunks of 8 MiB",
  },
  targetWindowMessages: {
    unit: "count",
    value: 2_048,
    why: "messages under way to one actor, but on the bulk lane, where the lane's window holds",
  },
  targetWindowBytes: {
    unit: "bytes",
    value: MIB,
    why: "bytes under way to one actor, but on the bulk lane, where the lane's window holds",
  },
  creditParts: {
    unit: "count",
    value: 4,
    why: "credit returns when this part of a window was processed",
  },
  creditDelayMs: {
    unit: "ms",
    value: 10,
    why:
      "credit returns this long after the first message was processed, however little it is; at 2 ms it was a third of all frames of a controller",
  },
  consensusQuantumBytes: {
    unit: "bytes",
    value: 512 * KIB,
    why: "what the consensus lane sends in its turn",
  },
  messageQuantumBytes: {
    unit: "bytes",
    value: 256 * KIB,
    why: "what the message lane sends in its turn",
  },
  bulkQuantumBytes: {
    unit: "bytes",
    value: 256 * KIB,
    why: "what the bulk lane sends in its turn, where it shares a socket",
  },
  inboundBytes: {
    unit: "bytes",
    value: 128 * MIB,
    why: "unprocessed messages of one peer above which its socket is not read; windows end before",
  },
  beyondWindowMessages: {
    unit: "count",
    value: 1_024,
    why: "messages of one peer beyond the windows that it was granted; with more it is given up",
  },
  pingMs: {
    unit: "ms",
    value: 1_000,
    why: "pause between pings; the failure detector counts them",
  },
  watches: {
    unit: "count",
    value: 16_384,
    why: "watches that one peer holds on actors of this node; with more the peer is given up",
  },
  malformedPerSecond: {
    unit: "perSecond",
    value: 5,
    why: "malformed records of one peer that are logged; all are counted",
  },
  duplicateProbeMs: {
    unit: "ms",
    value: 1_000,
    why: "how long the node that holds an id has to answer before another one may claim it",
  },
  graceMs: {
    unit: "ms",
    value: 5_000,
    why: "how long a peer may be down before it is unreachable for good",
  },
  threadSilentMs: {
    unit: "ms",
    value: 60_000,
    why:
      "silence of a Worker, while this thread ran, after which it is given up: a slow disk is none",
  },
  workerStopMs: {
    unit: "ms",
    value: 10_000,
    why: "how long a stopping Worker may drain before it is ended at once",
  },
  backoffMinMs: { unit: "ms", value: 50, why: "longest pause before the first dial again" },
  backoffMaxMs: { unit: "ms", value: 5_000, why: "longest pause between dials" },
  quarantined: {
    unit: "count",
    value: 4_096,
    why: "incarnations remembered as given up; the oldest is forgotten first",
  },
  reliableMessages: {
    unit: "count",
    value: 1_024,
    why: "unconfirmed messages of one reliable producer",
  },
  reliableBytes: {
    unit: "bytes",
    value: 8 * MIB,
    why: "bytes of the unconfirmed messages of one reliable producer",
  },
  reliableResendMs: {
    unit: "ms",
    value: 1_000,
    why: "the last unconfirmed message of a peer that is up is sent again after this, then later",
  },
  reliableResendMaxMs: {
    unit: "ms",
    value: 30_000,
    why: "longest pause before that is done again: the actor may just be slow",
  },
  reliableProducers: {
    unit: "count",
    value: 10_000,
    why:
      "producers of one peer that are remembered, the one silent longest goes first; and our own",
  },
  reliableIdleMs: {
    unit: "ms",
    value: 3_600_000,
    why: "a producer silent for this long may be forgotten: what it sends again is handled again",
  },
} as const satisfies LimitTable;

/** The limits as plain numbers. */
export type RemoteLimits = LimitValues<typeof REMOTE_LIMITS>;

/** The defaults with `overrides` applied; throws where they contradict each other. */
export function remoteLimits(overrides: Partial<RemoteLimits> = {}): RemoteLimits {
  const limits = limitValues(REMOTE_LIMITS, overrides);
  checkRemoteLimits(limits);
  return limits;
}

/** How much may be under way. */
export interface Window {
  readonly messages: number;
  readonly bytes: number;
}

/** The window of a lane to one peer. */
export function laneWindow(limits: RemoteLimits, lane: MessageLane): Window {
  switch (lane) {
    case "consensus":
      return { messages: limits.consensusWindowMessages, bytes: limits.consensusWindowBytes };
    case "message":
      return { messages: limits.messageWindowMessages, bytes: limits.messageWindowBytes };
    case "bulk":
      return { messages: limits.bulkWindowMessages, bytes: limits.bulkWindowBytes };
  }
}

/** The window of a lane to one actor. */
export function targetWindow(limits: RemoteLimits, lane: MessageLane): Window {
  if (lane === "bulk") return laneWindow(limits, lane);
  return { messages: limits.targetWindowMessages, bytes: limits.targetWindowBytes };
}

/** Throws AssertionError where limits contradict each other; every start of a node calls it. */
export function checkRemoteLimits(limits: RemoteLimits): void {
  const notMore = (smaller: keyof RemoteLimits, larger: keyof RemoteLimits): void =>
    assert(limits[smaller] <= limits[larger], `${smaller} is at most ${larger}`);
  for (const [name, value] of Object.entries(limits)) {
    assert(Number.isSafeInteger(value) && value >= 1, `${name} is a whole number of at least 1`);
  }
  assert(limits.frameBytes >= 64, "a frame has room for its header and a piece");
  notMore("packBytes", "frameBytes");
  notMore("frameBytes", "portFrameBytes");
  notMore("packBytes", "messageBytes");
  notMore("handshakeBytes", "frameBytes");
  assert(limits.lowBytes < limits.highBytes, "a full socket has something to drain");
  notMore("highBytes", "bulkHighBytes");
  notMore("frameBytes", "consensusQuantumBytes");
  notMore("frameBytes", "messageQuantumBytes");
  notMore("frameBytes", "bulkQuantumBytes");
  notMore("frameBytes", "bulkFrameBytes");
  notMore("backoffMinMs", "backoffMaxMs");
  notMore("creditDelayMs", "pingMs");
  notMore("handshakeMs", "workerStartMs");
  notMore("pingMs", "graceMs");
  notMore("pingMs", "threadSilentMs");
  notMore("connectMs", "graceMs");
  notMore("reliableResendMs", "reliableResendMaxMs");
  notMore("graceMs", "reliableIdleMs");
  const resent = limits.systemMessages + limits.asksPending;
  assert(
    resent < limits.controlMessages,
    "the control lane holds every system message that is resent and a cancel of every ask",
  );
  const windows = limits.consensusWindowBytes + limits.messageWindowBytes + limits.bulkWindowBytes;
  assert(
    windows + 3 * limits.messageBytes <= limits.inboundBytes,
    "a peer that keeps to its windows is always read",
  );
}
