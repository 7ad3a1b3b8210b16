/** Memory of parts, shared by all uploads. */

import assert from "node:assert/strict";
import { PartRoom } from "../../../protocols/s3/part_room.ts";

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

Deno.test("parts enter while there is room, then in the order of their coming", async () => {
  const room = new PartRoom(100);
  const entered: string[] = [];
  const enter = (name: string, bytes: number) =>
    void room.enter(bytes).then(() => entered.push(name));
  enter("a", 60);
  enter("b", 60);
  enter("c", 10);
  await settled();
  assert.deepEqual(entered, ["a"], "the short one does not overtake");
  room.leave(60, null);
  await settled();
  assert.deepEqual(entered, ["a", "b", "c"]);
});

Deno.test("one part is let through, whatever its size, and nothing beside it", async () => {
  const room = new PartRoom(100);
  let isSecond = false;
  await room.enter(1_000);
  void room.enter(1).then(() => isSecond = true);
  await settled();
  assert.equal(isSecond, false);
  room.leave(1_000, { bytes: new Uint8Array(1_000) });
  await settled();
  assert.equal(isSecond, true);
});

Deno.test("memory that has served is given again, in its size only and within a bound", () => {
  const room = new PartRoom(100);
  void room.enter(50);
  const [kept, dropped] = [new Uint8Array(20), new Uint8Array(20)];
  room.leave(25, { bytes: kept });
  room.leave(25, { bytes: dropped });
  assert.notEqual(room.memory(10), kept);
  assert.equal(room.memory(20), kept);
  assert.notEqual(room.memory(20), dropped, "a quarter of the room is kept");
});
