/** One member of a simulated cluster: a core, and a driver whose disk, machine and clock are simulated. */

import type { Entry, MemberId, SnapshotMeta } from "../../../../runtime/raft/core/entry.ts";
import type { Input } from "../../../../runtime/raft/core/input.ts";
import type { Message } from "../../../../runtime/raft/core/messages.ts";
import type { RaftOptions } from "../../../../runtime/raft/core/options.ts";
import type { Outputs, SaveChunk, SendChunk } from "../../../../runtime/raft/core/outputs.ts";
import type { SeededRandom } from "../../../../runtime/sim/random.ts";
import type { MemberClock } from "./clock.ts";
import type { CoreFactory, CoreUnderTest } from "./core_factory.ts";
import { Disk } from "./disk.ts";
import type { Invariants } from "./invariants.ts";
import { ChainMachine, fileOf, type HeldSnapshot } from "./machine.ts";
import type { Pace } from "./pace.ts";
import type { Trace } from "./trace.ts";
import { holds } from "./violation.ts";

const NO_BYTES = new Uint8Array();
const REPLACED = "snapshot refused or replaced on the way";

/** Where a member lives. */
export interface MemberWorld {
  readonly nowMs: number;
  readonly pace: Pace;
  readonly random: SeededRandom;
  readonly invariants: Invariants;
  readonly trace: Trace;
  readonly factory: CoreFactory;
  /** Calls `run` after `delayMs` unless `member` has crashed since; later if it pauses. */
  plan(member: Member, delayMs: number, run: () => void): void;
  post(member: Member, message: Message): void;
  counted(): void;
}

/** What the machine is to do, in order. */
type MachineWork =
  | { readonly restore: HeldSnapshot }
  | { readonly restore: null; readonly entries: readonly Entry[] };

/** A member that runs, is paused, or is down. */
export class Member {
  readonly id: MemberId;
  readonly isWitness: boolean;
  readonly clock: MemberClock;
  readonly disk: Disk;
  core: CoreUnderTest | null = null;
  machine: ChainMachine;
  incarnation = 0;
  /** Nothing happens to it before this time. */
  pausedUntilMs = 0;
  readonly #world: MemberWorld;
  readonly #options: RaftOptions;
  #work: MachineWork[] = [];
  #isMachineBusy = false;
  #isSnapshotting = false;
  #persistedAtMs = 0;
  #savedAtMs = 0;

  constructor(
    world: MemberWorld,
    options: RaftOptions,
    initial: SnapshotMeta,
    isWitness: boolean,
    clock: MemberClock,
  ) {
    this.id = options.id;
    this.isWitness = isWitness;
    this.clock = clock;
    this.disk = new Disk(initial);
    this.machine = new ChainMachine(initial, null);
    this.#world = world;
    this.#options = options;
  }

  get isUp(): boolean {
    return this.core !== null;
  }

  get isPaused(): boolean {
    return this.pausedUntilMs > this.#world.nowMs;
  }

