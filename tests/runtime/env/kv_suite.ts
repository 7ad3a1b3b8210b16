/** What every key-value store does; the real and the simulated one both run it. */

import assert from "node:assert/strict";
import type { KvEntry, KvKey, KvMutation, KvRange, KvStore } from "../../../runtime/env/env.ts";
import { KvError } from "../../../runtime/env/errors.ts";
import { type Side, suiteTest } from "./subject.ts";

const set = (key: KvKey, value: KvEntry["value"]): KvMutation => ({ type: "set", key, value });

async function keysOf(store: KvStore, range: KvRange): Promise<KvKey[]> {
  const keys: KvKey[] = [];
  for await (const entry of store.list(range)) keys.push(entry.key);
  return keys;
}

async function fails(code: KvError["code"], work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof KvError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

/** Registers the suite for one side. */
export function kvSuite(side: Side): void {
  values(side);
  commits(side);
  listings(side);
  bounds(side);
}

function values(side: Side): void {
  suiteTest(side, "a store gives back values of every kind", async ({ env, directory }) => {
    const store = await env.kv.open(`${directory}/kv`);
    const value = { a: [1, "two", null, true], bytes: new Uint8Array([1, 2, 3]), n: -0.5 };
    await store.commit([set(["k", 1], value)]);
    const entry = await store.get(["k", 1]);
    assert.deepEqual(entry?.value, value);
    assert.deepEqual(entry?.key, ["k", 1]);
    assert.equal(await store.get(["k", 2]), null);
    await store.close();
  });

  suiteTest(
    side,
    "a stored value does not change with the caller's object",
    async ({ env, directory }) => {
      const store = await env.kv.open(`${directory}/kv`);
      const value = { n: 1 };
      await store.commit([set(["k"], value)]);
      value.n = 2;
      assert.deepEqual((await store.get(["k"]))?.value, { n: 1 });
      await store.close();
    },
  );

  suiteTest(
    side,
    "what was committed is there when the file is opened again",
    async ({ env, directory }) => {
      const store = await env.kv.open(`${directory}/kv`);
      const version = await store.commit([set(["k"], "v")]);
      await store.close();
      const again = await env.kv.open(`${directory}/kv`);
      assert.deepEqual(await again.get(["k"]), { key: ["k"], value: "v", version });
      await again.close();
    },
  );
}

function commits(side: Side): void {
  suiteTest(side, "a commit is all or nothing, by its checks", async ({ env, directory }) => {
    const store = await env.kv.open(`${directory}/kv`);
    const first = await store.commit([set(["a"], 1)], [{ key: ["a"], version: null }]);
    assert.notEqual(first, null);
    const refused = await store.commit(
      [set(["a"], 2), set(["b"], 2)],
      [{ key: ["a"], version: null }],
    );
    assert.equal(refused, null);
    assert.equal((await store.get(["a"]))?.value, 1);
    assert.equal(await store.get(["b"]), null);
    const second = await store.commit(
      [set(["a"], 3), { type: "delete", key: ["b"] }],
      [{ key: ["a"], version: first }],
    );
    assert.notEqual(second, first);
    assert.equal((await store.get(["a"]))?.version, second);
    await store.commit([{ type: "delete", key: ["a"] }]);
    assert.equal(await store.get(["a"]), null);
    await store.close();
  });

  suiteTest(side, "of two commits on the same version one holds", async ({ env, directory }) => {
    const store = await env.kv.open(`${directory}/kv`);
    const results = await Promise.all(
      [1, 2].map((n) => store.commit([set(["a"], n)], [{ key: ["a"], version: null }])),
    );
    assert.equal(results.filter((version) => version !== null).length, 1);
    await store.close();
  });
}

function listings(side: Side): void {
  suiteTest(
    side,
    "keys are listed by part: strings as UTF-8, then numbers",
    async ({ env, directory }) => {
      const store = await env.kv.open(`${directory}/kv`);
      const sorted: KvKey[] = [
        ["p", ""],
        ["p", "a"],
        ["p", "a", "z"],
        ["p", "a\u0000"],
        ["p", "ab"],
        ["p", "\uffff"],
        ["p", "\u{10000}"],
        ["p", -2.5],
        ["p", -1],
        ["p", 0],
        ["p", 1.5],
        ["p", 10],
      ];
      const others: KvKey[] = [["o", 1], ["p"], ["q", 1], ["pp", 1]];
      const all = [...sorted, ...others];
      await store.commit(all.toReversed().map((key) => set(key, 1)));
      assert.deepEqual(await keysOf(store, { prefix: ["p"] }), sorted);
      assert.deepEqual(await keysOf(store, { prefix: ["p"], reverse: true }), sorted.toReversed());
      assert.deepEqual(await keysOf(store, { prefix: ["p"], limit: 3 }), sorted.slice(0, 3));
      assert.deepEqual(await keysOf(store, { prefix: ["p"], start: ["p", -1] }), sorted.slice(8));
      assert.deepEqual(await keysOf(store, { prefix: ["p"], limit: 0 }), []);
      await store.close();
    },
  );

  suiteTest(side, "a listing of many entries is whole", async ({ env, directory }) => {
    const store = await env.kv.open(`${directory}/kv`);
    for (let from = 0; from < 2_000; from += 500) {
      await store.commit(Array.from({ length: 500 }, (_, index) => set(["n", from + index], 0)));
    }
    const keys = await keysOf(store, { prefix: ["n"] });
    assert.deepEqual(keys.map((key) => key[1]), Array.from({ length: 2_000 }, (_, index) => index));
    await store.close();
  });
}

function bounds(side: Side): void {
  suiteTest(
    side,
    "what is too large is refused and changes nothing",
    async ({ env, directory }) => {
      const store = await env.kv.open(`${directory}/kv`);
      const many = Array.from({ length: 1_001 }, (_, index) => set(["n", index], 0));
      await fails("tooLarge", store.commit(many));
      await fails("tooLarge", store.commit([set(["v"], new Uint8Array(70_000))]));
      await fails("tooLarge", store.commit([set(["k".repeat(2_100)], 0)]));
      const wide = Array.from(
        { length: 20 },
        (_, index) => set(["w", index], new Uint8Array(60_000)),
      );
      await fails("tooLarge", store.commit(wide));
      assert.deepEqual(await keysOf(store, { prefix: ["n"] }), []);
      assert.notEqual(await store.commit(many.slice(0, 1_000)), null);
      await store.close();
    },
  );

  suiteTest(
    side,
    "a file is open once at a time, a closed store says so",
    async ({ env, directory }) => {
      const store = await env.kv.open(`${directory}/kv`);
      await fails("locked", env.kv.open(`${directory}/kv`));
      await store.close();
      await store.close();
      await fails("closed", store.get(["a"]));
      await fails("closed", store.commit([]));
      await fails("closed", keysOf(store, { prefix: ["a"] }));
      await (await env.kv.open(`${directory}/kv`)).close();
    },
  );
}
