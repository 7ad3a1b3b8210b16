/** What of a simulated computer outlives its processes: file system, key-value files, faults. */

import { assert } from "../base/assert.ts";
import type { LogLevel } from "../env/env.ts";
import { limitValues } from "../base/limits.ts";
import type { Incarnation, Processor } from "./incarnation.ts";
import { FileInode } from "./inode.ts";
import type { SimKvFile } from "./kv.ts";
import { SIM_LIMITS } from "./limits.ts";
import type { SeededRandom } from "./random.ts";
import { SymlinkInode, Tree } from "./tree.ts";
import { MachineClocks } from "./clock.ts";
import type { World } from "./world.ts";

const LIMITS = limitValues(SIM_LIMITS);
/** What handling one event costs: so much that a flood of frames takes time. */
export const USUAL_TURN_MS = 0.01;

/** What goes wrong on a machine; rates are probabilities per call and may be changed at any time. */
export interface SimFaults {
  /** A sync fails; the data may be anything afterwards. */
  syncErrorRate: number;
  /** A write fails, perhaps after a part of it. */
  writeErrorRate: number;
  /** A write that a crash cuts happened in part only. */
  crashWriteErrorRate: number;
  /** A read fails. */
  readErrorRate: number;
  /** A read gives one wrong bit; the file itself stays whole. */
  readFlipRate: number;
  /** A power loss may leave a part of a sector. */
  tornWrites: boolean;
  /** After a write the device stores one sector on its own. */
  writeBackRate: number;
  /** Bytes of all files together; what goes beyond fails with `noSpace`. */
  capacityBytes: number;
}

/** A machine without faults, apart from what a power loss does to unsynced data. */
export const NO_FAULTS: SimFaults = {
  syncErrorRate: 0,
  writeErrorRate: 0,
  crashWriteErrorRate: 0.5,
  readErrorRate: 0,
  readFlipRate: 0,
  tornWrites: false,
  writeBackRate: 0.1,
  capacityBytes: Infinity,
};

/** One log record of a simulated process. */
export interface SimLogRecord {
  readonly atMs: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A computer of a world. */
export class SimMachine implements Processor {
  readonly world: World;
  readonly name: string;
  readonly tree = new Tree();
  readonly kvFiles = new Map<string, SimKvFile>();
  readonly locks = new Map<number, Incarnation>();
  readonly faults: SimFaults;
  readonly random: SeededRandom;
  readonly clocks: MachineClocks;
  /** What one turn of a process costs here; more makes the machine slow. */
  turnMs = USUAL_TURN_MS;
  readonly #lives = new Set<Incarnation>();
  readonly #records: SimLogRecord[] = [];

  constructor(world: World, name: string, faults: Partial<SimFaults>) {
    this.world = world;
    this.name = name;
    this.faults = { ...NO_FAULTS, ...faults };
    this.random = world.random.stream(`${name}/machine`);
    this.clocks = new MachineClocks(world);
    world.network.power(name, true);
  }

  /** The machine's wall clock, in whole milliseconds since 1970. */
  wallMs(): number {
    return this.clocks.wallMs();
  }

  /** Log records of all lives, oldest first. */
  get logRecords(): readonly SimLogRecord[] {
    return this.#records;
  }

  record(level: LogLevel, message: string, facts: Readonly<Record<string, unknown>>): void {
    this.#records.push({ atMs: this.world.nowMs, level, message, facts });
    if (this.#records.length > LIMITS.logRecords) this.#records.shift();
  }

  /** A process begins: the machine has power. */
  boot(life: Incarnation): void {
    this.#lives.add(life);
    life.onEnd(() => this.#lives.delete(life));
    this.world.network.power(this.name, true);
  }

  /** The power goes: every process ends, and what was not synced survives in part. */
  losePower(): void {
    this.world.network.power(this.name, false);
    for (const life of [...this.#lives]) life.end("power");
    this.tree.losePower(this.random, this.faults.tornWrites);
  }

  /** Makes a symbolic link, as another program would; durable at once. */
  symlink(target: string, path: string): void {
    const { parent, name, inode } = this.tree.walk(`link ${path}`, path, false);
    assert(parent !== null && inode === undefined, `the name ${path} is free`);
    const link = new SymlinkInode(this.tree.ino(), target, this.wallMs());
    this.tree.change([{ directory: parent, name, inode: link }]);
    this.tree.syncNames(parent, this.tree.mark());
  }

  /** Damages one bit of a file, in the cache and on the device. */
  flipBit(path: string, position: number, bit = 0): void {
    const { inode } = this.tree.walk(`damage ${path}`, path, true);
    assert(inode instanceof FileInode, `${path} is a file`);
    inode.flipBit(position, bit);
  }
}
