/**
 * The names of a simulated file system, and which of them a power loss leaves.
 *
 * A change of names is durable once its directory was synced; before that each one survives or not,
 * independently of the data it names. A rename is one change: never both names lost.
 */

import { limitValues } from "../base/limits.ts";
import { DiskError } from "../env/errors.ts";
import type { FileInfo } from "../env/env.ts";
import type { FileInode } from "./inode.ts";
import { SIM_LIMITS } from "./limits.ts";
import type { SeededRandom } from "./random.ts";

const LIMITS = limitValues(SIM_LIMITS);

/** A directory: the names seen now, and those on the device. */
export class DirectoryInode {
  readonly kind = "directory";
  readonly ino: number;
  metadata: { mode: number; mtimeMs: number };
  names = new Map<string, Inode>();
  readonly durableNames = new Map<string, Inode>();

  constructor(ino: number, mode: number, mtimeMs: number) {
    this.ino = ino;
    this.metadata = { mode, mtimeMs };
  }
}

/** A symbolic link. */
export class SymlinkInode {
  readonly kind = "symlink";
  readonly ino: number;
  readonly target: string;
  readonly metadata: { mode: number; mtimeMs: number };

  constructor(ino: number, target: string, mtimeMs: number) {
    this.ino = ino;
    this.target = target;
    this.metadata = { mode: 0o777, mtimeMs };
  }
}

export type Inode = FileInode | DirectoryInode | SymlinkInode;

/** Where a path leads: the directory and name of its last segment, and what is there. */
export interface Place {
  readonly path: string;
  /** `null` for the root. */
  readonly parent: DirectoryInode | null;
  readonly name: string;
  readonly inode: Inode | undefined;
}

interface NamePart {
  readonly directory: DirectoryInode;
  readonly name: string;
  readonly inode: Inode | null;
}

/** What `stat` tells of an inode. */
export function infoOf(inode: Inode): FileInfo {
  const { mode, mtimeMs } = inode.metadata;
  const size = inode.kind === "file" ? inode.size : 0;
  return { kind: inode.kind, size, mode, mtimeMs, dev: 1, ino: inode.ino };
}

/** The file system of one machine. */
export class Tree {
  readonly root = new DirectoryInode(1, 0o755, 0);
  #changes: NamePart[][] = [];
  #nextIno = 2;

  /** An inode number, never given twice. */
  ino(): number {
    return this.#nextIno++;
  }

  /** Walks a path, through links; the last segment's own link only where `follow`. */
  walk(action: string, path: string, follow: boolean): Place {
    const stack: { directory: DirectoryInode; name: string }[] = [
      { directory: this.root, name: "" },
    ];
    let segments = segmentsOf(action, path);
    let links = 0;
    while (segments.length > 0) {
      const [segment, ...rest] = segments as [string, ...string[]];
      segments = rest;
      if (segment === "..") {
        if (stack.length > 1) stack.pop();
        continue;
      }
      const parent = stack.at(-1)!.directory;
      const inode = parent.names.get(segment);
      const isLast = rest.length === 0;
      if (inode?.kind === "symlink" && (!isLast || follow)) {
        links += 1;
        if (links > LIMITS.symlinks) throw failure(action, "symlink", "its links form a loop");
        if (inode.target.startsWith("/")) stack.length = 1;
        segments = [...segmentsOf(action, inode.target), ...rest];
        continue;
      }
      if (isLast && inode?.kind !== "directory") {
        return { path: pathOf(stack, segment), parent, name: segment, inode };
      }
      if (inode === undefined) throw failure(action, "notFound", "there is no such directory");
      if (inode.kind !== "directory") {
        throw failure(action, "notDirectory", "a part of the path is not a directory");
      }
      stack.push({ directory: inode, name: segment });
    }
    const { directory, name } = stack.pop()!;
    const parent = stack.at(-1)?.directory ?? null;
    return { path: pathOf(stack, name), parent, name, inode: directory };
  }

  /** Changes names, at once for readers, durably later. */
  change(parts: NamePart[]): void {
    for (const part of parts) applyTo(part.directory.names, part);
    this.#changes.push(parts);
  }

  /** How many changes there are: a mark for {@link syncNames}. */
  mark(): ReadonlySet<NamePart[]> {
    return new Set(this.#changes);
  }

  /**
   * Makes the marked changes of one directory durable. Of a move to another directory, syncing the
   * old parent makes all durable, syncing the new one the new name.
   */
  syncNames(directory: DirectoryInode, marked: ReadonlySet<NamePart[]>): void {
    const left: NamePart[][] = [];
    for (const parts of this.#changes) {
      if (!marked.has(parts) || !parts.some((part) => part.directory === directory)) {
        left.push(parts);
        continue;
      }
      const removesHere = parts.some((part) => part.directory === directory && part.inode === null);
      const durable = removesHere ? parts : parts.filter((part) => part.directory === directory);
      for (const part of durable) applyTo(part.directory.durableNames, part);
      const waiting = parts.filter((part) => !durable.includes(part));
      if (waiting.length > 0) left.push(waiting);
    }
    this.#changes = left;
  }

  /** Leaves what the device has: the durable names and any subset of the changes since. */
  losePower(random: SeededRandom, tornWrites: boolean): void {
    for (const parts of this.#changes) {
      if (random.chance(0.5)) continue;
      for (const part of parts) applyTo(part.directory.durableNames, part);
    }
    this.#changes = [];
    for (const inode of this.inodes((directory) => directory.durableNames)) {
      if (inode.kind === "directory") inode.names = new Map(inode.durableNames);
      if (inode.kind === "file") inode.losePower(random, tornWrites);
    }
  }

  /** Every inode that has a name, once. */
  inodes(names: (directory: DirectoryInode) => Map<string, Inode> = (d) => d.names): Set<Inode> {
    const found = new Set<Inode>([this.root]);
    for (const inode of found) {
      if (inode.kind !== "directory") continue;
      for (const child of names(inode).values()) found.add(child);
    }
    return found;
  }

  /** Bytes of all files that have a name. */
  usedBytes(): number {
    let total = 0;
    for (const inode of this.inodes()) if (inode.kind === "file") total += inode.size;
    return total;
  }
}

function applyTo(names: Map<string, Inode>, part: NamePart): void {
  if (part.inode === null) names.delete(part.name);
  else names.set(part.name, part.inode);
}

function segmentsOf(action: string, path: string): string[] {
  if (path === "") throw failure(action, "notFound", "the path is empty");
  if (path.includes("\0")) throw failure(action, "io", "the path holds a NUL");
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".");
  for (const segment of segments) {
    if (new TextEncoder().encode(segment).length > LIMITS.nameBytes) {
      throw failure(action, "nameTooLong", `a name is longer than ${LIMITS.nameBytes} bytes`);
    }
  }
  return segments;
}

function pathOf(stack: readonly { name: string }[], last: string): string {
  return [...stack.slice(1).map((step) => step.name), last].reduce(
    (path, name) => name === "" ? path : `${path}/${name}`,
    "",
  ) || "/";
}

/** A `DiskError` of the simulated disk. */
export function failure(
  action: string,
  code: DiskError["code"],
  reason: string,
  definite = true,
): DiskError {
  const retryable = code === "io" && !/NUL|argument/.test(reason);
  return new DiskError(code, `cannot ${action}: ${reason} (simulated)`, { definite, retryable });
}
