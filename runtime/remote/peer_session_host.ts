/** What a session needs around it: its node, its peer, its counters. */

import type { Dock, Receipt } from "../actor/bridge.ts";
import type { Env } from "../env/env.ts";
import type { EndCause } from "./association.ts";
import type { LinkKind } from "./handshake.ts";
import type { RemoteLimits } from "./limits.ts";
import type { LinkMetrics } from "./link.ts";
import type { DetectorFactory } from "./liveness.ts";
import type { NumberedRecord } from "./peer_inbound.ts";
import type { ControlRecord } from "./wire.ts";

/** Reliable delivery, as far as its records come and go here. */
export interface ReliableEnd {
  /** Gives a message on with `deliver`, once and in order, or drops it. */
  take(
    node: string,
    message: NumberedRecord,
    receipt: Receipt,
    deliver: (r: Receipt) => void,
  ): void;
  /** How far that node has processed; false if that cannot be. */
  confirmed(node: string, record: Extract<ControlRecord, { c: "confirm" }>): boolean;
}

/** A link that stands, and what it has carried since it began. */
export interface LinkView extends Readonly<LinkMetrics> {
  readonly kind: "main" | "bulk";
}

/** What a session uses of its node. */
export interface SessionHost {
  readonly reliable: ReliableEnd;
  readonly env: Pick<Env, "timers" | "log" | "clock">;
  readonly dock: Dock;
  readonly limits: RemoteLimits;
  readonly detector: DetectorFactory;
  /** The same for ports. */
  readonly threadDetector: DetectorFactory;
}

/** What a session tells its peer. */
export interface SessionEvents {
  /** A link is lost; the association lives on. */
  lost(kind: LinkKind, why: string): void;
  /** Bulk waits and we have dialled: open its link. */
  wantsBulk(): void;
  /** Exactly once, after everyone who waited was told. */
  ended(cause: EndCause): void;
}

/** Counted since the association began. */
export interface SessionCounters {
  messagesSent: number;
  messagesReceived: number;
  /** Records that were none. */
  malformed: number;
  /** Credit that the peer gave back and did not have. */
  wrongCredit: number;
  reconnects: number;
}
