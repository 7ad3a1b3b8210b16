/** What a peer lets us send: its windows, known since the first handshake, and who waits for room in them. */

import { SendCredit } from "./credit.ts";
import type { CreditWaiter } from "./credit_lane.ts";
import type { PeerWindows } from "./handshake_messages.ts";
import type { RemoteLimits } from "./limits.ts";
import { MESSAGE_LANES, type MessageLane, type TargetCount } from "./wire.ts";

/** Credit of one association, which begins without any. */
export class Outbound {
  readonly #limits: RemoteLimits;
  #early = new Set<() => void>();
  #credit: SendCredit | null = null;
  #messageBytes: number;
  #isOver = false;

  constructor(limits: RemoteLimits) {
    this.#limits = limits;
    this.#messageBytes = limits.messageBytes;
  }

  /** Longest record that the peer takes. */
  get messageBytes(): number {
    return this.#messageBytes;
  }

  /** The windows are known. */
  get isOpen(): boolean {
    return this.#credit !== null;
  }

  /** Who holds credit. */
  targets(): TargetCount[] {
    return this.#credit?.targets() ?? [];
  }

  /** The first handshake is done: who has waited for it gets credit or waits on. */
  open(windows: PeerWindows): void {
    const { consensus, message, bulk, target, messageBytes } = windows;
    const limits = this.#limits;
    // What the peer grants beyond our own limits would be held in our memory.
    this.#messageBytes = Math.min(messageBytes, limits.messageBytes);
    this.#credit = new SendCredit({
      ...limits,
      consensusWindowMessages: Math.min(consensus.messages, limits.consensusWindowMessages),
      consensusWindowBytes: Math.min(consensus.bytes, limits.consensusWindowBytes),
      messageWindowMessages: Math.min(message.messages, limits.messageWindowMessages),
      messageWindowBytes: Math.min(message.bytes, limits.messageWindowBytes),
      bulkWindowMessages: Math.min(bulk.messages, limits.bulkWindowMessages),
      bulkWindowBytes: Math.min(bulk.bytes, limits.bulkWindowBytes),
      targetWindowMessages: Math.min(target.messages, limits.targetWindowMessages),
      targetWindowBytes: Math.min(target.bytes, limits.targetWindowBytes),
    });
    this.#serveEarly();
  }

  /** Takes credit now, or says that there is none. */
  take(lane: MessageLane, to: string, bytes: number): boolean {
    return this.#credit?.take(lane, to, bytes) ?? false;
  }

  /** Waits for credit; gives what leaves the line, `null` if it is too long or the association over. */
  wait(
    lane: MessageLane,
    to: string,
    bytes: number,
    waiter: CreditWaiter,
  ): (() => void) | null {
    if (this.#isOver) return null;
    if (this.#credit !== null) return this.#credit.wait(lane, to, bytes, waiter);
    if (this.#early.size >= this.#limits.sendWaiters) return null;
    let leave: (() => void) | null = null;
    const go = (): void => {
      leave = this.#credit?.wait(lane, to, bytes, waiter) ?? null;
      if (leave === null) waiter.abandoned();
    };
    this.#early.add(go);
    return () => {
      if (!this.#early.delete(go)) leave?.();
    };
  }

  /** See {@link SendCredit.give}; gives how many entries were wrong. */
  give(processed: readonly TargetCount[]): number {
    return this.#credit?.give(processed).length ?? 0;
  }

  /** See {@link SendCredit.interrupted}. */
  interrupted(kept: readonly TargetCount[], lanes: readonly MessageLane[] = MESSAGE_LANES): void {
    this.#credit?.interrupted(kept, lanes);
  }

  /** See {@link SendCredit.resumed}; gives how many entries were wrong. */
  resumed(pending: readonly TargetCount[], lanes: readonly MessageLane[]): number {
    return this.#credit?.resumed(pending, lanes).length ?? 0;
  }

  /** There will be no more credit: who waits is told. */
  abandon(): void {
    this.#isOver = true;
    const credit = this.#credit;
    this.#credit = null;
    credit?.abandon();
    this.#serveEarly();
  }

  #serveEarly(): void {
    const early = [...this.#early];
    this.#early.clear();
    for (const go of early) go();
  }
}
