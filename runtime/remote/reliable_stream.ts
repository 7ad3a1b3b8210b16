/**
 * Reliable messages to one actor of another node on one lane: numbered, kept until confirmed, and sent
 * again, all of them in order, when a link is new or the far side misses one.
 */

import type { Deadlines } from "../actor/deadlines.ts";
import type { ActorError } from "../actor/errors.ts";
import { assert } from "../base/assert.ts";
import type { Packed } from "./frames.ts";
import type { RemoteLimits } from "./limits.ts";
import { Alarm } from "./peer_alarm.ts";
import type { Outgoing } from "./peer_lines.ts";
import type { Session } from "./peer_session.ts";
import { notHandled, tooLong } from "./reliable_errors.ts";
import type { ControlRecord, MessageLane } from "./wire.ts";

/** What the far side says of a producer. */
export type ConfirmRecord = Extract<ControlRecord, { c: "confirm" }>;

/** Told exactly once what became of a message; `null`: it was handled. */
export type Settle = (error: ActorError | null) => void;

/** A message on its way. */
export interface Parcel extends Packed {
  readonly tag: string;
  readonly settle: Settle;
}

/** Where a stream leads, and over what. */
export interface StreamWay {
  readonly path: string;
  readonly address: string;
  readonly lane: MessageLane;
  readonly producer: string;
  readonly limits: Pick<RemoteLimits, "reliableResendMs" | "reliableResendMaxMs">;
  readonly deadlines: Deadlines;
  /** The association, while its link stands. */
  session(): Pick<Session, "messageBytes" | "wait"> | null;
}

/** See the head of this file. */
export class ReliableStream {
  readonly #way: StreamWay;
  readonly #probe: Alarm;
  /** The unconfirmed ones in order; the first has number `#confirmed + 1`. */
  readonly #parcels: Parcel[] = [];
  /** Index of the next one to send on this link. */
  #next = 0;
  /** Everything up to here is settled; what is past `#sent` has never left this place. */
  #confirmed = 0;
  #sent = 0;
  #leave: (() => void) | null = null;
  /** Which call for credit is the present one. */
  #attempt = 0;
  #isPumping = false;
  #pauseMs: number;

  constructor(way: StreamWay) {
    this.#way = way;
    this.#pauseMs = way.limits.reliableResendMs;
    this.#probe = new Alarm(way.deadlines, () => this.#stalled());
  }

  /** Sends one more. */
  add(parcel: Parcel): void {
    this.#parcels.push(parcel);
    this.#pump();
  }

  /** A link stands: who knows what has arrived over the last one. */
  linked(): void {
    this.#pauseMs = this.#way.limits.reliableResendMs;
    this.#goBack(0);
  }

  /** What the far side says; false if that cannot be. */
  confirmed({ seq, failed = [], again = 0 }: ConfirmRecord): boolean {
    if (seq > this.#sent || again > this.#sent + 1) return false;
    const outcomes = new Map(failed);
    if (seq > this.#confirmed) this.#pauseMs = this.#way.limits.reliableResendMs;
    while (this.#confirmed < seq) {
      const parcel = this.#parcels.shift();
      assert(parcel !== undefined, "what is not confirmed is kept");
      this.#confirmed += 1;
      this.#next = Math.max(0, this.#next - 1);
      const outcome = outcomes.get(this.#confirmed);
      const { address } = this.#way;
      parcel.settle(outcome === undefined ? null : notHandled(address, parcel.tag, outcome));
    }
    if (again > this.#confirmed) this.#goBack(again - this.#confirmed - 1);
    if (this.#parcels.length === 0) this.#probe.cancel();
    return true;
  }

  /** Gives everything up; `errorOf` is told of each whether it has certainly not arrived. */
  close(errorOf: (tag: string, definite: boolean) => ActorError): void {
    this.#probe.cancel();
    this.#leaveLine();
    const left = this.#parcels.splice(0);
    const sentCount = this.#sent - this.#confirmed;
    this.#confirmed = this.#sent;
    this.#next = 0;
    for (const [index, { tag, settle }] of left.entries()) settle(errorOf(tag, index >= sentCount));
  }

  /** Sends from there on again, unless it has not come so far. */
  #goBack(index: number): void {
    this.#leaveLine();
    this.#next = Math.min(this.#next, index);
    this.#pump();
  }

  #leaveLine(): void {
    this.#attempt += 1;
    this.#leave?.();
    this.#leave = null;
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    const session = this.#way.session();
    while (session !== null && this.#leave === null && this.#next < this.#parcels.length) {
      if (!this.#offer(session, this.#parcels[this.#next]!)) break;
    }
    this.#isPumping = false;
    const isWaiting = session !== null && this.#parcels.length > 0; // else a link will begin anew
    if (isWaiting && !this.#probe.isSet) this.#probe.set(this.#pauseMs);
  }

  /** Stands in line for credit with one; false if the line is full. */
  #offer(session: Pick<Session, "messageBytes" | "wait">, parcel: Parcel): boolean {
    const seq = this.#confirmed + this.#next + 1;
    const item = this.#transmission(parcel, seq);
    if (item.bytes > session.messageBytes) {
      this.#refuse(parcel, seq, item.bytes, session.messageBytes);
      return true;
    }
    this.#attempt += 1;
    const attempt = this.#attempt;
    let isOver = false;
    const over = (isSent: boolean): void => {
      if (attempt !== this.#attempt) return;
      isOver = true;
      this.#leave = null;
      if (!isSent) return;
      this.#next += 1;
      this.#sent = Math.max(this.#sent, seq);
      this.#pump();
    };
    const leave = session.wait(this.#way.lane, item, {
      granted: () => over(true),
      abandoned: () => over(false),
    });
    if (leave === null) return false;
    if (!isOver) this.#leave = leave;
    return true;
  }

  /** The peer takes less than it did, or than we thought. */
  #refuse(parcel: Parcel, seq: number, bytes: number, mostBytes: number): void {
    const { address } = this.#way;
    if (seq <= this.#sent) { // it has a number: the ones after it can never be in order
      return this.close((tag, definite) => tooLong(address, tag, bytes, mostBytes, definite));
    }
    this.#parcels.splice(this.#next, 1);
    parcel.settle(tooLong(address, parcel.tag, bytes, mostBytes, true));
  }

  /** The fields that change stand last, so that a message is encoded once. */
  #transmission({ head, text, attachments, bytes }: Parcel, seq: number): Outgoing {
    const { path, producer } = this.#way;
    const confirmed = this.#confirmed === 0 ? "" : `,"confirmed":${this.#confirmed}`;
    const fields = `,"producer":${JSON.stringify(producer)},"seq":${seq}${confirmed}}`;
    return {
      head,
      text: text.slice(0, -1) + fields,
      attachments,
      bytes: bytes - 1 + fields.length, // ASCII
      to: path,
    };
  }

  /**
   * Nothing was confirmed for a while: the last one is sent again, and the far side says what it
   * misses. Ever more seldom, as it may just be slow.
   */
  #stalled(): void {
    if (this.#parcels.length === 0) return;
    const isAllSent = this.#next === this.#parcels.length && this.#leave === null;
    if (isAllSent && this.#way.session() !== null) {
      this.#pauseMs = Math.min(2 * this.#pauseMs, this.#way.limits.reliableResendMaxMs);
      this.#next -= 1;
    }
    this.#pump();
  }
}
