/**
 * Clients that write and read at random and record what they were told, in the format of
 * `tests/linearizability`. Some wishes are asked under an Idempotency-Key until somebody knows what became
 * of them: such a wish is one operation, however often it was sent.
 */

import type { HistoryLine, HistoryResult } from "../../linearizability/history.ts";
import type { Reply, StoreClient, Wish } from "./store_client.ts";
import { pause } from "./cluster.ts";

/** How clients behave. */
export interface ClientsOptions {
  readonly count: number;
  readonly members: number;
  /** Stands before every key, so that runs on one store do not meet. */
  readonly prefix: string;
  readonly connect: () => StoreClient;
  /** Until a question is given up; its outcome is unknown then. */
  readonly withinMs?: number;
  /** Pause between operations, at most. */
  readonly pauseMs?: number;
  readonly seed?: number;
}

const KEYS = 5;
/** Operations until other keys are used: histories of a key stay short, and can be judged. */
const OPERATIONS_PER_KEYS = 300;
const APPENDS_PER_LIST = 60;
/** Until a wish that is repeated is given up. */
const REPEAT_MS = 15_000;
const REPEAT_PAUSE_MS = 50;

/** See the head of this file. */
export class Clients {
  readonly history: HistoryLine[] = [];
  readonly #options: Required<ClientsOptions>;
  readonly #store: StoreClient[];
  readonly #running: Promise<void>[];
  readonly #versions = new Map<string, number>();
  #random: number;
  #begun = 0;
  #appends = 0;
  #ids = 0;
  #isStopping = false;
  #isAbandoned = false;

  constructor(options: ClientsOptions) {
    this.#options = { withinMs: 1_500, pauseMs: 20, seed: 1, ...options };
    this.#random = this.#options.seed;
    this.#store = Array.from({ length: options.count }, () => options.connect());
    this.#running = this.#store.map((store, index) => this.#run(store, index));
  }

  /** How many operations are known to be done. */
  get done(): number {
    return this.history.filter(({ outcome }) => outcome === "ok").length;
  }

  /** Writes that are known to be done, among those that began at `sinceMs` or later. */
  writesDone(sinceMs: number): number {
    return this.history.filter(({ op, outcome, callMs = 0, result }) =>
      op !== "get" && outcome === "ok" && callMs >= sinceMs && result?.applied !== false
    ).length;
  }

