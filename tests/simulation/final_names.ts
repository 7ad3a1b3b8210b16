/** The oracle of the destination: reads the simulated disk itself, never the records of a run. */

import assert from "node:assert/strict";
import type { SimMachine } from "../../runtime/sim/machine.ts";
import { FileInode } from "../../runtime/sim/inode.ts";

/** One final name and what may be seen there. */
export interface WatchedName {
  readonly path: string;
  /** What stood there before the run, `null` for nothing. */
  readonly before: Uint8Array | null;
  /** What the run is to publish there, `null` if it must leave the name alone. */
  readonly right: Uint8Array | null;
}

interface Sight {
  readonly inode: FileInode | null;
  readonly metadata: unknown;
  readonly power: number;
}

/** Sees every state that a final name goes through. */
export class FinalNames {
  readonly #machine: SimMachine;
  readonly #names: readonly WatchedName[];
  readonly #last = new Map<string, Sight>();
  /** Files that showed the right bytes, by path: more than one means published again. */
  readonly published = new Map<string, Set<FileInode>>();
  /** Power losses so far; names may go back to what was durable. */
  power = 0;

  constructor(machine: SimMachine, names: readonly WatchedName[]) {
    this.#machine = machine;
    this.#names = names;
  }

  /** Throws if some final name shows what it never may. */
  check(): void {
    for (const name of this.#names) this.#checkOne(name);
  }

  #checkOne({ path, before, right }: WatchedName): void {
    const inode = fileAt(this.#machine, path);
    const metadata = inode?.metadata ?? null;
    const last = this.#last.get(path);
    if (
      last !== undefined && last.inode === inode && last.metadata === metadata &&
      last.power === this.power
    ) return;
    this.#last.set(path, { inode, metadata, power: this.power });
    if (inode === null) {
      assert.ok(before === null, `${path} is gone, but a file stood there before`);
      return;
    }
    const bytes = bytesOf(inode);
    if (right !== null && same(bytes, right)) {
      const files = this.published.get(path) ?? new Set();
      this.published.set(path, files.add(inode));
      return;
    }
    assert.ok(
      before !== null && same(bytes, before),
      `${path} shows ${bytes.length} bytes that are neither the old nor the right ones`,
    );
  }
}

/** The regular file at a path of the machine, `null` if there is none. */
export function fileAt(machine: SimMachine, path: string): FileInode | null {
  try {
    const { inode } = machine.tree.walk("look", path, false);
    return inode instanceof FileInode ? inode : null;
  } catch {
    return null;
  }
}

/** All bytes of a file, as a reader sees them. */
export function bytesOf(inode: FileInode): Uint8Array {
  const bytes = new Uint8Array(inode.size);
  inode.read(bytes, 0);
  return bytes;
}

/** Paths of everything below a directory of the machine. */
export function pathsBelow(machine: SimMachine, directory: string): string[] {
  const found: string[] = [];
  try {
    const { inode } = machine.tree.walk("look", directory, true);
    if (inode?.kind !== "directory") return found;
    for (const [name, child] of inode.names) {
      const path = `${directory}/${name}`;
      if (child.kind === "directory") found.push(...pathsBelow(machine, path));
      else found.push(path);
    }
  } catch {
    return found;
  }
  return found.sort();
}

export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
