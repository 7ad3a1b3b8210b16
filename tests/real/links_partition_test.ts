/** Two nodes on two machines (network namespaces) whose network breaks: iptables drops what comes in. */

import assert from "node:assert/strict";
import { A, B, TOKEN } from "../scenario/links/pair.ts";
import { pause, type PeerProcess, withPeers } from "../scenario/links/peer_process.ts";
import { type Machine, requireNamespaces, withMachines } from "./namespaces.ts";

const able = requireNamespaces();
const SUSPECT_MS = 5_000;

interface Scene {
  readonly a: PeerProcess;
  readonly b: PeerProcess;
  readonly left: Machine;
  readonly right: Machine;
}

/** Linked, watching each other, and streaming in both directions. */
function withScene(work: (scene: Scene) => Promise<void>): Promise<void> {
  return withMachines((left, right) =>
    withPeers(async (start) => {
      const { hostname } = left;
      const a = start({ id: "a", token: TOKEN, hostname, port: 4100 }, left.prefix);
      const { url } = await a.hears("ready");
      const peers = [{ node: "a", url: url! }];
      const b = start({ id: "b", token: TOKEN, peers }, right.prefix);
      await Promise.all([a.link("up", "b"), b.link("up", "a")]);
      for (const [one, other] of [[a, B], [b, A]] as const) {
        one.tell({ do: "watch", address: other });
        one.tell({ do: "stream", address: other, everyMs: 10 });
      }
      await pause(2_000); // the detectors learn what is usual
      await work({ a, b, left, right });
    })
  );
}

/** Breaks the network for a while; both sides suspect each other in time and meet again. */
async function breakFor(
  { a, b, left, right }: Scene,
  ms: number,
  broken: readonly Machine[],
): Promise<void> {
  const [aFrom, bFrom] = [a.heard.length, b.heard.length];
  const brokenMs = performance.now();
  for (const machine of broken) machine.deaf();
  const downs = await Promise.all([
    a.link("down", "b", { from: aFrom }),
    b.link("down", "a", {
      from: bFrom,
    }),
  ]);
  for (const { atMs, peer } of downs) {
    assert.ok(atMs - brokenMs < SUSPECT_MS, `${peer} is suspected after ${atMs - brokenMs} ms`);
  }
  await pause(ms - (performance.now() - brokenMs));
  const [aAgain, bAgain] = [a.heard.length, b.heard.length];
  for (const machine of [left, right]) machine.heal();
  await Promise.all([
    a.link("up", "b", { from: aAgain }),
    b.link("up", "a", { from: bAgain }),
  ]);
}

/** Nothing came twice, nothing reliable was lost, and each watch has ended as often as it may. */
async function assertPromises({ a, b }: Scene, endedTimes: 0 | 1): Promise<void> {
  await pause(2_000);
  for (const peer of [a, b]) {
    peer.tell({ do: "quiet" });
    assert.equal((await peer.hears("quiet")).failed, 0);
  }
  for (const [peer, other] of [[a, b], [b, a]] as const) {
    const ended = peer.all("ended").map(({ reason }) => reason);
    assert.deepEqual(ended, Array(endedTimes).fill("unreachable"));
    peer.tell({ do: "seen" });
    const { streams } = await peer.hears("seen");
    for (const { stream, count, twice } of streams) {
      assert.equal(twice, 0, `${stream}: ${twice} came twice`);
      if (stream.endsWith("reliable")) assert.equal(count, other.all("quiet")[0]!.reliable);
    }
  }
}

Deno.test({
  name: "a partition within the grace: suspected within 5 s, healed, and nothing has ended",
  ...able,
  fn: () =>
    withScene(async (scene) => {
      await breakFor(scene, 6_000, [scene.left, scene.right]);
      await assertPromises(scene, 0);
    }),
});

Deno.test({
  name: "a partition beyond the grace: each watch ends once, the nodes meet anew, nothing is twice",
  ...able,
  fn: () =>
    withScene(async (scene) => {
      await breakFor(scene, 13_000, [scene.left, scene.right]);
      await assertPromises(scene, 1);
    }),
});

for (const side of ["left", "right"] as const) {
  const who = side === "left" ? "called" : "calling";
  Deno.test({
    name: `a network that drops what goes to the ${who} node: the same as when both are cut off`,
    ...able,
    fn: () =>
      withScene(async (scene) => {
        await breakFor(scene, 13_000, [scene[side]]);
        await assertPromises(scene, 1);
      }),
  });
}
