/** The bounds of connections between nodes, Workers included. */

import type { LimitTable } from "../../base/limits.ts";
import { KIB, MIB } from "../../base/units.ts";

/** Every wait and window of the sockets of the real Env. */
export const SOCKET_LIMITS = {
  handshakeMs: {
    unit: "ms",
    value: 10_000,
    why: "a connection that was accepted must be a WebSocket after this (TLS and upgrade)",
  },
  closeMs: {
    unit: "ms",
    value: 10_000,
    why: "after this a socket that was closed ends without the other end's goodbye, with 1006",
  },
  probeMs: {
    unit: "ms",
    value: 3_000,
    why: "looking once more at a certificate that was refused, to say what is wrong with it",
  },
  reasonBytes: {
    unit: "bytes",
    value: 123,
    why: "a close frame has room for no more (RFC 6455, 5.5)",
  },
  burstBytes: {
    unit: "bytes",
    value: 16 * MIB,
    why: "what one connection may bring, or take, before others are looked at",
  },
  burstRestTurns: {
    unit: "count",
    value: 62,
    why:
      "turns of the event loop of such a rest, of 7 us each: a busy one looks at sockets every 61st",
  },
  workerFrameBytes: {
    unit: "bytes",
    value: 16 * MIB,
    why: "the longest frame to or from a Worker; it is moved, not copied",
  },
  workerLowBytes: {
    unit: "bytes",
    value: 128 * KIB,
    why:
      "a Worker's socket has drained when no more than this is unacknowledged; less than what links fill",
  },
  workerAckBytes: {
    unit: "bytes",
    value: 64 * KIB,
    why: "a Worker's socket acknowledges at once after this much, otherwise once a turn",
  },
} as const satisfies LimitTable;
