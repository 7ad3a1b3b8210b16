/** The file system of a simulated machine, as one of its processes sees it. */

import { assert } from "../base/assert.ts";
import type { DirectoryEntry, Disk, DiskLock, FileInfo, OpenOptions } from "../env/env.ts";
import { SimFile } from "./disk_file.ts";
import type { DelayMs, Incarnation } from "./incarnation.ts";
import { FileInode } from "./inode.ts";
import type { SimMachine } from "./machine.ts";
import type { SeededRandom } from "./random.ts";
import { DirectoryInode, failure, infoOf, type Inode, type Place } from "./tree.ts";

const QUICK_MS: DelayMs = { low: 0.005, high: 0.1 };
const SYNC_MS: DelayMs = { low: 0.2, high: 5 };
const ABSENT: ReadonlySet<string> = new Set(["notFound", "notDirectory"]);

class SimDisk implements Disk {
  readonly #machine: SimMachine;
  readonly #incarnation: Incarnation;

  constructor(machine: SimMachine, incarnation: Incarnation) {
    this.#machine = machine;
    this.#incarnation = incarnation;
  }

  open(path: string, options: OpenOptions): Promise<SimFile> {
    const action = `open ${path}`;
    return this.#change(action, () => {
      const inode = this.#opened(action, path, options);
      return new SimFile(this.#machine, this.#incarnation, inode, path);
    });
  }

  stat(path: string): Promise<FileInfo | null> {
    return this.#look(`stat ${path}`, () => this.#info(path, true));
  }

  lstat(path: string): Promise<FileInfo | null> {
    return this.#look(`lstat ${path}`, () => this.#info(path, false));
  }

  realPath(path: string): Promise<string> {
    return this.#look(`resolve ${path}`, () => this.#existing(`resolve ${path}`, path, true).path);
  }

  rename(from: string, to: string): Promise<void> {
    const action = `rename ${from} to ${to}`;
    return this.#change(action, () => this.#rename(action, from, to));
  }

  link(from: string, to: string): Promise<void> {
    const action = `link ${from} to ${to}`;
    return this.#change(action, () => {
      const { inode } = this.#existing(action, from, false);
      if (inode.kind === "directory") throw failure(action, "denied", "it is a directory");
      this.#name(action, this.#free(action, to), inode);
    });
  }

  remove(path: string): Promise<void> {
    const action = `remove ${path}`;
    return this.#change(action, () => {
      const { parent, name, inode } = this.#existing(action, path, false);
      if (parent === null) throw failure(action, "denied", "it is the root");
      if (inode.kind === "directory" && inode.names.size > 0) {
        throw failure(action, "notEmpty", "the directory is not empty");
      }
      this.#machine.tree.change([{ directory: parent, name, inode: null }]);
    });
  }

  makeDirectory(
    path: string,
    options: { recursive?: boolean; mode?: number } = {},
  ): Promise<void> {
    const action = `make the directory ${path}`;
    return this.#change(action, () => {
      if (options.recursive) this.#makeParents(action, path, options.mode);
      else this.#makeOne(action, this.#free(action, path), options.mode);
    });
  }

  readDirectory(path: string): Promise<DirectoryEntry[]> {
    const action = `list ${path}`;
    return this.#look(action, () => {
      const names = [...this.#directory(action, path).names];
      const entries = names.map(([name, inode]): DirectoryEntry => ({ name, kind: inode.kind }));
      return shuffled(entries, this.#machine.random);
    });
  }

  syncDirectory(path: string): Promise<void> {
    const action = `sync the directory ${path}`;
    const marked = this.#machine.tree.mark();
    return this.#incarnation.call(`disk.${action}`, SYNC_MS, () => {
      const { faults, random, tree } = this.#machine;
      const directory = this.#directory(action, path);
      if (random.chance(faults.syncErrorRate)) {
        throw failure(action, "io", "the device reported an error", false);
      }
      tree.syncNames(directory, marked);
    });
  }

  tryLock(path: string): Promise<DiskLock | null> {
    const action = `lock ${path}`;
    return this.#change(action, () => {
      const inode = this.#opened(action, path, { write: true, create: true });
      const { locks } = this.#machine;
      if (locks.get(inode.ino)?.alive) return null;
      locks.set(inode.ino, this.#incarnation);
      let held = true;
      return {
        release: () => {
          if (held) locks.delete(inode.ino);
          held = false;
          return this.#look(`unlock ${path}`, () => {});
        },
      };
    });
  }

  #look<T>(action: string, effect: () => T): Promise<T> {
    return this.#incarnation.call(`disk.${action}`, QUICK_MS, effect);
  }

  /** A call that changes something: a crash in it leaves it done or not done. */
  #change<T>(action: string, effect: () => T): Promise<T> {
    return this.#incarnation.call(`disk.${action}`, QUICK_MS, effect, (random) => {
      if (!random.chance(0.5)) return;
      try {
        effect();
      } catch (thrown) {
        void thrown; // Nobody is left who could be told.
      }
    });
  }

  #opened(action: string, path: string, options: OpenOptions): Inode {
    const follow = !options.noFollow && !options.createNew;
    const place = this.#machine.tree.walk(action, path, follow);
    const { inode } = place;
    if (inode === undefined) {
      if (!options.create && !options.createNew) {
        throw failure(action, "notFound", "there is no such file");
      }
      const { tree } = this.#machine;
      const made = new FileInode(tree.ino(), options.mode ?? 0o644, this.#machine.wallMs());
      this.#name(action, place, made);
      return made;
    }
    if (options.createNew) throw failure(action, "exists", "it exists already");
    if (inode.kind === "symlink") throw failure(action, "symlink", "it is a symbolic link");
    if (inode.kind === "directory" && options.write) {
      throw failure(action, "isDirectory", "it is a directory");
    }
    if (options.truncate && inode.kind === "file") inode.truncate(0, this.#machine.wallMs());
    return inode;
  }

  #rename(action: string, from: string, to: string): void {
    const source = this.#existing(action, from, false);
    const target = this.#machine.tree.walk(action, to, false);
    const { inode } = source;
    if (inode === target.inode) return;
    if (source.parent === null || target.parent === null) {
      throw failure(action, "denied", "it is the root");
    }
    if (target.inode !== undefined) checkReplace(action, inode, target.inode);
    if (`${target.path}/`.startsWith(`${source.path}/`)) {
      throw failure(action, "io", "invalid argument: a directory cannot move into itself");
    }
    this.#machine.tree.change([
      { directory: source.parent, name: source.name, inode: null },
      { directory: target.parent, name: target.name, inode },
    ]);
  }

  #makeParents(action: string, path: string, mode: number | undefined): void {
    const segments = path.split("/");
    for (let count = 1; count <= segments.length; count += 1) {
      const prefix = segments.slice(0, count).join("/");
      if (prefix === "") continue;
      const place = this.#machine.tree.walk(action, prefix, true);
      if (place.inode === undefined) this.#makeOne(action, place, mode);
      else if (place.inode.kind !== "directory") {
        const isLast = count === segments.length;
        throw failure(action, isLast ? "exists" : "notDirectory", "a file is in the way");
      }
    }
  }

  #makeOne(action: string, place: Place, mode = 0o755): void {
    const { tree } = this.#machine;
    this.#name(action, place, new DirectoryInode(tree.ino(), mode, this.#machine.wallMs()));
  }

  #name(action: string, place: Place, inode: Inode): void {
    assert(place.parent !== null, `${action}: the root exists`);
    this.#machine.tree.change([{ directory: place.parent, name: place.name, inode }]);
  }

  #info(path: string, follow: boolean): FileInfo | null {
    try {
      const { inode } = this.#machine.tree.walk(`stat ${path}`, path, follow);
      return inode === undefined ? null : infoOf(inode);
    } catch (thrown) {
      if (ABSENT.has((thrown as { code?: string }).code ?? "")) return null;
      throw thrown;
    }
  }

  #existing(action: string, path: string, follow: boolean): Place & { readonly inode: Inode } {
    const place = this.#machine.tree.walk(action, path, follow);
    const { inode } = place;
    if (inode === undefined) throw failure(action, "notFound", "there is nothing of that name");
    return { ...place, inode };
  }

  #free(action: string, path: string): Place {
    const place = this.#machine.tree.walk(action, path, false);
    if (place.inode !== undefined) throw failure(action, "exists", "it exists already");
    return place;
  }

  #directory(action: string, path: string): DirectoryInode {
    const { inode } = this.#existing(action, path, true);
    if (inode.kind === "directory") return inode;
    throw failure(action, "notDirectory", "it is not a directory");
  }
}

function checkReplace(action: string, source: Inode, target: Inode): void {
  if (target.kind === "directory") {
    if (source.kind !== "directory") throw failure(action, "isDirectory", "it is a directory");
    if (target.names.size > 0) throw failure(action, "notEmpty", "the directory is not empty");
  } else if (source.kind === "directory") {
    throw failure(action, "notDirectory", "the target is not a directory");
  }
}

/** No file system promises an order of names. */
function shuffled<T>(items: T[], random: SeededRandom): T[] {
  for (let index = items.length - 1; index > 0; index -= 1) {
    const other = random.integer(0, index);
    [items[index], items[other]] = [items[other]!, items[index]!];
  }
  return items;
}

/** The disk of `machine` for one life of a process. */
export function simDisk(machine: SimMachine, incarnation: Incarnation): Disk {
  return new SimDisk(machine, incarnation);
}
