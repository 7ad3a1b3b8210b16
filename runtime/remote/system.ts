/**
 * System messages of one association: numbered, kept until acknowledged, sent again after a reconnect,
 * and taken once and in order. Pure.
 */

import { assert } from "../base/assert.ts";
import type { ControlRecord, SystemBody } from "./wire.ts";

/** A numbered system message. */
export type SystemRecord = Extract<ControlRecord, { c: "system" }>;

/** What this node has to say. */
export class SystemSender {
  readonly #kept: SystemRecord[] = [];
  readonly #most: number;
  #seq = 0;

  /** Keeps at most `most` unacknowledged messages. */
  constructor(most: number) {
    this.#most = most;
  }

  /** How many are not acknowledged. */
  get unacknowledged(): number {
    return this.#kept.length;
  }

  /** Numbers and keeps a message; `null` if there are too many: the peer counts as lost. */
  add(body: SystemBody): SystemRecord | null {
    if (this.#kept.length >= this.#most) return null;
    this.#seq += 1;
    const record: SystemRecord = { c: "system", seq: this.#seq, body };
    this.#kept.push(record);
    return record;
  }

  /** Everything up to `seq` has arrived; false if that was never sent. */
  acknowledged(seq: number): boolean {
    if (seq > this.#seq) return false;
    const first = this.#kept[0]?.seq ?? this.#seq + 1;
    this.#kept.splice(0, Math.max(0, seq - first + 1));
    assert(this.#kept.length === 0 || this.#kept[0]!.seq > seq, "what is kept is unacknowledged");
    return true;
  }

  /** What must be sent again, in order. */
  unconfirmed(): readonly SystemRecord[] {
    return this.#kept;
  }
}

/** What became of a numbered message: to be told, seen before, or one before it is missing. */
export type Arrival = "next" | "seen" | "gap";

/** What this node has been told. */
export class SystemReceiver {
  #received = 0;

  /** The number of the last message that was taken; all before it were too. */
  get received(): number {
    return this.#received;
  }

  /** Takes the number of a message that came. */
  take(seq: number): Arrival {
    if (seq <= this.#received) return "seen";
    if (seq !== this.#received + 1) return "gap";
    this.#received = seq;
    return "next";
  }
}
