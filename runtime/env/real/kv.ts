/**
 * Key-value files on Deno KV. Every commit is one fsync (no group commit: 1-3 k commits/s measured),
 * so callers batch. One process per file: a lock file beside it makes that a clear error instead of
 * `database is locked` under load.
 */

import { messageOf } from "../../base/errors.ts";
import { limitValues } from "../../base/limits.ts";
import type {
  Disk,
  DiskLock,
  KvCheck,
  KvEntry,
  KvKey,
  KvMutation,
  KvPort,
  KvRange,
  KvStore,
  KvValue,
} from "../env.ts";
import { KvError } from "../errors.ts";
import { ENV_LIMITS } from "./limits.ts";

const LIMITS = limitValues(ENV_LIMITS);

function kvError(action: string, path: string, thrown: unknown): KvError {
  if (thrown instanceof KvError) return thrown;
  const reason = messageOf(thrown);
  const facts = { cause: thrown };
  if (/too (large|many)|max \d+/i.test(reason)) {
    return new KvError(
      "tooLarge",
      `cannot ${action} ${path}: ${reason}; split it (1,000 changes, 819,200 B a commit; 64 KiB a value; 2 KiB a key)`,
      facts,
    );
  }
  if (/database is locked/i.test(reason)) {
    return new KvError(
      "locked",
      `cannot ${action} ${path}: another process uses the file; stop it first`,
      { ...facts, retryable: true },
    );
  }
  if (thrown instanceof Error && thrown.name === "BadResource") return closedError(action, path);
  const definite = thrown instanceof TypeError;
  return new KvError(
    "io",
    `cannot ${action} ${path}: ${reason}; check the path and the disk`,
    { ...facts, definite, retryable: !definite },
  );
}

function closedError(action: string, path: string): KvError {
  return new KvError("closed", `cannot ${action} ${path}: the store is closed; open it again`);
}

class RealStore implements KvStore {
  readonly #kv: Deno.Kv;
  readonly #path: string;
  readonly #lock: DiskLock | null;
  #closed = false;

  constructor(kv: Deno.Kv, path: string, lock: DiskLock | null) {
    this.#kv = kv;
    this.#path = path;
    this.#lock = lock;
  }

  async get(key: KvKey): Promise<KvEntry | null> {
    this.#assertOpen("read from");
    try {
      const entry = await this.#kv.get<KvValue>([...key]);
      if (entry.versionstamp === null) return null;
      return { key, value: entry.value, version: entry.versionstamp };
    } catch (thrown) {
      throw kvError("read from", this.#path, thrown);
    }
  }

  async commit(
    mutations: readonly KvMutation[],
    checks: readonly KvCheck[] = [],
  ): Promise<string | null> {
    this.#assertOpen("commit to");
    try {
      const atomic = this.#kv.atomic();
      for (const check of checks) {
        atomic.check({ key: [...check.key], versionstamp: check.version });
      }
      for (const mutation of mutations) {
        if (mutation.type === "set") atomic.set([...mutation.key], mutation.value);
        else atomic.delete([...mutation.key]);
      }
      const result = await atomic.commit();
      return result.ok ? result.versionstamp : null;
    } catch (thrown) {
      throw kvError("commit to", this.#path, thrown);
    }
  }

  async *list(range: KvRange): AsyncIterable<KvEntry> {
    this.#assertOpen("list");
    const prefix = [...range.prefix];
    const selector = range.start === undefined ? { prefix } : { prefix, start: [...range.start] };
    const options: Deno.KvListOptions = {
      batchSize: Math.min(range.limit ?? LIMITS.kvListBatch, LIMITS.kvListBatch),
      reverse: range.reverse ?? false,
    };
    if (range.limit !== undefined) options.limit = range.limit;
    if (range.limit === 0) return;
    try {
      for await (const entry of this.#kv.list<KvValue>(selector, options)) {
        yield {
          key: entry.key as KvKey,
          value: entry.value,
          version: entry.versionstamp,
        };
      }
    } catch (thrown) {
      throw kvError("list", this.#path, thrown);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#kv.close();
    await this.#lock?.release();
  }

  #assertOpen(action: string): void {
    if (this.#closed) throw closedError(action, this.#path);
  }
}

async function openStore(disk: Disk, path: string): Promise<KvStore> {
  const lock = path === ":memory:" ? null : await lockOf(disk, path);
  try {
    return new RealStore(await Deno.openKv(path), path, lock);
  } catch (thrown) {
    await lock?.release();
    throw kvError("open", path, thrown);
  }
}

async function lockOf(disk: Disk, path: string): Promise<DiskLock> {
  let lock: DiskLock | null;
  try {
    lock = await disk.tryLock(`${path}.lock`);
  } catch (thrown) {
    throw kvError("open", path, thrown);
  }
  if (lock !== null) return lock;
  throw new KvError(
    "locked",
    `cannot open ${path}: another process has it open (${path}.lock); stop that one first`,
  );
}

/** Key-value files of this machine; `:memory:` is a private one without a file. */
export function realKv(disk: Disk): KvPort {
  return { open: (path) => openStore(disk, path) };
}
