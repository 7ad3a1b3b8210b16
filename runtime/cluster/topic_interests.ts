/** Tells each member which topics this node wants, again after every change and every reconnect. */

import type { Env, TimerHandle } from "../env/env.ts";
import type { ClusterLimits } from "./limits.ts";

/** What announcing needs. */
export interface InterestsWay {
  readonly env: Pick<Env, "timers">;
  readonly limits: ClusterLimits;
  /** Members that are linked. */
  isUp(node: string): boolean;
  /** Says all that is wanted now; true once the member has taken it. */
  announce(node: string): Promise<boolean>;
}

interface Announcing {
  isDue: boolean;
  isBusy: boolean;
  pause: TimerHandle | null;
}

/** See the head of this file. */
export class TopicInterests {
  readonly #way: InterestsWay;
  readonly #nodes = new Map<string, Announcing>();
  #closed = false;

  constructor(way: InterestsWay) {
    this.#way = way;
  }

  /** Says it to this member, as soon as nothing else is being said to it. */
  due(node: string): void {
    let announcing = this.#nodes.get(node);
    if (announcing === undefined) {
      announcing = { isDue: false, isBusy: false, pause: null };
      this.#nodes.set(node, announcing);
    }
    announcing.isDue = true;
    this.#start(node, announcing);
  }

  /** A member does not belong any more. */
  left(node: string): void {
    this.#nodes.get(node)?.pause?.cancel();
    this.#nodes.delete(node);
  }

  close(): void {
    this.#closed = true;
    for (const node of [...this.#nodes.keys()]) this.left(node);
  }

  #start(node: string, announcing: Announcing): void {
    const mayStart = announcing.isDue && !announcing.isBusy && announcing.pause === null;
    if (this.#closed || !mayStart || !this.#way.isUp(node)) return;
    announcing.isDue = false;
    announcing.isBusy = true;
    const settled = (accepted: boolean): void => {
      announcing.isBusy = false;
      if (this.#nodes.get(node) !== announcing) return;
      if (accepted) this.#start(node, announcing);
      else this.#again(node, announcing);
    };
    this.#way.announce(node).then(settled, () => settled(false));
  }

  #again(node: string, announcing: Announcing): void {
    announcing.isDue = true;
    if (this.#closed) return;
    announcing.pause = this.#way.env.timers.after(this.#way.limits.announceAgainMs, () => {
      announcing.pause = null;
      this.#start(node, announcing);
    });
  }
}
