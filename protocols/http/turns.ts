/** Calls of one file, one after the other: a checkpoint is synced while the next bytes are written. */

/** Each call begins when the one before it has settled, whichever way. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(call: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(call);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
