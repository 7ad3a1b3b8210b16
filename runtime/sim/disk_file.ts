/** An open file of a simulated disk. */

import type { DiskFile, FileInfo } from "../env/env.ts";
import type { DelayMs, Incarnation } from "./incarnation.ts";
import { FileInode } from "./inode.ts";
import type { SimMachine } from "./machine.ts";
import { failure, infoOf, type Inode } from "./tree.ts";

const QUICK_MS: DelayMs = { low: 0.005, high: 0.1 };
const WRITE_MS: DelayMs = { low: 0.01, high: 0.5 };
const SYNC_MS: DelayMs = { low: 0.2, high: 5 };

/** A handle; its effects happen when its calls complete, so calls that overlap have no order. */
export class SimFile implements DiskFile {
  readonly #machine: SimMachine;
  readonly #incarnation: Incarnation;
  readonly #inode: Inode;
  readonly #path: string;
  #closed = false;

  constructor(machine: SimMachine, incarnation: Incarnation, inode: Inode, path: string) {
    this.#machine = machine;
    this.#incarnation = incarnation;
    this.#inode = inode;
    this.#path = path;
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#call("read", QUICK_MS, (inode) => {
      const { faults, random } = this.#machine;
      if (random.chance(faults.readErrorRate)) {
        throw failure(`read ${this.#path}`, "io", "the device reported an error");
      }
      const count = inode.read(into, position);
      if (count > 0 && random.chance(faults.readFlipRate)) {
        into[random.integer(0, count - 1)]! ^= 1 << random.integer(0, 7);
      }
      return count;
    });
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    const kept = bytes.slice();
    return this.#call(
      `write ${position}+${kept.length}`,
      WRITE_MS,
      (inode) => this.#write(inode, kept, position),
      (inode, random) => {
        const isPartial = random.chance(this.#machine.faults.crashWriteErrorRate);
        const part = isPartial ? kept.subarray(0, random.integer(0, kept.length)) : kept;
        inode.write(part, position, this.#machine.wallMs());
      },
    );
  }

  stat(): Promise<FileInfo> {
    return this.#call("stat", QUICK_MS, () => infoOf(this.#inode));
  }

  truncate(size: number): Promise<void> {
    const truncate = (inode: FileInode) => inode.truncate(size, this.#machine.wallMs());
    return this.#call("truncate", QUICK_MS, truncate, truncate);
  }

  syncData(): Promise<void> {
    return this.#sync(false);
  }

  sync(): Promise<void> {
    return this.#sync(true);
  }

  setMode(mode: number): Promise<void> {
    return this.#call("setMode", QUICK_MS, (inode) => {
      inode.metadata = { ...inode.metadata, mode };
    });
  }

  setMtime(mtimeMs: number): Promise<void> {
    return this.#call("setMtime", QUICK_MS, (inode) => {
      inode.metadata = { ...inode.metadata, mtimeMs: Math.floor(mtimeMs) };
    });
  }

  close(): Promise<void> {
    this.#closed = true;
    return this.#incarnation.call(`close ${this.#path}`, QUICK_MS, () => {});
  }

  #write(inode: FileInode, bytes: Uint8Array, position: number): void {
    const { faults, random, tree } = this.#machine;
    const action = `write ${this.#path}`;
    const nowMs = this.#machine.wallMs();
    if (random.chance(faults.writeErrorRate)) {
      inode.write(bytes.subarray(0, random.integer(0, bytes.length)), position, nowMs);
      throw failure(action, "io", "the device reported an error", false);
    }
    if (faults.capacityBytes !== Infinity) {
      const free = faults.capacityBytes - tree.usedBytes();
      const room = Math.max(0, inode.size + free - position);
      if (position + bytes.length > inode.size && bytes.length > room) {
        inode.write(bytes.subarray(0, room), position, nowMs);
        throw failure(action, "noSpace", "the file system is full", false);
      }
    }
    inode.write(bytes, position, nowMs);
    if (random.chance(faults.writeBackRate)) inode.writeBack(random);
  }

  #sync(withMetadata: boolean): Promise<void> {
    const { faults, random } = this.#machine;
    const point = this.#inode instanceof FileInode ? this.#inode.beginSync(withMetadata) : null;
    return this.#call(
      withMetadata ? "sync" : "syncData",
      SYNC_MS,
      (inode) => {
        if (random.chance(faults.syncErrorRate)) {
          inode.failSync(random);
          throw failure(`sync ${this.#path}`, "io", "the device reported an error", false);
        }
        inode.endSync(point!);
      },
      (inode, cutRandom) => {
        if (cutRandom.chance(0.5)) inode.endSync(point!);
      },
    );
  }

  #call<T>(
    verb: string,
    delay: DelayMs,
    effect: (inode: FileInode) => T,
    onCut?: (inode: FileInode, random: SimMachine["random"]) => void,
  ): Promise<T> {
    const action = `${verb} ${this.#path}`;
    if (this.#closed) {
      return Promise.reject(failure(action, "closed", "the file is closed"));
    }
    const inode = this.#inode;
    return this.#incarnation.call(
      `disk.${action}`,
      delay,
      () => {
        if (inode instanceof FileInode) return effect(inode);
        throw failure(action, "isDirectory", "it is a directory");
      },
      (random) => {
        if (inode instanceof FileInode && random.chance(0.5)) onCut?.(inode, random);
      },
    );
  }
}
