/** The folder of destinations, watched: how often each file got its final name. */

/** A file as it stood when it was first seen. */
export interface Landed {
  readonly atMs: number;
  /** `device:inode`, as receipts name files. */
  readonly fileId: string | null;
}

const IS_OURS = /(^|\/)\.quorus-/;

/** See the head of this file. */
export class Landing {
  /** Every time that a file got its final name. */
  readonly landed = new Map<string, Landed[]>();
  readonly #folder: string;
  readonly #watcher: Deno.FsWatcher;
  readonly #reading: Promise<void>;
  #told = Promise.withResolvers<void>();

  constructor(folder: string) {
    this.#folder = folder;
    this.#watcher = Deno.watchFs(folder);
    this.#reading = this.#read();
  }

  async stop(): Promise<void> {
    this.#watcher.close();
    await this.#reading;
  }

  /** Resolves with the next thing that happens there. */
  told(): Promise<void> {
    return this.#told.promise;
  }

  /** What stands in the folder. */
  names(): string[] {
    return [...Deno.readDirSync(this.#folder)].map(({ name }) => name).sort();
  }

  async #read(): Promise<void> {
    for await (const event of this.#watcher) {
      this.#take(event);
      this.#told.resolve();
      this.#told = Promise.withResolvers();
    }
  }

  #take({ kind, paths }: Deno.FsEvent): void {
    // A rename is told twice: its new name alone, then both. A hard link is told as a creation.
    const [path] = paths;
    if (paths.length !== 1 || (kind !== "rename" && kind !== "create")) return;
    if (IS_OURS.test(path!)) return;
    const name = path!.slice(path!.lastIndexOf("/") + 1);
    const all = this.landed.get(name) ?? [];
    all.push({ atMs: Date.now(), fileId: fileIdOf(path!) });
    this.landed.set(name, all);
  }
}

/** As receipts name a file; null where there is none. */
export function fileIdOf(path: string): string | null {
  try {
    const { dev, ino } = Deno.statSync(path);
    return `${dev}:${ino}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
