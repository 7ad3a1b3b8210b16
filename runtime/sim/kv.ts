/**
 * Key-value files in memory, with Deno KV's order and bounds: a commit is atomic, durable once it
 * resolves, and happened or not when a crash cuts it.
 */

import { limitValues } from "../base/limits.ts";
import type {
  KvCheck,
  KvEntry,
  KvKey,
  KvMutation,
  KvPort,
  KvRange,
  KvStore,
  KvValue,
} from "../env/env.ts";
import { KvError } from "../env/errors.ts";
import type { DelayMs, Incarnation } from "./incarnation.ts";
import { SIM_LIMITS } from "./limits.ts";

const LIMITS = limitValues(SIM_LIMITS);
const READ_MS: DelayMs = { low: 0.02, high: 0.3 };
const COMMIT_MS: DelayMs = { low: 0.3, high: 3 };

/** A key as text that sorts like the key: strings before numbers, shorter before longer. */
export function sortable(key: KvKey): string {
  return key.map((part) => typeof part === "string" ? `2${escaped(part)}` : `3${ordered(part)}`)
    .join("\u0000\u0001") + (key.length === 0 ? "" : "\u0000\u0001");
}

function escaped(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let out = "";
  for (const byte of bytes) out += byte === 0 ? "\u0000\u00ff" : String.fromCharCode(byte);
  return out;
}

/** The bits of a double, flipped so that they sort as the numbers do. */
function ordered(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const sorted = bits >> 63n === 1n ? ~bits & 0xffffffffffffffffn : bits | 0x8000000000000000n;
  return sorted.toString(16).padStart(16, "0");
}

/** What a key-value file holds; it outlives its processes. */
export class SimKvFile {
  readonly entries = new Map<string, KvEntry>();
  holder: Incarnation | null = null;
  #version = 0;
  #sorted: string[] | null = null;

  apply(mutations: readonly KvMutation[], checks: readonly KvCheck[]): string | null {
    for (const check of checks) {
      const version = this.entries.get(sortable(check.key))?.version ?? null;
      if (version !== check.version) return null;
    }
    const version = (++this.#version).toString(16).padStart(20, "0");
    for (const mutation of mutations) {
      const id = sortable(mutation.key);
      if (mutation.type === "delete") this.entries.delete(id);
      else this.entries.set(id, { key: [...mutation.key], value: mutation.value, version });
    }
    this.#sorted = null;
    return version;
  }

  sorted(): readonly string[] {
    return this.#sorted ??= [...this.entries.keys()].sort();
  }
}

function entryCopy(entry: KvEntry): KvEntry {
  return { key: [...entry.key], value: structuredClone(entry.value), version: entry.version };
}

function tooLarge(path: string, what: string): KvError {
  return new KvError("tooLarge", `cannot commit to ${path}: ${what}; split it`);
}

function checkBounds(
  path: string,
  mutations: readonly KvMutation[],
  checks: readonly KvCheck[],
): void {
  if (mutations.length > LIMITS.kvMutations) {
    throw tooLarge(path, `more than ${LIMITS.kvMutations} changes`);
  }
  if (checks.length > LIMITS.kvChecks) {
    throw tooLarge(path, `more than ${LIMITS.kvChecks} conditions`);
  }
  let total = 0;
  for (const mutation of mutations) {
    const keyBytes = sortable(mutation.key).length;
    const valueBytes = mutation.type === "set" ? sizeOf(mutation.value) : 0;
    if (keyBytes > LIMITS.kvKeyBytes) {
      throw tooLarge(path, `a key of more than ${LIMITS.kvKeyBytes} B`);
    }
    if (valueBytes > LIMITS.kvValueBytes) {
      throw tooLarge(path, `a value of more than ${LIMITS.kvValueBytes} B`);
    }
    total += keyBytes + valueBytes;
  }
  if (total > LIMITS.kvCommitBytes) throw tooLarge(path, `more than ${LIMITS.kvCommitBytes} B`);
}

/** About what Deno's serializer makes of a value; exact for the large ones, which are bytes or text. */
function sizeOf(value: KvValue): number {
  if (value instanceof Uint8Array) return value.length;
  if (typeof value === "string") return textBytes(value);
  if (typeof value !== "object" || value === null) return 9;
  let total = 4;
  for (const [name, part] of Object.entries(value)) {
    total += (Array.isArray(value) ? 0 : 2 + textBytes(name)) + 2 + sizeOf(part as KvValue);
  }
  return total;
}

function textBytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

class SimStore implements KvStore {
  readonly #incarnation: Incarnation;
  readonly #file: SimKvFile;
  readonly #path: string;
  #closed = false;

