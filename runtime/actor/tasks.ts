/** Long work of one actor, beside its mailbox. */

import type { TaskEnd } from "./definition.ts";
import { ActorError } from "./errors.ts";

/** The running tasks of an actor; those of an old incarnation still count until they settle. */
export class Tasks {
  readonly #running = new Map<string, AbortController>();

  /** How many run. */
  get count(): number {
    return this.#running.size;
  }

  /** Starts `run` in the next microtask; `settled` gets its end. */
  start(
    name: string,
    run: (signal: AbortSignal) => unknown,
    settled: (end: TaskEnd) => void,
  ): void {
    if (this.#running.has(name)) {
      throw new ActorError("NameTaken", `start task "${name}": one of that name is running`);
    }
    const controller = new AbortController();
    this.#running.set(name, controller);
    Promise.resolve(controller.signal).then(run).then(
      (value): TaskEnd => ({ name, ok: true, value }),
      (error): TaskEnd => ({ name, ok: false, error }),
    ).then((end) => {
      this.#running.delete(name);
      settled(end);
    });
  }

  /** Aborts the signal of one task. */
  abort(name: string, reason: unknown): boolean {
    const controller = this.#running.get(name);
    if (controller === undefined) return false;
    controller.abort(reason);
    return true;
  }

  /** Aborts the signals of all. */
  abortAll(reason: unknown): void {
    for (const controller of [...this.#running.values()]) controller.abort(reason);
  }

  /** Their names. */
  names(): string[] {
    return [...this.#running.keys()];
  }
}
