/**
 * What travels between two nodes: lanes and records of protocol version 1.
 *
 * Frames carry records; a record is one JSON object, its byte fields attached as they are (`frames.ts`).
 * Names are as short as a reader of a dump can bear; `tests/compat` keeps samples for good.
 */

/** Versions of the link protocol that this code speaks. */
export const LINK_VERSIONS = { min: 1, max: 1 } as const;

/**
 * Lanes in order of precedence; the index is the number on the wire. Within a lane records keep their
 * order. `consensus` is Raft's own, with a byte budget of its own; `bulk` has a socket of its own.
 */
export const LANES = ["control", "reply", "consensus", "message", "bulk"] as const;

/** One of {@link LANES}. */
export type Lane = typeof LANES[number];

/** Lanes that carry messages to actors, under credit. */
export const MESSAGE_LANES = ["consensus", "message", "bulk"] as const;

/** A lane that a protocol may choose for a message. */
export type MessageLane = typeof MESSAGE_LANES[number];

/** A message to an actor (lanes consensus, message, bulk). With `id` and `budgetMs` it is an ask. */
export interface MessageRecord {
  /** Version of the message protocol. */
  readonly v: number;
  /** `protocol/tag`, e.g. `quorus.job/start`. */
  readonly type: string;
  /** Path of the actor on the receiving node. */
  readonly to: string;
  readonly from?: string;
  readonly id?: number;
  readonly budgetMs?: number;
  /** W3C `traceparent`. */
  readonly trace?: string;
  /** Reliable delivery: the producer's name; the receiver drops what it has seen and confirms. */
  readonly producer?: string;
  readonly seq?: number;
  /** The producer knows that everything up to here was processed; left out where that is nothing. */
  readonly confirmed?: number;
  readonly body: unknown;
}

/** An error as it travels. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly retryable?: boolean;
  readonly definite?: boolean;
}

/** The outcome of an ask (lane reply). */
export type ReplyRecord =
  | { readonly re: number; readonly body: unknown }
  | { readonly re: number; readonly error: WireError };

/** How many messages and bytes of one lane and target wait unprocessed, or were processed. */
export interface TargetCount {
  readonly lane: MessageLane;
  readonly to: string;
  readonly messages: number;
  readonly bytes: number;
}

/** How many records of each message lane were sent in this association, lost ones included. */
export type LaneCounts = { readonly [L in MessageLane]: number };

/** What may become of a message but that it was handled. */
export const FAILED_OUTCOMES = ["failed", "refused", "dropped", "dead"] as const;

/** One of {@link FAILED_OUTCOMES}. */
export type FailedOutcome = typeof FAILED_OUTCOMES[number];

/** A system message: numbered, kept until acknowledged, resent after a reconnect, in order. */
export type SystemBody =
  | { readonly do: "watch"; readonly watch: number; readonly path: string }
  | { readonly do: "unwatch"; readonly watch: number }
  | {
    readonly do: "ended";
    readonly watch: number;
    readonly reason: "stopped" | "failed" | "unreachable";
    readonly error?: WireError;
    /** To be told only when these many records of each lane have arrived: it follows the last message. */
    readonly after: LaneCounts;
  };

/** What goes on the control lane. */
export type ControlRecord =
  | { readonly c: "ping"; readonly n: number }
  | { readonly c: "pong"; readonly n: number }
  /** Processed since the last credit. */
  | { readonly c: "credit"; readonly processed: readonly TargetCount[] }
  | { readonly c: "cancel"; readonly id: number }
  | { readonly c: "system"; readonly seq: number; readonly body: SystemBody }
  | { readonly c: "acknowledge"; readonly seq: number }
  /** Reliable delivery: everything up to `seq` was processed. */
  | {
    readonly c: "confirm";
    readonly producer: string;
    readonly seq: number;
    /** Of these: numbers of messages that no handler has taken to its end, and what became of them. */
    readonly failed?: readonly (readonly [seq: number, outcome: FailedOutcome])[];
    /** A message is missing: send everything from this number on again. */
    readonly again?: number;
  }
  /** First record after each handshake: what was sent before, and what waits unprocessed. */
  | {
    readonly c: "resume";
    readonly sent: LaneCounts;
    readonly pending: readonly TargetCount[];
    readonly systemReceived: number;
  }
  /** From the side that was called: open the bulk link, I have something for it. */
  | { readonly c: "bulk" }
  /** Leaves for good: no grace, watches end as `unreachable`. */
  | { readonly c: "bye"; readonly reason: string };

/** Any record. */
export type WireRecord = MessageRecord | ReplyRecord | ControlRecord;
