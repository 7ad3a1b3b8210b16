/**
 * One sync for all who wait for the same directory. A sync that was under way when a caller came may
 * have missed the caller's change, so callers wait for the next one, and share it.
 */

/** Runs `sync` for a path; concurrent calls for one path share runs that began after them. */
export class SharedSync {
  readonly #sync: (path: string) => Promise<void>;
  readonly #running = new Map<string, { current: Promise<void>; next: Promise<void> | null }>();

  constructor(sync: (path: string) => Promise<void>) {
    this.#sync = sync;
  }

  /** Resolves once a sync that began after this call has ended; rejects if that one failed. */
  run(path: string): Promise<void> {
    const running = this.#running.get(path);
    if (running === undefined) return this.#start(path);
    running.next ??= running.current.then(() => this.#start(path), () => this.#start(path));
    return running.next;
  }

  #start(path: string): Promise<void> {
    const current = this.#sync(path);
    const entry = { current, next: null as Promise<void> | null };
    this.#running.set(path, entry);
    const end = () => {
      if (this.#running.get(path) === entry && entry.next === null) this.#running.delete(path);
    };
    current.then(end, end);
    return current;
  }
}
