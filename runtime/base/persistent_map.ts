/**
 * An immutable map with string keys whose versions share structure: a hash array mapped trie
 * (Bagwell, "Ideal Hash Trees", 2001). `set` copies at most seven small arrays, so a state of a
 * million records can be changed, snapshotted and compared without copying it.
 */

const BITS = 5;
const MASK = (1 << BITS) - 1;

interface Leaf<V> {
  readonly hash: number;
  readonly key: string;
  readonly value: V;
}
/** Leaves whose 32-bit hashes are all equal. */
interface Collision<V> {
  readonly hash: number;
  readonly leaves: readonly Leaf<V>[];
}
interface Branch<V> {
  readonly bitmap: number;
  readonly slots: readonly Slot<V>[];
}
type Slot<V> = Leaf<V> | Collision<V> | Branch<V>;

const EMPTY: Branch<never> = { bitmap: 0, slots: [] };

/** FNV-1a over UTF-16 units, mixed so that names that differ in the last digit spread. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  }
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d) >>> 0;
}

function popCount(bits: number): number {
  let b = bits - ((bits >>> 1) & 0x55555555);
  b = (b & 0x33333333) + ((b >>> 2) & 0x33333333);
  return Math.imul((b + (b >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function isBranch<V>(slot: Slot<V>): slot is Branch<V> {
  return "slots" in slot;
}
function isCollision<V>(slot: Slot<V>): slot is Collision<V> {
  return "leaves" in slot;
}

/** Two entries with different hashes under one slot, as deep as they agree. */
function split<V>(a: Leaf<V> | Collision<V>, b: Leaf<V>, shift: number): Branch<V> {
  const [ia, ib] = [(a.hash >>> shift) & MASK, (b.hash >>> shift) & MASK];
  if (ia === ib) return { bitmap: 1 << ia, slots: [split(a, b, shift + BITS)] };
  return { bitmap: (1 << ia) | (1 << ib), slots: ia < ib ? [a, b] : [b, a] };
}

function withLeaf<V>(old: Leaf<V> | Collision<V>, leaf: Leaf<V>, shift: number): Slot<V> {
  if (old.hash !== leaf.hash) return split(old, leaf, shift);
  if (isCollision(old)) {
    const others = old.leaves.filter((l) => l.key !== leaf.key);
    return { hash: leaf.hash, leaves: [...others, leaf] };
  }
  return old.key === leaf.key ? leaf : { hash: leaf.hash, leaves: [old, leaf] };
}

function insert<V>(branch: Branch<V>, leaf: Leaf<V>, shift: number): Branch<V> {
  const bit = 1 << ((leaf.hash >>> shift) & MASK);
  const at = popCount(branch.bitmap & (bit - 1));
  const slots = branch.slots.slice();
  if ((branch.bitmap & bit) === 0) {
    slots.splice(at, 0, leaf);
    return { bitmap: branch.bitmap | bit, slots };
  }
  const old = branch.slots[at] as Slot<V>;
  slots[at] = isBranch(old) ? insert(old, leaf, shift + BITS) : withLeaf(old, leaf, shift + BITS);
  return { bitmap: branch.bitmap, slots };
}

function without<V>(branch: Branch<V>, key: string, hash: number, shift: number): Branch<V> {
  const bit = 1 << ((hash >>> shift) & MASK);
  if ((branch.bitmap & bit) === 0) return branch;
  const at = popCount(branch.bitmap & (bit - 1));
  const old = branch.slots[at] as Slot<V>;
  const next = withoutIn(old, key, hash, shift + BITS);
  if (next === old) return branch;
  const slots = branch.slots.slice();
  if (next !== null) {
    slots[at] = next;
    return { bitmap: branch.bitmap, slots };
  }
  slots.splice(at, 1);
  return { bitmap: branch.bitmap & ~bit, slots };
}

function withoutIn<V>(slot: Slot<V>, key: string, hash: number, shift: number): Slot<V> | null {
  if (isBranch(slot)) {
    const next = without(slot, key, hash, shift);
    return next.slots.length === 0 ? null : next;
  }
  if (!isCollision(slot)) return slot.key === key ? null : slot;
  const leaves = slot.leaves.filter((leaf) => leaf.key !== key);
  if (leaves.length === slot.leaves.length) return slot;
  return leaves.length === 1 ? leaves[0] as Leaf<V> : { hash: slot.hash, leaves };
}

function* walk<V>(slot: Slot<V>): IterableIterator<[string, V]> {
  if (isBranch(slot)) { for (const inner of slot.slots) yield* walk(inner); }
  else if (isCollision(slot)) { for (const leaf of slot.leaves) yield [leaf.key, leaf.value]; }
  else yield [slot.key, slot.value];
}

function visitAll<V>(slot: Slot<V>, visit: (value: V, key: string) => void): void {
  if (isBranch(slot)) { for (const inner of slot.slots) visitAll(inner, visit); }
  else if (isCollision(slot)) { for (const { key, value } of slot.leaves) visit(value, key); }
  else visit(slot.value, slot.key);
}

/**
 * A persistent map. Iteration order is that of the hashes: the same for the same keys, whatever the
 * order of insertion.
 */
export class PersistentMap<V> implements Iterable<[string, V]> {
  readonly size: number;
  readonly #root: Branch<V>;

  private constructor(root: Branch<V>, size: number) {
    this.#root = root;
    this.size = size;
  }

  static empty<V>(): PersistentMap<V> {
    return new PersistentMap<V>(EMPTY, 0);
  }

  static from<V>(entries: Iterable<readonly [string, V]>): PersistentMap<V> {
    let map = PersistentMap.empty<V>();
    for (const [key, value] of entries) map = map.set(key, value);
    return map;
  }

  get(key: string): V | undefined {
    const hash = hashOf(key);
    let slot: Slot<V> = this.#root;
    for (let shift = 0; isBranch(slot); shift += BITS) {
      const bit = 1 << ((hash >>> shift) & MASK);
      if ((slot.bitmap & bit) === 0) return undefined;
      slot = slot.slots[popCount(slot.bitmap & (bit - 1))] as Slot<V>;
    }
    if (isCollision(slot)) return slot.leaves.find((leaf) => leaf.key === key)?.value;
    return slot.key === key ? slot.value : undefined;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** A map with `key` set; `this` is unchanged. `undefined` is not a value. */
  set(key: string, value: V): PersistentMap<V> {
    const grows = !this.has(key);
    const root = insert(this.#root, { hash: hashOf(key), key, value }, 0);
    return new PersistentMap(root, this.size + (grows ? 1 : 0));
  }

  /** A map without `key`; `this` if it was not there. */
  delete(key: string): PersistentMap<V> {
    if (!this.has(key)) return this;
    return new PersistentMap(without(this.#root, key, hashOf(key), 0), this.size - 1);
  }

  /** Calls `visit` with all values in the order of iteration: some ten times as fast as that. */
  forEach(visit: (value: V, key: string) => void): void {
    visitAll(this.#root, visit);
  }

  *[Symbol.iterator](): IterableIterator<[string, V]> {
    yield* walk(this.#root);
  }

  *keys(): IterableIterator<string> {
    for (const [key] of this) yield key;
  }

  *values(): IterableIterator<V> {
    for (const [, value] of this) yield value;
  }
}
