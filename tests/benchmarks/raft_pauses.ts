/** The pauses of a member's event loop, seen from outside: how long its status takes. */

import { Connection, type Place, questionBytes } from "../real/raft/connection.ts";

const EVERY_MS = 5;

/** Asks for the status again and again; the longest answer of a while. */
export class PauseWatch {
  readonly #connection: Connection;
  readonly #asking: Promise<void>;
  #longestMs = 0;
  #isStopping = false;

  private constructor(connection: Connection) {
    this.#connection = connection;
    this.#asking = this.#ask();
  }

  static async on(place: Place): Promise<PauseWatch> {
    const watch = new PauseWatch(await Connection.open(place));
    watch.#asking.catch(() => {}); // `stop` tells it
    return watch;
  }

  /** The longest since this was asked last. */
  longestMs(): number {
    const longestMs = this.#longestMs;
    this.#longestMs = 0;
    return longestMs;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#asking.finally(() => this.#connection.close());
  }

  async #ask(): Promise<void> {
    const question = questionBytes({ method: "GET", path: "/status" });
    while (!this.#isStopping) {
      const askedMs = performance.now();
      await this.#connection.ask(question);
      this.#longestMs = Math.max(this.#longestMs, performance.now() - askedMs);
      await new Promise((done) => setTimeout(done, EVERY_MS));
    }
  }
}