  constructor(incarnation: Incarnation, file: SimKvFile, path: string) {
    this.#incarnation = incarnation;
    this.#file = file;
    this.#path = path;
  }

  async get(key: KvKey): Promise<KvEntry | null> {
    this.#assertOpen("read from");
    const entry = await this.#incarnation.call(
      `kv.get ${this.#path}`,
      READ_MS,
      () => this.#file.entries.get(sortable(key)),
    );
    return entry === undefined ? null : entryCopy(entry);
  }

  async commit(
    mutations: readonly KvMutation[],
    checks: readonly KvCheck[] = [],
  ): Promise<string | null> {
    this.#assertOpen("commit to");
    checkBounds(this.#path, mutations, checks);
    const kept = structuredClone(mutations) as readonly KvMutation[];
    const apply = () => this.#file.apply(kept, checks);
    return await this.#incarnation.call(
      `kv.commit ${this.#path} ${kept.length}`,
      COMMIT_MS,
      apply,
      (random) => {
        if (random.chance(0.5)) apply();
      },
    );
  }

  async *list(range: KvRange): AsyncIterable<KvEntry> {
    this.#assertOpen("list");
    let left = range.limit ?? Infinity;
    let after: string | null = null;
    while (left > 0) {
      const wanted = Math.min(left, LIMITS.kvListPage);
      const page: KvEntry[] = await this.#incarnation.call(
        `kv.list ${this.#path}`,
        READ_MS,
        () => this.#page(range, after, wanted),
      );
      yield* page;
      if (page.length < wanted) return;
      left -= page.length;
      after = sortable(page.at(-1)!.key);
    }
  }

  close(): Promise<void> {
    if (!this.#closed && this.#file.holder === this.#incarnation) this.#file.holder = null;
    this.#closed = true;
    return Promise.resolve();
  }

  #page(range: KvRange, after: string | null, count: number): KvEntry[] {
    const prefix = sortable(range.prefix);
    const start = range.start === undefined ? prefix : sortable(range.start);
    const inRange = this.#file.sorted().filter((id) =>
      id.startsWith(prefix) && id !== prefix && id >= start &&
      (after === null || (range.reverse ? id < after : id > after))
    );
    const page = range.reverse ? inRange.reverse().slice(0, count) : inRange.slice(0, count);
    return page.map((id) => entryCopy(this.#file.entries.get(id)!));
  }

  #assertOpen(action: string): void {
    if (!this.#closed) return;
    throw new KvError(
      "closed",
      `cannot ${action} ${this.#path}: the store is closed; open it again`,
    );
  }
}

/** The key-value files of one machine, as one of its processes sees them. */
export function simKv(incarnation: Incarnation, files: Map<string, SimKvFile>): KvPort {
  return {
    open: (path) =>
      incarnation.call(`kv.open ${path}`, COMMIT_MS, () => {
        const file = path === ":memory:" ? new SimKvFile() : files.get(path) ?? new SimKvFile();
        if (path !== ":memory:") files.set(path, file);
        if (file.holder?.alive) {
          throw new KvError(
            "locked",
            `cannot open ${path}: another process has it open; stop that one first`,
          );
        }
        file.holder = incarnation;
        return new SimStore(incarnation, file, path);
      }),
  };
}
