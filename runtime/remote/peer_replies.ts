/** Replies on their way to a socket, in order: the credit of each ask comes back when its reply has left. */

import { Mailbox } from "../actor/mailbox.ts";

/** First in, first out, as replies leave; over however many links. */
export class Replies {
  readonly #leaving = new Mailbox<() => void>();

  /** One more was queued. */
  add(left: () => void): void {
    this.#leaving.push(left);
  }

  /** The next `count` were given to a socket. */
  left(count: number): void {
    for (let index = 0; index < count; index += 1) this.#leaving.shift()?.();
  }
}
