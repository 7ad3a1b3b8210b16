/** Replies on their way to a socket, in order: the credit of each ask comes back when its reply has left. */

import { Mailbox } from "../actor/mailbox.ts";

/** First in, first out, as replies leave. */
export class Replies {
  readonly #leaving = new Mailbox<() => void>();
  /** How many of those that the present link was given have left. */
  #left = 0;

  /** One more was queued. */
  add(left: () => void): void {
    this.#leaving.push(left);
  }

  /** The next `count` were given to the socket. */
  left(count: number): void {
    this.#left += count;
    for (let index = 0; index < count; index += 1) this.#leaving.shift()?.();
  }

  /** The link is lost and `count` replies in all went with it; the others wait for the next. */
  lost(count: number): void {
    const more = count - this.#left;
    for (let index = 0; index < more; index += 1) this.#leaving.shift()?.();
    this.#left = 0;
  }
}
