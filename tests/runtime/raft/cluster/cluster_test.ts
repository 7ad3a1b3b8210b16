/** The bench itself: its quorums, its heap, its disk. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Configuration, Member } from "../../../../runtime/raft/core/configuration.ts";
import { NO_MEMBERS } from "../../../../runtime/raft/core/configuration.ts";
import type { Entry } from "../../../../runtime/raft/core/entry.ts";
import { SeededRandom } from "../../../../runtime/sim/random.ts";
import { Disk } from "./disk.ts";
import { EventHeap } from "./event_heap.ts";
import { disjointQuorums, isOnTwoReplicas, isQuorum } from "./quorum_facts.ts";

function voters(...ids: readonly string[]): Member[] {
  return ids.map((id) => ({ id, role: "voter", witness: id.startsWith("w"), priority: 1 }));
}

function simple(...ids: readonly string[]): Configuration {
  return { members: voters(...ids), outgoing: null };
}

function entry(index: number, term: number): Entry {
  return { index, term, stampMs: 0, kind: "command", data: new Uint8Array([index]) };
}

const INITIAL = {
  index: 0,
  term: 0,
  stampMs: 0,
  configuration: NO_MEMBERS,
  configurationIndex: 0,
};

Deno.test("events come out by time, those of one time in the order in which they were planned", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (times) => {
    const heap = new EventHeap();
    const seen: [number, number][] = [];
    times.forEach((atMs, place) => heap.plan(atMs, () => seen.push([atMs, place])));
    while (heap.size > 0) heap.take()!.run();
    const expected = times.map((atMs, place) => [atMs, place] as const)
      .sort((left, right) => left[0] - right[0] || left[1] - right[1]);
    assert.deepEqual(seen, expected);
  }));
});

Deno.test("quorums of neighbours by one voter overlap, those of two more voters need not", () => {
  assert.equal(disjointQuorums(simple("a", "b", "c"), simple("a", "b", "c", "d")), null);
  assert.notEqual(disjointQuorums(simple("a", "b", "c"), simple("a", "b", "c", "d", "e")), null);
  const joint = { members: voters("a", "b", "c", "d", "e"), outgoing: voters("a", "b", "c") };
  assert.equal(disjointQuorums(simple("a", "b", "c"), joint), null);
  assert.equal(disjointQuorums(joint, simple("a", "b", "c", "d", "e")), null);
});

Deno.test("a witness completes a quorum and does not count as a replica", () => {
  const configuration = simple("a", "b", "w");
  const holdersAre = (...ids: readonly string[]) => ({ id }: Member) => ids.includes(id);
  assert.equal(isQuorum(configuration, holdersAre("a", "w")), true);
  assert.equal(isOnTwoReplicas(configuration, holdersAre("a", "w")), false);
  assert.equal(isOnTwoReplicas(configuration, holdersAre("a", "b")), true);
  assert.equal(isOnTwoReplicas(simple("a", "w"), holdersAre("a")), true);
});

Deno.test("what was confirmed survives every crash; of the rest a beginning does", () => {
  const lengths = new Set<number>();
  for (let seed = 1; seed <= 100; seed += 1) {
    const disk = new Disk(INITIAL);
    disk.write({
      number: 1,
      reset: null,
      entries: [entry(1, 1), entry(2, 1)],
      hardState: { term: 1, vote: "a", commit: 0 },
    });
    disk.completeThrough(1);
    disk.write({ number: 2, reset: null, entries: [entry(2, 2), entry(3, 2)], hardState: null });
    disk.write({
      number: 3,
      reset: null,
      entries: [entry(4, 2)],
      hardState: { term: 2, vote: "b", commit: 1 },
    });
    disk.crash(new SeededRandom(seed));
    const { entries, hardState } = disk.restored();
    lengths.add(entries.length);
    assert.deepEqual(entries[0], entry(1, 1));
    const terms = entries.map(({ term }) => term);
    assert.ok(["1,1", "1,2", "1,2,2", "1,2,2,2"].includes(terms.join()), terms.join());
    assert.ok(hardState.term === 1 || entries.length === 4, "the hard state is written last");
  }
  assert.deepEqual([...lengths].sort(), [2, 3, 4]);
});

Deno.test("a snapshot that comes in pieces is complete when its last byte is there", () => {
  const sender = new Disk(INITIAL);
  const snapshot = { ...INITIAL, index: 5, term: 1 };
  const bytes = new TextEncoder().encode("5 77 xxxx");
  const file = { bytes: bytes.length, crc: 2_640_127_340 };
  assert.equal(sender.find(snapshot, file), undefined);
  const disk = new Disk(INITIAL);
  const receive = (offset: number, end: number) => {
    return disk.receive({ snapshot, file, offset, bytes: bytes.slice(offset, end) });
  };
  assert.deepEqual(receive(0, 0), { nextOffset: 0, complete: false });
  assert.deepEqual(receive(0, 4), { nextOffset: 4, complete: false });
  assert.deepEqual(receive(6, 9), { nextOffset: 4, complete: false }, "a gap is not filled");
  assert.throws(() => receive(4, 9), /snapshots arrive whole/, "the CRC is another's");
});