  /** Ends the loops, then reads what is there. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    try {
      await Promise.all(this.#running);
      const [store] = this.#store;
      for (const key of new Set(this.history.map(({ key }) => key))) {
        await this.#readUntilKnown(store!, key);
      }
    } finally {
      for (const store of this.#store) store.close();
    }
  }

  /** Ends the loops without a last read; for when the test has failed already. */
  async abandon(): Promise<void> {
    this.#isStopping = true;
    this.#isAbandoned = true;
    await Promise.allSettled(this.#running);
    for (const store of this.#store) store.close();
  }

  async #run(store: StoreClient, index: number): Promise<void> {
    const client = `c${index}`;
    while (!this.#isStopping) {
      const member = this.#below(4) === 0 ? this.#below(this.#options.members) : index %
        this.#options.members;
      if (this.#below(5) === 0) await this.#append(store, client, member);
      else await this.#one(store, client, member);
      await pause(this.#below(this.#options.pauseMs + 1));
    }
  }

  /** A get, put, delete or compare-and-set. */
  async #one(store: StoreClient, client: string, member: number): Promise<void> {
    const key = this.#key();
    const wish = this.#wish(key, client);
    const callMs = performance.now();
    const reply = wish.op === "get" || wish.idempotencyKey === undefined
      ? await store.ask(wish, member, this.#options.withinMs)
      : await this.#repeat(store, wish, member);
    if (reply.outcome === "ok") this.#versions.set(key, reply.result.version ?? 0);
    this.#record(client, wish, callMs, reply);
  }

  /** Asks the same until the answer is definite. */
  async #repeat(store: StoreClient, wish: Wish, member: number): Promise<Reply> {
    const untilMs = performance.now() + REPEAT_MS;
    let isUnsure = false;
    for (let next = member;; next = (next + 1) % this.#options.members) {
      const reply = await store.ask(wish, next, this.#options.withinMs);
      if (reply.outcome === "ok") return reply;
      // A definite no is one about this question, not about those before it.
      isUnsure ||= reply.outcome === "unknown";
      if (!isUnsure || this.#isAbandoned || performance.now() > untilMs) {
        return { outcome: isUnsure ? "unknown" : "failed", why: reply.why };
      }
      await pause(REPEAT_PAUSE_MS);
    }
  }

  /** Reads a list, and puts it back with one value more if nobody was faster; until that was done. */
  async #append(store: StoreClient, client: string, member: number): Promise<void> {
    this.#appends += 1;
    const list = Math.floor(this.#appends / APPENDS_PER_LIST);
    const key = `${this.#options.prefix}list-${list}`;
    const value = this.#nextId(client);
    const callMs = performance.now();
    for (;;) {
      const seen = await this.#read(store, client, key, member);
      if (seen === null) return; // nothing was asked
      const items = [...(seen.value ?? []) as string[], value];
      const wish: Wish = {
        op: "cas",
        key,
        value: JSON.stringify(items),
        expectVersion: seen.version ?? 0,
        idempotencyKey: this.#nextId(client),
      };
      const reply = await this.#repeat(store, wish, member);
      const isTooLate = reply.outcome === "ok" && reply.result.applied === false;
      if (isTooLate && !this.#isAbandoned) continue;
      if (isTooLate) return;
      const result = reply.outcome === "ok" && reply.result.version !== undefined
        ? { version: reply.result.version }
        : {};
      return this.#write(client, callMs, {
        op: "append",
        key,
        value,
        outcome: reply.outcome,
        result: reply.outcome === "ok" ? result : null,
      });
    }
  }

  async #read(
    store: StoreClient,
    client: string,
    key: string,
    member: number,
  ): Promise<HistoryResult | null> {
    const callMs = performance.now();
    const reply = await store.ask({ op: "get", key }, member, this.#options.withinMs);
    this.#record(client, { op: "get", key }, callMs, reply);
    const last = this.history.at(-1)!;
    return reply.outcome === "ok" ? last.result : null;
  }

  async #readUntilKnown(store: StoreClient, key: string): Promise<void> {
    const untilMs = performance.now() + REPEAT_MS;
    for (let tries = 0;; tries += 1) {
      if (await this.#read(store, "last", key, tries % this.#options.members) !== null) return;
      if (this.#isAbandoned || performance.now() > untilMs) {
        throw new Error(`nobody answers what ${key} is`);
      }
      await pause(REPEAT_PAUSE_MS);
    }
  }

  #wish(key: string, client: string): Wish {
    const choice = this.#below(10);
    if (choice < 4) return { op: "get", key };
    const once = this.#below(2) === 0 ? {} : { idempotencyKey: this.#nextId(client) };
    if (choice < 7) return { op: "put", key, value: this.#nextId(client), ...once };
    if (choice < 8) return { op: "delete", key, value: null, ...once };
    const value = this.#nextId(client);
    return { op: "cas", key, value, expectVersion: this.#versions.get(key) ?? 0, ...once };
  }

  #key(): string {
    this.#begun += 1;
    const group = Math.floor(this.#begun / OPERATIONS_PER_KEYS);
    return `${this.#options.prefix}${group}-${this.#below(KEYS)}`;
  }

  #record(client: string, wish: Wish, callMs: number, reply: Reply): void {
    const { op, key, value, expectVersion } = wish;
    const isList = key.startsWith(`${this.#options.prefix}list-`);
    const result = reply.outcome !== "ok"
      ? null
      : isList && typeof reply.result.value === "string"
      ? { ...reply.result, value: JSON.parse(reply.result.value) }
      : reply.result;
    // A read that was not answered has done nothing.
    const outcome = op === "get" && reply.outcome === "unknown" ? "failed" : reply.outcome;
    this.#write(client, callMs, {
      op,
      key,
      outcome,
      result,
      ...(op === "put" || op === "cas" ? { value: value ?? null } : {}),
      ...(op === "cas" ? { expect: { version: expectVersion! } } : {}),
    });
  }

  #write(
    client: string,
    callMs: number,
    line: Pick<HistoryLine, "op" | "key" | "value" | "expect" | "outcome" | "result">,
  ): void {
    this.#ids += 1;
    const returnMs = line.outcome === "ok" ? performance.now() : null;
    this.history.push({ client, id: this.#ids, ...line, callMs, returnMs });
  }

  #nextId(client: string): string {
    this.#ids += 1;
    return `${this.#options.prefix}${client}-${this.#ids}`;
  }

  /** A whole number below `bound`; the same for the same seed (mulberry32). */
  #below(bound: number): number {
    this.#random = (this.#random + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#random ^ (this.#random >>> 15), 1 | this.#random);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  }
}
