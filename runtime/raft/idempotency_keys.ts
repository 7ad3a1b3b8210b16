/**
 * Commands with a key of their own: applied once per key, for as long as the key is remembered. Keys are
 * forgotten oldest first, by number and, with the sessions, by age.
 */

import { PersistentMap } from "../base/persistent_map.ts";
import type { KeptKey, KnownKeys, Reply } from "./session_state.ts";

/** None; the next one gets the number `first`. */
export function noKeys(first = 1): KnownKeys {
  return { byKey: PersistentMap.empty(), order: PersistentMap.empty(), first, next: first };
}

/** The reply that `key` had. */
export function replyOf<Result>(keys: KnownKeys, key: string): Reply<Result> | undefined {
  // Only results of this machine are ever kept.
  return keys.byKey.get(key)?.reply as Reply<Result> | undefined;
}

/** Remembers a key that is not known yet, and at most `limit` of them. */
export function withKey(keys: KnownKeys, key: string, kept: KeptKey, limit: number): KnownKeys {
  const added = {
    byKey: keys.byKey.set(key, kept),
    order: keys.order.set(String(keys.next), key),
    first: keys.first,
    next: keys.next + 1,
  };
  return added.byKey.size > limit ? withoutFirst(added) : added;
}

/** Forgets the keys that were used before `beforeMs`. */
export function withoutOld(keys: KnownKeys, beforeMs: number): KnownKeys {
  let left = keys;
  while (left.byKey.size > 0 && firstOf(left).atMs < beforeMs) left = withoutFirst(left);
  return left;
}

/** The key that would be forgotten next. */
export function firstOf({ byKey, order, first }: KnownKeys): KeptKey {
  return byKey.get(order.get(String(first))!)!;
}

/** Every key with what is kept of it, oldest first. */
export function* inOrder({ byKey, order, first, next }: KnownKeys): Iterable<[string, KeptKey]> {
  for (let number = first; number < next; number += 1) {
    const key = order.get(String(number))!;
    yield [key, byKey.get(key)!];
  }
}

function withoutFirst({ byKey, order, first, next }: KnownKeys): KnownKeys {
  const key = order.get(String(first))!;
  return { byKey: byKey.delete(key), order: order.delete(String(first)), first: first + 1, next };
}
