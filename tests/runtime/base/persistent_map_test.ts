import assert from "node:assert/strict";
import fc from "fast-check";
import { PersistentMap } from "../../../runtime/base/persistent_map.ts";

/** Few keys, so that overwriting, deleting and hash collisions of the trie's slots are common. */
const KEY = fc.oneof(fc.constantFrom("a", "b", "job/1", "job/2", ""), fc.string({ maxLength: 3 }));
const STEP = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), key: KEY, value: fc.integer() }),
  fc.record({ kind: fc.constant("delete" as const), key: KEY }),
);

Deno.test("PersistentMap behaves like a Map through any sequence of changes", () => {
  fc.assert(fc.property(fc.array(STEP, { maxLength: 200 }), (steps) => {
    let map = PersistentMap.empty<number>();
    const model = new Map<string, number>();
    for (const step of steps) {
      if (step.kind === "set") {
        map = map.set(step.key, step.value);
        model.set(step.key, step.value);
      } else {
        map = map.delete(step.key);
        model.delete(step.key);
      }
      assert.equal(map.size, model.size);
    }
    for (const [key, value] of model) assert.equal(map.get(key), value);
    assert.deepEqual([...map].sort(), [...model].sort());
    const visited: [string, number][] = [];
    map.forEach((value, key) => void visited.push([key, value]));
    assert.deepEqual(visited, [...map]);
  }));
});

Deno.test("PersistentMap keeps older versions as they were", () => {
  const one = PersistentMap.from([["a", 1], ["b", 2]]);
  const two = one.set("a", 9).delete("b");
  assert.equal(one.get("a"), 1);
  assert.equal(one.get("b"), 2);
  assert.equal(two.get("a"), 9);
  assert.equal(two.get("b"), undefined);
});

Deno.test("PersistentMap holds 50,000 keys, iterating in an order that only depends on the keys", () => {
  const keys = Array.from({ length: 50_000 }, (_, i) => `job-${i}`);
  const up = PersistentMap.from(keys.map((key) => [key, key] as const));
  const down = PersistentMap.from(keys.toReversed().map((key) => [key, key] as const));
  assert.equal(up.size, 50_000);
  assert.deepEqual([...up.keys()], [...down.keys()]);
  let emptied = up;
  for (const key of keys) emptied = emptied.delete(key);
  assert.equal(emptied.size, 0);
  assert.deepEqual([...emptied], []);
});
