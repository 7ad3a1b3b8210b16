/** How often each file appeared under its name, as the operating system tells. */

import { resolve } from "node:path";

/** Watches a folder until it is closed. */
export class Publications {
  readonly #folder: string;
  readonly #watcher: Deno.FsWatcher;
  readonly #times = new Map<string, number>();

  constructor(folder: string) {
    this.#folder = resolve(folder);
    this.#watcher = Deno.watchFs(folder, { recursive: true });
    void this.#watch();
  }

  /** Of a file below the folder; null on systems that tell renames in other ways than Linux. */
  of(name: string): number | null {
    if (Deno.build.os !== "linux") return null;
    return this.#times.get(`${this.#folder}/${name}`) ?? 0;
  }

  close(): void {
    this.#watcher.close();
  }

  async #watch(): Promise<void> {
    for await (const { kind, paths } of this.#watcher) {
      // A rename comes three times: its old name, its new name, both.
      const isNew = kind === "create" || (kind === "rename" && paths.length === 2);
      const path = paths.at(-1);
      if (isNew && path !== undefined) this.#times.set(path, (this.#times.get(path) ?? 0) + 1);
    }
  }
}
