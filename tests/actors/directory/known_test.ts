import assert from "node:assert/strict";
import { KnownControllers } from "../../../actors/directory/known.ts";

Deno.test("the controllers of the settings are asked until one of them tells who there is", () => {
  const known = new KnownControllers({ c1: "ws://c1", c2: "ws://c2" });
  assert.deepEqual(known.ids, ["c1", "c2"]);
  assert.deepEqual(known.learn({}), { added: [], removed: [] });
  assert.deepEqual(known.ids, ["c1", "c2"]);
});

Deno.test("who is new is dialled once, at its last address; who has left is left", () => {
  const known = new KnownControllers({ c1: "ws://c1" });
  const joined = known.learn({ c1: "ws://c1", c4: "ws://c4" });
  assert.deepEqual(joined, { added: [{ node: "c4", url: "ws://c4" }], removed: [] });
  assert.deepEqual(known.learn({ c1: "ws://c1", c4: "ws://c4" }), { added: [], removed: [] });
  const moved = known.learn({ c1: "ws://c1", c4: "ws://elsewhere" });
  assert.deepEqual(moved.added, [{ node: "c4", url: "ws://elsewhere" }]);
  assert.deepEqual(known.learn({ c1: "ws://c1" }), { added: [], removed: ["c4"] });
});

Deno.test("controllers of the settings are never forgotten, but asked for work only while they are members", () => {
  const known = new KnownControllers({ c1: "ws://c1", c2: "ws://c2" });
  assert.deepEqual(known.learn({ c2: "ws://c2", c3: "ws://c3" }).removed, []);
  assert.deepEqual(known.ids, ["c2", "c3"]);
  assert.deepEqual([...known.all].sort(), ["c1", "c2", "c3"]);
});
