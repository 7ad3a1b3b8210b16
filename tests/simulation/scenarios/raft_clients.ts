/** Clients on every member: they write, read, compare and append, and write down what they saw. */

import type { Outcome } from "../../../examples/13_kv/store.ts";
import type { ClientSession } from "../../../runtime/raft/client_session.ts";
import { RaftError } from "../../../runtime/raft/errors.ts";
import type { Group } from "../../../runtime/raft/group.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { type LedgerCommand, type LedgerState, listOf } from "./raft_ledger.ts";
import type { RaftLife, RaftMesh } from "./raft_mesh.ts";
import { LIST, type Recorder } from "./raft_record.ts";
import { pick } from "./remote_mesh.ts";

export type LedgerLife = RaftLife<LedgerState, LedgerCommand, Outcome>;
export type LedgerMesh = RaftMesh<LedgerState, LedgerCommand, Outcome>;
export type LedgerGroup = Group<LedgerState, LedgerCommand, Outcome>;

/** Rare states that clients mark. */
export const CLIENT_STATES = [
  "a command's outcome is unknown",
  "a session goes on after a change of leaders",
  "a command is asked for again by another member",
  "a compare-and-set loses",
  "a stale read is behind",
  "a command reaches every voter",
  "a session expires",
] as const;

/** What clients do. */
export interface ClientsOptions {
  readonly sim: Simulation;
  readonly record: Recorder;
  readonly mesh: () => LedgerMesh;
  /** By the leader's lease, where it is allowed. */
  readonly readsByClock?: boolean;
  /** Keys of their own are forgotten before a client has done asking: they promise nothing then. */
  readonly forgetsKeys?: boolean;
  readonly gapMs?: number;
  /** How long values are at least. */
  readonly padBytes?: number;
}

const KEYS = ["k0", "k1", "k2", "k3"];
const LISTS = [`${LIST}0`, `${LIST}1`];
const WITHIN_MS = [300, 1_500, 5_000];
/** Tries of a command with a key of its own, each by another member. */
const TRIES = 3;

