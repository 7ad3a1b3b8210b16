/** Asks between two nodes: those of ours that wait for a reply, and those of theirs that we handle. */

import type { AskSettling } from "../actor/bridge.ts";
import { ActorError } from "../actor/errors.ts";
import { fromWireError } from "./peer_errors.ts";
import type { ReplyRecord } from "./wire.ts";

/** Our asks to one peer. */
export class Asked {
  readonly #pending = new Map<number, AskSettling>();
  readonly #node: string;
  readonly #most: number;
  #lastId = 0;

  constructor(node: string, most: number) {
    this.#node = node;
    this.#most = most;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** The id of a new ask; `null` if too many wait. */
  add(settling: AskSettling): number | null {
    if (this.#pending.size >= this.#most) return null;
    this.#lastId += 1;
    this.#pending.set(this.#lastId, settling);
    return this.#lastId;
  }

  /** The caller gave up; false if it was settled before. */
  forget(id: number): boolean {
    return this.#pending.delete(id);
  }

  /** A reply has come; one that nobody waits for any more is dropped. */
  settle(record: ReplyRecord): void {
    const settling = this.#pending.get(record.re);
    if (settling === undefined) return;
    this.#pending.delete(record.re);
    if ("error" in record) settling.fail(fromWireError(record.error, this.#node));
    else settling.reply(record.body);
  }

  /** One ask fails. */
  fail(id: number, error: Error): void {
    const settling = this.#pending.get(id);
    if (this.#pending.delete(id)) settling?.fail(error);
  }

  /** The peer is gone: every ask fails. */
  failAll(error: Error): void {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    for (const settling of all) settling.fail(error);
  }
}

/**
 * Asks of ours that were given up and whose cancel may not have arrived. Control records keep their
 * order, so a pong confirms every cancel that was sent before its ping; the others are sent again.
 */
export class Cancels {
  #unconfirmed: { readonly id: number; readonly ping: number }[] = [];
  readonly #most: number;

  /** Remembers at most so many; a forgotten one runs to the end of its budget. */
  constructor(most: number) {
    this.#most = most;
  }

  /** A cancel is sent, or cannot be now; `ping` is the number of the next ping. */
  add(id: number, ping: number): void {
    this.#unconfirmed.push({ id, ping });
    if (this.#unconfirmed.length > this.#most) this.#unconfirmed.shift();
  }

  /** The answer to a ping has come. */
  confirmed(ping: number): void {
    const open = this.#unconfirmed.findIndex((one) => one.ping > ping);
    this.#unconfirmed.splice(0, open < 0 ? this.#unconfirmed.length : open);
  }

  /** What must be sent again over a new link, whose next ping is `ping`. */
  again(ping: number): number[] {
    const ids = this.#unconfirmed.map(({ id }) => id);
    this.#unconfirmed = ids.map((id) => ({ id, ping }));
    return ids;
  }
}

/** Their asks that our actors handle. A cancel may overtake its ask: then the ask is not handled. */
export class Answering {
  readonly #running = new Map<number, (reason: Error) => void>();
  readonly #overtaken = new Set<number>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#running.size;
  }

  /** False if the ask was cancelled before it came, or its id is in use. */
  begin(id: number): boolean {
    return !this.#overtaken.delete(id) && !this.#running.has(id);
  }

  /** The ask is handled; `cancel` ends that. */
  running(id: number, cancel: (reason: Error) => void): void {
    this.#running.set(id, cancel);
  }

  /** It was answered. */
  done(id: number): void {
    this.#running.delete(id);
  }

  /** The far side gave up. */
  cancel(id: number): void {
    const cancel = this.#running.get(id);
    if (cancel !== undefined) {
      this.#running.delete(id);
      return cancel(new ActorError("Cancelled", `answer ask ${id}: its caller gave up`));
    }
    this.#overtaken.add(id);
    // Most of these were answered long ago; the oldest cannot be on its way any more.
    for (const oldest of this.#overtaken) {
      if (this.#overtaken.size <= this.#most) break;
      this.#overtaken.delete(oldest);
    }
  }

  /** The peer is gone: nobody waits for any of them. */
  cancelAll(error: Error): void {
    const all = [...this.#running.values()];
    this.#running.clear();
    for (const cancel of all) cancel(error);
  }
}
