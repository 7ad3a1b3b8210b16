import assert from "node:assert/strict";
import type { SocketEnd, SocketEvents } from "../../../runtime/env/sockets.ts";
import { Handover } from "../../../runtime/remote/handover.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { socketPair } from "./socket_pair.ts";

const BOUNDS = { frameBytes: 1_000, lowBytes: 100 };

function setup() {
  const { world, timers } = simulatedEnv({ seed: 1 });
  const { client, server } = socketPair({ timers }, BOUNDS);
  const seen: string[] = [];
  const ends: SocketEnd[] = [];
  /** An owner that writes down what it sees, and does `then` at each frame. */
  const owner = (name: string, then: (value: number) => void = () => {}): SocketEvents => ({
    frame: ([value]) => {
      seen.push(`${name} ${value}`);
      then(value!);
    },
    drained: () => seen.push(`${name} drained`),
    closed: (end) => {
      seen.push(`${name} closed`);
      ends.push(end);
    },
  });
  const send = (...values: number[]): void => {
    for (const value of values) client.send(new Uint8Array([value]));
  };
  client.open(owner("client"));
  return { world, client, server, seen, ends, owner, send };
}

Deno.test("an owner that is replaced in its own frame gets no other", async () => {
  const { world, server, seen, owner, send } = setup();
  const handover = new Handover(server);
  const next = owner("link");
  handover.take(owner("handshake", (value) => {
    if (value === 2) handover.take(next);
  }));
  send(1, 2, 3, 4);
  await world.pass(10);
  assert.deepEqual(seen, ["handshake 1", "handshake 2", "link 3", "link 4"]);
});

Deno.test("while nobody owns a socket it is not read, and nothing is lost or reordered", async () => {
  const { world, client, server, seen, owner, send } = setup();
  const handover = new Handover(server);
  handover.take(owner("handshake", () => handover.release()));
  send(1, 2, 3);
  await world.pass(10);
  send(4);
  await world.pass(10);
  assert.deepEqual([seen, client.bufferedBytes], [["handshake 1"], 3]);
  handover.take(owner("link"));
  send(5);
  await world.pass(10);
  assert.deepEqual(seen, ["handshake 1", "link 2", "link 3", "link 4", "link 5"]);
});

Deno.test("frames that come in spite of a pause are kept for the next owner, before the end", () => {
  const { server, seen, owner, ends } = setup();
  const handover = new Handover(server);
  handover.take(owner("handshake"));
  handover.release();
  handover.frame(new Uint8Array([1]));
  handover.drained();
  handover.frame(new Uint8Array([2]));
  handover.closed({ code: 4_000, reason: "done" });
  assert.deepEqual(seen, []);
  handover.take(owner("first", () => handover.release()));
  handover.take(owner("second"));
  assert.deepEqual(seen, ["first 1", "second 2", "second drained", "second closed"]);
  assert.deepEqual(ends, [{ code: 4_000, reason: "done" }]);
  handover.take(owner("third"));
  assert.equal(seen.length, 4, "the end is told once");
});

Deno.test("a frame that comes while kept ones are delivered waits for its turn", () => {
  const { server, seen, owner } = setup();
  const handover = new Handover(server);
  handover.take(owner("handshake"));
  handover.release();
  for (const value of [1, 2]) handover.frame(new Uint8Array([value]));
  handover.take(owner("link", (value) => {
    if (value === 1) handover.frame(new Uint8Array([3]));
  }));
  assert.deepEqual(seen, ["link 1", "link 2", "link 3"]);
});

Deno.test("a socket that ended while nobody owned it says so to the next owner", async () => {
  const { world, client, server, seen, owner } = setup();
  const handover = new Handover(server);
  handover.take(owner("handshake"));
  handover.release();
  client.destroy();
  await world.pass(10);
  assert.deepEqual([seen, handover.end?.code], [["client closed"], 1006]);
  handover.take(owner("link"));
  assert.deepEqual(seen, ["client closed", "link closed"]);
});