/** See the head of this file. */
export class Clients {
  readonly #options: ClientsOptions;
  readonly #open = new Map<LedgerLife, number>();
  #numbers = 0;

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  /** Nobody who lives waits for an answer any more. */
  get isQuiet(): boolean {
    return [...this.#open].every(([{ env }, count]) => !env.alive || count === 0);
  }

  /** Begins the clients of one life. */
  start(life: LedgerLife): void {
    const { sim } = this.#options;
    this.#open.set(life, 0);
    for (const number of [1, 2]) {
      const client = new Client(this.#options, life, number, () => ++this.#numbers);
      const work = async (): Promise<void> => {
        this.#open.set(life, this.#open.get(life)! + 1);
        await client.one();
        this.#open.set(life, this.#open.get(life)! - 1);
      };
      void client.go(work, () => sim.isOver);
    }
  }
}

/** Reads a key and writes down what it saw; RaftError where it was refused. */
export async function recordGet(
  record: Recorder,
  client: string,
  key: string,
  read: (select: (state: LedgerState) => Seen) => Promise<Seen>,
): Promise<void> {
  const open = record.call(client, { op: "get", key });
  try {
    const seen = await read((state) => seenIn(state, key));
    open.ok(seen);
  } catch (error) {
    open.failed(error);
    throw error;
  }
}

/** What a read of a key shows. */
export interface Seen {
  readonly value: string | string[] | null;
  readonly version: number;
}

function seenIn(state: LedgerState, key: string): Seen {
  const item = state.store.items.get(key);
  if (key.startsWith(LIST)) return { value: listOf(state, key), version: item?.version ?? 0 };
  return { value: item?.value ?? null, version: item?.version ?? 0 };
}

class Client {
  readonly #options: ClientsOptions;
  readonly #life: LedgerLife;
  readonly #name: string;
  readonly #random: SeededRandom;
  #session: ClientSession<LedgerCommand, Outcome>;
  readonly #unique: () => number;
  /** The index of the last stale read: a member never goes back. */
  #staleIndex = 0;

  constructor(options: ClientsOptions, life: LedgerLife, number: number, unique: () => number) {
    this.#options = options;
    this.#life = life;
    this.#name = `${life.life}/${number}`;
    this.#unique = unique;
    this.#random = options.sim.random(`client ${this.#name}`);
    this.#session = life.group!.session(this.#name);
  }

  get #group(): LedgerGroup {
    return this.#life.group!;
  }

  async go(work: () => Promise<void>, isOver: () => boolean): Promise<void> {
    const { gapMs = 250 } = this.#options;
    const { timers } = this.#life.env;
    while (!isOver()) {
      await new Promise<void>((resolve) => {
        timers.after(this.#random.next() * 2 * gapMs, resolve);
      });
      if (isOver()) return;
      this.#mark("a disk is full", this.#group.status().isDiskFull);
      // Some overlap with the next one.
      const deed = work();
      if (this.#random.chance(0.7)) await deed;
    }
  }

  one(): Promise<unknown> {
    const key = pick(this.#random, KEYS);
    const dice = this.#random.next();
    if (dice < 0.25) return this.#get(key);
    if (dice < 0.35) return this.#stale(key);
    if (dice < 0.55) return this.#put(key);
    if (dice < 0.62) return this.#delete(key);
    if (dice < 0.77) return this.#compareAndSet(key);
    if (dice < 0.8) return this.#lossy();
    if (dice < 0.84) return this.#get(pick(this.#random, LISTS));
    if (dice < 0.93 || this.#options.forgetsKeys) return this.#append();
    return this.#appendOnce();
  }

  #withinMs(): number {
    return pick(this.#random, WITHIN_MS);
  }

  async #get(key: string): Promise<void> {
    const { record, readsByClock, mesh } = this.#options;
    const byClock = readsByClock === true && this.#random.chance(0.8);
    const consistency = byClock ? "clock" : "linearizable";
    const read = (select: (state: LedgerState) => Seen) =>
      this.#group.read(select, { consistency, withinMs: this.#withinMs() });
    try {
      await recordGet(record, this.#name, key, read);
      mesh().mark("a read by clock", byClock);
    } catch (error) {
      this.#expected(error);
    }
  }

  async #stale(key: string): Promise<Seen> {
    const { sim, mesh } = this.#options;
    const read = (state: LedgerState, at: { readonly index: number }) => ({
      ...seenIn(state, key),
      index: at.index,
    });
    const seen = await this.#group.read(read, { consistency: "stale" });
    const { index, version } = seen;
    sim.check("state never goes back", index >= this.#staleIndex, `${this.#name}: ${index}`);
    sim.check("nobody sees the future", version <= index, `${key} v${version} at ${index}`);
    this.#staleIndex = index;
    const leader = mesh().leader();
    mesh().mark("a stale read is behind", leader !== null && index < leader.group!.status().commit);
    return seen;
  }

  async #put(key: string): Promise<void> {
    const value = `${this.#name} ${this.#unique()}`.padEnd(this.#options.padBytes ?? 0);
    const open = this.#options.record.call(this.#name, { op: "put", key, value });
    const durability = this.#random.chance(0.1) ? "all" : "quorum";
    const deed = this.#group.propose({ do: "put", key, value }, {
      durability,
      withinMs: this.#withinMs(),
    });
    await this.#settled(open, deed, ({ version }) => ({ version }));
    if (durability === "all") {
      await deed.then(
        (done) => this.#mark("a command reaches every voter", done.durability === "all"),
        () => {},
      );
    }
  }

  #delete(key: string): Promise<void> {
    const open = this.#options.record.call(this.#name, { op: "delete", key });
    const deed = this.#group.propose({ do: "delete", key }, { withinMs: this.#withinMs() });
    return this.#settled(open, deed, () => ({}));
  }

  async #compareAndSet(key: string): Promise<void> {
    const { version } = await this.#stale(key);
    const value = `${this.#name} ${this.#unique()}`;
    const asked = { op: "cas" as const, key, value, expect: { version } };
    const open = this.#options.record.call(this.#name, asked);
    const command = { do: "put" as const, key, value, ifVersion: version };
    const deed = this.#session.propose(command, { withinMs: this.#withinMs() });
    await this.#settled(open, deed, (outcome) => {
      this.#mark("a compare-and-set loses", !outcome.done);
      return { applied: outcome.done, version: outcome.version };
    });
  }

  async #append(): Promise<void> {
    const key = pick(this.#random, LISTS);
    const value = `${this.#name} ${this.#unique()}`;
    const open = this.#options.record.call(this.#name, { op: "append", key, value });
    const { mesh } = this.#options;
    const before = mesh().leaderCount;
    const withinMs = this.#withinMs();
    await this.#settled(
      open,
      this.#session.propose({ do: "append", key, value }, { withinMs }),
      ({ version }) => {
        mesh().mark("a session goes on after a change of leaders", mesh().leaderCount > before);
        return { version };
      },
    );
  }

  /** With a key of its own: whoever does not know the outcome asks again, anywhere. */
  async #appendOnce(): Promise<void> {
    const { record, mesh } = this.#options;
    const key = pick(this.#random, LISTS);
    const value = `${this.#name} ${this.#unique()}`;
    const command = { do: "append", key, value } as const;
    const open = record.call(this.#name, { op: "append", key, value });
    for (let left = TRIES; left > 0; left -= 1) {
      const living = mesh().living;
      const asked = left === TRIES ? this.#life : pick(this.#random, living);
      mesh().mark("a command is asked for again by another member", asked !== this.#life);
      const withinMs = this.#withinMs();
      try {
        const once = (group: LedgerGroup) => group.proposeOnce(value, command, { withinMs });
        const { result } = await this.#heard(2 * withinMs, mesh().ask(asked, once));
        return open.ok({ version: result.version });
      } catch (error) {
        this.#expected(error);
        // A later refusal says nothing about the first try.
        if ((error as RaftError).definite) return left === TRIES ? open.failed(error) : undefined;
      }
      if (mesh().living.length === 0) return;
    }
  }

  /** Whoever asks another process hears nothing when that ends. */
  async #heard<T>(withinMs: number, answer: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = this.#life.env.timers.after(withinMs, () => {
      reject(new RaftError("UnknownOutcome", "planned: nothing heard", { definite: false }));
    });
    try {
      return await Promise.race([answer, promise]);
    } finally {
      timer.cancel();
    }
  }

  /** Nobody promises anything about it. */
  async #lossy(): Promise<void> {
    const command = { do: "put", key: "lossy", value: this.#name } as const;
    await this.#group.proposeLossy(command, { withinMs: this.#withinMs() })
      .catch((error) => this.#expected(error));
  }

  async #settled<T extends { readonly result: Outcome }>(
    open: ReturnType<Recorder["call"]>,
    deed: Promise<T>,
    answer: (outcome: Outcome) => Parameters<typeof open["ok"]>[0],
  ): Promise<void> {
    try {
      open.ok(answer((await deed).result));
    } catch (error) {
      this.#expected(error);
      this.#mark("a command's outcome is unknown", !(error as RaftError).definite);
      open.failed(error);
    }
  }

  /** Whatever is thrown is an error of the group. */
  #expected(error: unknown): void {
    if (!(error instanceof RaftError)) throw error;
    if (error.code !== "SessionExpired") return;
    this.#mark("a session expires", true);
    this.#session = this.#group.session(`${this.#name} ${this.#unique()}`);
  }

  #mark(name: string, isReached: boolean): void {
    this.#options.mesh().mark(name, isReached);
  }
}
