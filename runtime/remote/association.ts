/**
 * One association as a machine without I/O: whether the peer is there, which system messages go and
 * came, and which `ended` still waits for messages that its actor had sent before.
 *
 * ```
 * joining --> up <--> down --> ended        (`ended` is also reached from every other state)
 * ```
 */

import { assert } from "../base/assert.ts";
import { SystemReceiver, SystemSender } from "./system.ts";
import {
  type ControlRecord,
  type LaneCounts,
  MESSAGE_LANES,
  type MessageLane,
  type SystemBody,
  type TargetCount,
} from "./wire.ts";

/** Whether the peer is there. */
export type AssociationState = "joining" | "up" | "down" | "ended";

/** Why an association has ended. */
export type EndCause =
  | "graceOver"
  | "bye"
  | "disconnected"
  | "newIncarnation"
  | "quarantined"
  | "systemOverflow"
  | "systemLost"
  | "windowsBroken"
  | "portClosed"
  | "closed";

/** What must be done next, in order. */
export type AssociationEffect =
  | { readonly do: "send"; readonly record: ControlRecord }
  | { readonly do: "tell"; readonly body: SystemBody }
  | { readonly do: "end"; readonly cause: EndCause };

type Resume = Extract<ControlRecord, { c: "resume" }>;
type Ended = Extract<SystemBody, { do: "ended" }>;

/** Lanes whose counts a link of each kind knows. */
export type ResumedLanes = readonly MessageLane[];

/** Bounds of an association. */
export interface AssociationLimits {
  readonly systemMessages: number;
  readonly graceMs: number;
  /** Ends that are held back at most: a peer holds no more watches of ours. */
  readonly watches: number;
}

/** The machine; whoever drives it carries out the effects in order. */
export class Association {
  readonly #limits: AssociationLimits;
  readonly #sender: SystemSender;
  readonly #receiver = new SystemReceiver();
  readonly #sent: Record<MessageLane, number> = { consensus: 0, message: 0, bulk: 0 };
  readonly #arrived: Record<MessageLane, number> = { consensus: 0, message: 0, bulk: 0 };
  #waiting: Ended[] = [];
  #state: AssociationState = "joining";
  #lostAtMs: number;

  constructor(limits: AssociationLimits, nowMs: number) {
    this.#limits = limits;
    this.#sender = new SystemSender(limits.systemMessages);
    this.#lostAtMs = nowMs;
  }

  get state(): AssociationState {
    return this.#state;
  }

  /** How many system messages the peer has not acknowledged. */
  get unacknowledged(): number {
    return this.#sender.unacknowledged;
  }

  /** Ends that came and wait for messages that were sent before them. */
  get heldBack(): number {
    return this.#waiting.length;
  }

  /** How many records of each message lane were sent. */
  get sent(): LaneCounts {
    return { ...this.#sent };
  }

  /** When the peer is given up, unless it comes back; `null` where nothing is due. */
  get dueMs(): number | null {
    const counting = this.#state === "joining" || this.#state === "down";
    return counting ? this.#lostAtMs + this.#limits.graceMs : null;
  }

  /** A link stands: `resume` is the first record on it, then what the peer may have missed. */
  connected(pending: readonly TargetCount[]): AssociationEffect[] {
    assert(this.#state !== "ended", "an association that has ended does not come back");
    this.#state = "up";
    const again = this.#sender.unconfirmed().map((record) => send(record));
    return [send(this.resume(pending)), ...again];
  }

  /** What a link says first. */
  resume(pending: readonly TargetCount[]): Resume {
    const systemReceived = this.#receiver.received;
    return { c: "resume", sent: this.sent, pending, systemReceived };
  }

  /** The link is gone. */
  disconnected(nowMs: number): void {
    if (this.#state !== "up") return;
    this.#state = "down";
    this.#lostAtMs = nowMs;
  }

  /** Time has passed. */
  passed(nowMs: number): AssociationEffect[] {
    return this.dueMs !== null && nowMs >= this.dueMs ? this.end("graceOver") : [];
  }

  /** It is over: exactly one effect `end`, ever. */
  end(cause: EndCause): AssociationEffect[] {
    if (this.#state === "ended") return [];
    this.#state = "ended";
    this.#waiting = [];
    return [{ do: "end", cause }];
  }

  /** Says a system message; kept until the peer has it. */
  say(body: SystemBody): AssociationEffect[] {
    if (this.#state === "ended") return [];
    const record = this.#sender.add(body);
    if (record === null) return this.end("systemOverflow");
    return this.#state === "up" ? [send(record)] : [];
  }

  /** So many records of a lane were given to a socket, or are lost with it. */
  left(lane: MessageLane, records: number): void {
    this.#sent[lane] += records;
  }

  /** So many records of a lane have come. */
  arrived(lane: MessageLane, records: number): AssociationEffect[] {
    this.#arrived[lane] += records;
    return this.#waiting.length === 0 ? [] : this.#release();
  }

  /** The peer's first record on a link that carries `lanes`: what did not come before it never will. */
  resumed(record: Resume, lanes: ResumedLanes): AssociationEffect[] {
    for (const lane of lanes) {
      this.#arrived[lane] = Math.max(this.#arrived[lane], record.sent[lane]);
    }
    if (!this.#sender.acknowledged(record.systemReceived)) return this.end("systemLost");
    return this.#release();
  }

  /** A system message has come. */
  took(seq: number, body: SystemBody): AssociationEffect[] {
    if (this.#state === "ended") return [];
    const arrival = this.#receiver.take(seq);
    if (arrival === "gap") return this.end("systemLost");
    const acknowledge = send({ c: "acknowledge", seq: this.#receiver.received });
    if (arrival === "seen") return [acknowledge];
    if (body.do !== "ended") return [acknowledge, { do: "tell", body }];
    if (this.#waiting.length >= this.#limits.watches) return this.end("systemOverflow");
    this.#waiting.push(body);
    return [acknowledge, ...this.#release()];
  }

  /** The peer has all system messages up to this one. */
  acknowledged(seq: number): AssociationEffect[] {
    return this.#sender.acknowledged(seq) ? [] : this.end("systemLost");
  }

  #release(): AssociationEffect[] {
    const due = this.#waiting.filter((ended) => this.#hasArrived(ended.after));
    if (due.length > 0) this.#waiting = this.#waiting.filter((one) => !due.includes(one));
    return due.map((body) => ({ do: "tell", body }));
  }

  #hasArrived(after: LaneCounts): boolean {
    return MESSAGE_LANES.every((lane) => this.#arrived[lane] >= after[lane]);
  }
}

function send(record: ControlRecord): AssociationEffect {
  return { do: "send", record };
}
