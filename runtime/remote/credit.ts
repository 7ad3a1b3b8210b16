/**
 * Who may send how much: the sender's side of credit, for all lanes of one association. A message takes
 * credit of its lane and of its target; both come back when the receiver has processed it.
 */

import { assert } from "../base/assert.ts";
import { type CreditWaiter, LaneCredit } from "./credit_lane.ts";
import { laneWindow, type RemoteLimits, targetWindow, type Window } from "./limits.ts";
import { MESSAGE_LANES, type MessageLane, type TargetCount } from "./wire.ts";

/** The credit of one association, for what this node sends. */
export class SendCredit {
  readonly #lanes: Readonly<Record<MessageLane, LaneCredit>>;
  readonly #waitersMax: number;
  #waiters = 0;
  #abandoned = false;

  constructor(limits: RemoteLimits) {
    const credit = (lane: MessageLane): LaneCredit =>
      new LaneCredit(laneWindow(limits, lane), targetWindow(limits, lane));
    this.#lanes = {
      consensus: credit("consensus"),
      message: credit("message"),
      bulk: credit("bulk"),
    };
    this.#waitersMax = limits.sendWaiters;
  }

  /** How many wait. */
  get waiters(): number {
    return this.#waiters;
  }

  /** What holds credit of a lane. */
  held(lane: MessageLane): Window {
    return this.#lanes[lane].held;
  }

  /** Every target that holds credit. */
  targets(): TargetCount[] {
    return MESSAGE_LANES.flatMap((lane) =>
      [...this.#lanes[lane].targets()].map((target) => ({ lane, ...target }))
    );
  }

  /** Takes credit for one message now; false if there is none, or others wait for it. */
  take(lane: MessageLane, to: string, bytes: number): boolean {
    return !this.#abandoned && this.#lanes[lane].take(to, bytes);
  }

  /**
   * Waits for credit for one message; `granted` may be called before this returns. Gives what cancels
   * the wait (idempotent), or `null` if too many wait already or the association has ended.
   */
  wait(
    lane: MessageLane,
    to: string,
    bytes: number,
    waiter: CreditWaiter,
  ): (() => void) | null {
    if (this.#abandoned || this.#waiters >= this.#waitersMax) return null;
    this.#waiters += 1;
    const leave = this.#lanes[lane].wait(to, bytes, {
      granted: () => {
        this.#waiters -= 1;
        waiter.granted();
      },
      abandoned: () => {
        this.#waiters -= 1;
        waiter.abandoned();
      },
    });
    return () => {
      if (leave()) this.#waiters -= 1;
    };
  }

  /**
   * Takes back what the peer has processed. Gives the entries that cannot be, as more than was under
   * way since the last resume: they change nothing.
   */
  give(processed: readonly TargetCount[]): TargetCount[] {
    const wrong = processed.filter(({ lane, to, messages, bytes }) =>
      !this.#lanes[lane].give(to, messages, bytes)
    );
    this.#serve();
    return wrong;
  }

  /** Takes back the credit of a message that was given to no socket. */
  giveBack(lane: MessageLane, to: string, bytes: number): void {
    assert(this.#lanes[lane].give(to, 1, bytes), "a message that was not sent has held credit");
    this.#serve();
  }

  /**
   * The link of `lanes` is lost, and nobody knows what of all that is held has arrived, but for `kept`,
   * which has not left this node and goes over the next link.
   */
  interrupted(
    kept: readonly TargetCount[] = [],
    lanes: readonly MessageLane[] = MESSAGE_LANES,
  ): void {
    for (const lane of lanes) this.#lanes[lane].interrupt();
    for (const { lane, to, messages, bytes } of kept) this.#lanes[lane].keep(to, messages, bytes);
  }

  /**
   * The peer's `resume` of `lanes`: of what was under way this is pending; the rest is lost and its
   * credit whole. Gives the entries that cannot be, as more than was under way: what is held there
   * stays held.
   */
  resumed(
    pending: readonly TargetCount[],
    lanes: readonly MessageLane[] = MESSAGE_LANES,
  ): { lane: MessageLane; to: string }[] {
    const wrong: { lane: MessageLane; to: string }[] = [];
    for (const lane of lanes) {
      const ofLane = pending.filter((one) => one.lane === lane);
      const targets = this.#lanes[lane].resume(new Map(ofLane.map((one) => [one.to, one])));
      wrong.push(...targets.map((to) => ({ lane, to })));
    }
    this.#serve();
    return wrong;
  }

  /** The association has ended: nobody is granted anything any more, and who waits is told. */
  abandon(): void {
    this.#abandoned = true;
    for (const lane of MESSAGE_LANES) this.#lanes[lane].abandon();
  }

  #serve(): void {
    for (const lane of MESSAGE_LANES) this.#lanes[lane].serve();
  }
}
