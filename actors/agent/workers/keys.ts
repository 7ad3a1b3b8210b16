/**
 * The agent's key-value store as its Workers use it: every call is a message to the keeper, so that one
 * actor has the file open, whatever becomes of a Worker.
 */

import type { Ref } from "../../../runtime/actor/ref.ts";
import type { KvEntry, KvRange, KvStore } from "../../../runtime/env/env.ts";
import type { Keeper } from "./messages.ts";

/** Entries in one answer: pages of a checkpoint have 32 KiB. */
const LIST_BATCH = 32;

/** The store behind `keeper`, which has `withinMs` to answer. Closing it does nothing: it is the agent's. */
export function keysOf(keeper: Ref<typeof Keeper>, withinMs: number): KvStore {
  return {
    get: (key) => keeper.ask("get", { key }, { withinMs }),
    commit: (mutations, checks = []) =>
      keeper.ask("commit", { mutations: [...mutations], checks: [...checks] }, { withinMs }),
    list: (range) => listed(keeper, range, withinMs),
    close: () => Promise.resolve(),
  };
}

async function* listed(
  keeper: Ref<typeof Keeper>,
  { prefix, start, limit = Infinity, reverse = false }: KvRange,
  withinMs: number,
): AsyncIterable<KvEntry> {
  // From the back there is no key to go on from: one batch has to do.
  const batch = reverse ? limit : LIST_BATCH;
  let from = start ?? null;
  for (let left = limit; left > 0;) {
    // The entry that the batch starts with is the last one of the batch before.
    const isFirst = from === (start ?? null);
    const wanted = Math.min(Number.MAX_SAFE_INTEGER, isFirst ? batch : batch + 1, left + 1);
    const body = { prefix, start: from, limit: wanted, reverse };
    const entries = await keeper.ask("list", body, { withinMs });
    for (const entry of isFirst ? entries : entries.slice(1)) {
      if (left === 0) return;
      left -= 1;
      yield entry;
    }
    if (entries.length < wanted || reverse) return;
    from = entries.at(-1)!.key;
  }
}