  start(): void {
    const world = this.#world;
    this.incarnation += 1;
    const restored = this.disk.restored();
    this.machine = new ChainMachine(restored.snapshot, this.disk.newest?.bytes ?? null);
    this.#work = [];
    this.#isMachineBusy = this.#isSnapshotting = false;
    this.#persistedAtMs = this.#savedAtMs = 0;
    world.trace.note(
      world.nowMs,
      `${this.id} starts from snapshot ${restored.snapshot.index}, ` +
        `log ${this.disk.log.base + 1}..${this.disk.log.lastIndex}, ` +
        `hard state ${JSON.stringify(restored.hardState)}`,
    );
    this.core = world.factory(this.#options, restored, this.#moment());
    world.invariants.started(this, restored);
    this.#tickLater();
  }

  /** True if a write was torn. */
  crash(): boolean {
    this.core = null;
    this.pausedUntilMs = 0;
    this.#world.trace.note(this.#world.nowMs, `${this.id} crashes`);
    this.#world.invariants.crashed(this);
    return this.disk.crash(this.#world.random);
  }

  /** One step of the core, checked and carried out. */
  step(input: Input): Outputs | null {
    const { core } = this;
    if (core === null) return null;
    const world = this.#world;
    world.counted();
    let outputs: Outputs | null = null;
    try {
      outputs = core.step(input, this.#moment());
    } finally {
      const { role, term, commit } = core;
      world.trace.step({ atMs: world.nowMs, id: this.id, input, role, term, commit, outputs });
    }
    world.invariants.stepped(this, input, outputs);
    this.#carryOut(outputs);
    return outputs;
  }

  /** Takes a snapshot of the machine's state (a witness: of nothing); it is durable later. */
  takeSnapshot(): void {
    const world = this.#world;
    const held = this.#isSnapshotting ? null : this.#captured();
    if (held === null || held.snapshot.index <= (this.disk.newest?.snapshot.index ?? 0)) return;
    this.#isSnapshotting = true;
    world.plan(this, world.pace.snapshotMs(), () => {
      this.#isSnapshotting = false;
      this.disk.keep(held);
      this.step({ type: "snapshotTaken", snapshot: held.snapshot, file: held.file });
    });
  }

  #captured(): HeldSnapshot | null {
    const { core, machine } = this;
    if (core === null) return null;
    if (this.isWitness) {
      const snapshot = core.metaAt(core.applied);
      if (snapshot !== null) this.#world.invariants.committed.checkSnapshot(this.id, snapshot);
      return snapshot === null ? null : { snapshot, file: fileOf(NO_BYTES), bytes: NO_BYTES };
    }
    const snapshot = core.metaAt(machine.index);
    if (snapshot !== null) this.#world.invariants.committed.checkSnapshot(this.id, snapshot);
    return machine.capture(this.#world.random.integer(0, 30));
  }

  #moment() {
    const { nowMs, random, pace } = this.#world;
    return this.clock.moment(nowMs, pace.chance(random.next()));
  }

  #tickLater(): void {
    this.#world.plan(this, this.#world.pace.tickMs(), () => {
      this.step({ type: "tick" });
      this.#tickLater();
    });
  }

  #carryOut(outputs: Outputs): void {
    if (outputs.persist.length > 0) this.#persist(outputs);
    for (const message of outputs.send) this.#world.post(this, message);
    if (outputs.restore !== null) this.#work.push({ restore: this.#opened(outputs.restore) });
    if (outputs.apply.length > 0) this.#work.push({ restore: null, entries: outputs.apply });
    if (!this.#isMachineBusy) this.#workLater();
    for (const order of outputs.sendChunks) this.#sendChunk(order);
    if (outputs.saveChunk !== null) this.#saveChunk(outputs.saveChunk);
    if (outputs.compact !== null) this.#compactLater(outputs.compact);
  }

  #persist(outputs: Outputs): void {
    const world = this.#world;
    for (const order of outputs.persist) this.disk.write(order);
    const { number } = outputs.persist[outputs.persist.length - 1]!;
    this.#persistedAtMs = Math.max(this.#persistedAtMs, world.nowMs + world.pace.persistMs());
    world.plan(this, this.#persistedAtMs - world.nowMs, () => {
      this.disk.completeThrough(number);
      this.step({ type: "persisted", number });
    });
  }

  #workLater(): void {
    if (this.#work.length === 0) return;
    this.#isMachineBusy = true;
    this.#world.plan(this, this.#world.pace.machineMs(), () => {
      this.#isMachineBusy = false;
      const work = this.#work.shift()!;
      const { restore } = work;
      if (restore !== null) this.machine = new ChainMachine(restore.snapshot, restore.bytes);
      else for (const entry of work.entries) this.machine.apply(entry);
      this.#world.invariants.applied(this);
      this.step({ type: "applied", index: this.machine.index });
      if (!this.#isMachineBusy) this.#workLater();
    });
  }

  /** A file that waits to be restored is open: newer ones do not take it away. */
  #opened({ index }: SnapshotMeta): HeldSnapshot {
    const held = this.disk.snapshots.find(({ snapshot }) => snapshot.index === index);
    holds(held !== undefined, "order of outputs", () => {
      return `${this.id} shall restore the snapshot at ${index}, which is not on its disk`;
    });
    return held;
  }

  #sendChunk({ to, term, session, snapshot, file, offset }: SendChunk): void {
    const world = this.#world;
    const held = this.disk.find(snapshot, file);
    if (held === undefined) {
      world.invariants.sometimes.saw(REPLACED);
      world.plan(this, world.pace.chunkMs(), () => {
        this.step({ type: "chunkNotSent", to, index: snapshot.index });
      });
      return;
    }
    const bytes = offset === null
      ? NO_BYTES
      : held.bytes.slice(offset, offset + world.pace.chunkBytes);
    const head = { type: "snapshotChunk", from: this.id, to, term, session } as const;
    world.post(this, { ...head, snapshot, file, offset: offset ?? 0, bytes });
  }

  #saveChunk(chunk: SaveChunk): void {
    const world = this.#world;
    this.#savedAtMs = Math.max(this.#savedAtMs, world.nowMs + world.pace.chunkMs());
    world.plan(this, this.#savedAtMs - world.nowMs, () => {
      const { replaced } = this.disk;
      const { nextOffset, complete } = this.disk.receive(chunk);
      if (this.disk.replaced > replaced) world.invariants.sometimes.saw(REPLACED);
      this.step({ type: "chunkSaved", index: chunk.snapshot.index, nextOffset, complete });
    });
  }

  #compactLater(index: number): void {
    this.#world.plan(this, this.#world.pace.snapshotMs(), () => this.disk.compact(index));
  }
}
