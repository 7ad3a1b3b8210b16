/**
 * The credit of one lane: what its targets hold, who waits for it, and in which order they are served.
 *
 * A waiter waits for its target's room or, once the target has room, for the lane's. Targets whose first
 * waiter only lacks the lane's room stand in one line and are served one message at a turn; while anyone
 * stands there nobody else takes credit, so the lane drains until even a large message fits.
 */

import { assert } from "../base/assert.ts";
import { Line, type Place } from "./credit_line.ts";
import type { Window } from "./limits.ts";

/** Someone who waits for credit; one of the two is called, once, unless the wait is cancelled. */
export interface CreditWaiter {
  /** The credit is taken: send now. */
  granted(): void;
  /** There will be none. */
  abandoned(): void;
}

interface Waiting {
  readonly bytes: number;
  readonly waiter: CreditWaiter;
}

/** Messages and bytes that hold credit. */
class Held {
  messages = 0;
  bytes = 0;

  /** One message larger than the window may go alone. */
  hasRoom(window: Window, bytes: number): boolean {
    if (this.messages === 0) return true;
    return this.messages < window.messages && this.bytes + bytes <= window.bytes;
  }

  add(messages: number, bytes: number): void {
    this.messages += messages;
    this.bytes += bytes;
    assert(this.messages >= 0 && this.bytes >= 0, "credit is given back once");
    assert(this.messages > 0 || this.bytes === 0, "bytes are held by messages");
  }
}

/** One actor of the peer; forgotten when nothing of it is held or waits. */
class Target extends Held {
  /** Of what is held: what was under way when the link was lost. */
  uncertainMessages = 0;
  uncertainBytes = 0;
  readonly waiting = new Line<Waiting>();
  /** Its place among those that lack the lane's room only. */
  place: Place<Target> | null = null;

  constructor(readonly to: string) {
    super();
  }

  /** Whether so much may come back of what is held beside the uncertain. */
  canReturn(messages: number, bytes: number): boolean {
    const left = this.messages - this.uncertainMessages - messages;
    const leftBytes = this.bytes - this.uncertainBytes - bytes;
    return left >= 0 && leftBytes >= 0 && (left > 0 || leftBytes === 0);
  }
}

/** The credit of one lane of one association. */
export class LaneCredit {
  readonly #held = new Held();
  readonly #targets = new Map<string, Target>();
  readonly #line = new Line<Target>();
  readonly #window: Window;
  readonly #targetWindow: Window;

  constructor(window: Window, targetWindow: Window) {
    this.#window = window;
    this.#targetWindow = targetWindow;
  }

  /** What holds credit. */
  get held(): Window {
    return { messages: this.#held.messages, bytes: this.#held.bytes };
  }

  /** The targets that hold credit, and how much. */
  *targets(): Generator<Window & { readonly to: string }> {
    for (const { to, messages, bytes } of this.#targets.values()) {
      if (messages > 0) yield { to, messages, bytes };
    }
  }

  /** Takes credit for one message now; false if there is none, or others wait for it. */
  take(to: string, bytes: number): boolean {
    if (this.#line.first !== null || !this.#held.hasRoom(this.#window, bytes)) return false;
    const target = this.#target(to);
    if (target.waiting.first !== null || !target.hasRoom(this.#targetWindow, bytes)) return false;
    this.#hold(target, bytes);
    return true;
  }

  /** Stands in line; gives what leaves it, which says whether it still stood there. */
  wait(to: string, bytes: number, waiter: CreditWaiter): () => boolean {
    const target = this.#target(to);
    const place = target.waiting.join({ bytes, waiter });
    this.#changed(target);
    this.serve();
    return () => {
      if (!place.standing) return false;
      target.waiting.leave(place);
      this.#changed(target);
      this.serve();
      return true;
    };
  }

  /** Takes back what was processed; false, and nothing changes, if it was not under way. */
  give(to: string, messages: number, bytes: number): boolean {
    const target = this.#targets.get(to);
    if (target === undefined || !target.canReturn(messages, bytes)) return false;
    this.#release(target, messages, bytes);
    return true;
  }

  /** The link is lost: everything that is held is uncertain. */
  interrupt(): void {
    for (const target of this.#targets.values()) {
      target.uncertainMessages = target.messages;
      target.uncertainBytes = target.bytes;
    }
  }

  /** So much of a target's has not left this node: it is not uncertain. */
  keep(to: string, messages: number, bytes: number): void {
    const target = this.#targets.get(to);
    assert(target !== undefined, "what is kept holds credit");
    target.uncertainMessages -= messages;
    target.uncertainBytes -= bytes;
    assert(target.uncertainMessages >= 0 && target.uncertainBytes >= 0, "kept once");
  }

  /**
   * What was uncertain and is not `pending` is lost and no longer held. Gives the targets of which the
   * peer cannot have so much: theirs stays held.
   */
  resume(pending: ReadonlyMap<string, Window>): string[] {
    const wrong = [...pending.keys()].filter((to) => !this.#targets.has(to));
    for (const target of this.#targets.values()) {
      const { messages, bytes } = pending.get(target.to) ?? NOTHING;
      const lost = target.uncertainMessages - messages;
      const lostBytes = target.uncertainBytes - bytes;
      target.uncertainMessages = 0;
      target.uncertainBytes = 0;
      const bothOrNone = (messages > 0 || bytes === 0) && (lost > 0 || lostBytes === 0);
      if (lost >= 0 && lostBytes >= 0 && bothOrNone) this.#release(target, lost, lostBytes);
      else wrong.push(target.to);
    }
    return wrong;
  }

  /** Grants what has room. */
  serve(): void {
    for (let turn = this.#line.first; turn !== null; turn = this.#line.first) {
      const target = turn.item;
      const first = target.waiting.first!;
      const { bytes, waiter } = first.item;
      if (!this.#held.hasRoom(this.#window, bytes)) return;
      this.#line.leave(turn);
      target.place = null;
      target.waiting.leave(first);
      this.#hold(target, bytes);
      this.#changed(target);
      waiter.granted();
    }
  }

  /** Everyone who waits is told that there will be nothing; what is held stays. */
  abandon(): void {
    for (const target of this.#targets.values()) {
      for (let first = target.waiting.first; first !== null; first = target.waiting.first) {
        target.waiting.leave(first);
        this.#changed(target);
        first.item.waiter.abandoned();
      }
    }
  }

  #hold(target: Target, bytes: number): void {
    target.add(1, bytes);
    this.#held.add(1, bytes);
  }

  #release(target: Target, messages: number, bytes: number): void {
    target.add(-messages, -bytes);
    this.#held.add(-messages, -bytes);
    this.#changed(target);
  }

  /** Its room or its first waiter has changed: it joins or leaves the line, or is forgotten. */
  #changed(target: Target): void {
    const first = target.waiting.first;
    const ready = first !== null && target.hasRoom(this.#targetWindow, first.item.bytes);
    if (ready) target.place ??= this.#line.join(target);
    else if (target.place !== null) {
      this.#line.leave(target.place);
      target.place = null;
    }
    if (first === null && target.messages === 0) this.#targets.delete(target.to);
  }

  #target(to: string): Target {
    let target = this.#targets.get(to);
    if (target === undefined) this.#targets.set(to, target = new Target(to));
    return target;
  }
}

const NOTHING: Window = { messages: 0, bytes: 0 };
