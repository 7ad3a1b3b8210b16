/** The log against a plain array, and its edges. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeConfiguration } from "../../../../runtime/raft/core/configuration.ts";
import type { Entry, EntryKind, SnapshotMeta } from "../../../../runtime/raft/core/entry.ts";
import { openLog, RaftLog } from "../../../../runtime/raft/core/log.ts";
import { voters } from "./group.ts";

const INITIAL = voters("a", "b", "c");

function entry(index: number, term: number, kind: EntryKind = "command"): Entry {
  const data = kind === "config" ? encodeConfiguration(voters(`m${index}`)) : new Uint8Array(3);
  return { index, term, stampMs: index * 10, kind, data };
}

function empty(): RaftLog {
  return new RaftLog({ index: 0, term: 0, stampMs: 0 }, { index: 0, configuration: INITIAL });
}

function filled(...terms: readonly number[]): RaftLog {
  const log = empty();
  log.append(terms.map((term, at) => entry(at + 1, term)));
  return log;
}

function terms(log: RaftLog): (number | undefined)[] {
  const length = log.lastIndex - log.baseIndex;
  return Array.from({ length }, (_, at) => log.termAt(log.firstIndex + at));
}

function snapshot(index: number, term: number): SnapshotMeta {
  return { index, term, stampMs: index * 10, configuration: INITIAL, configurationIndex: 0 };
}

Deno.test("an append that came late does not cut what stands behind it", () => {
  const log = filled(1, 1, 2, 2);
  assert.equal(log.append([entry(2, 1), entry(3, 2)]), null);
  assert.deepEqual(terms(log), [1, 1, 2, 2]);
});

Deno.test("a conflict cuts from the first entry that differs", () => {
  const log = filled(1, 1, 2, 2);
  assert.equal(log.append([entry(2, 1), entry(3, 3)]), 3);
  assert.deepEqual(terms(log), [1, 1, 3]);
});

Deno.test("appends behave like those of a plain array", () => {
  const term = fc.integer({ min: 1, max: 3 });
  const ascending = fc.array(term, { maxLength: 8 }).map((all) => all.toSorted());
  fc.assert(fc.property(ascending, ascending, fc.nat(8), (held, came, at) => {
    const log = filled(...held);
    const prev = Math.min(at, held.length);
    const floor = held[prev - 1] ?? 1;
    const entries = came.map((one, offset) => entry(prev + 1 + offset, Math.max(one, floor)));
    const expected = [...held];
    entries.forEach((one) => {
      if (expected[one.index - 1] === one.term) return;
      expected.length = one.index - 1;
      expected.push(one.term);
    });
    log.append(entries);
    assert.deepEqual(terms(log), expected);
    assert.equal(log.lastTerm, expected.at(-1) ?? 0);
  }));
});

Deno.test("the configuration follows entries, their truncation, compaction and reset", () => {
  const log = empty();
  log.append([entry(1, 1), entry(2, 1, "config"), entry(3, 1), entry(4, 1, "config")]);
  assert.equal(log.configuration.index, 4);
  log.append([entry(4, 2)]);
  assert.equal(log.configuration.index, 2);
  assert.equal(log.configurationAt(1).configuration, INITIAL);
  log.compact(3);
  assert.equal(log.configuration.index, 2);
  assert.deepEqual(log.configuration.configuration, voters("m2"));
  log.reset({ ...snapshot(9, 2), configuration: voters("z"), configurationIndex: 8 });
  assert.deepEqual(log.configuration, { index: 8, configuration: voters("z") });
  assert.equal(log.lastIndex, 9);
});

Deno.test("a hint is the last place whose term is not above", () => {
  const log = filled(1, 1, 2, 4, 4);
  assert.equal(log.lastPlaceOf(9, 4), 5);
  assert.equal(log.lastPlaceOf(9, 3), 3);
  assert.equal(log.lastPlaceOf(2, 3), 2);
  assert.equal(log.lastPlaceOf(5, 0), 0);
});

Deno.test("up to date is decided by the last term, then by length", () => {
  const log = filled(1, 2, 2);
  assert.equal(log.isCoveredBy(3, 2), true);
  assert.equal(log.isCoveredBy(2, 2), false);
  assert.equal(log.isCoveredBy(1, 3), true);
  assert.equal(log.isCoveredBy(9, 1), false);
});

Deno.test("slices are bounded in bytes, but never empty", () => {
  const log = filled(1, 1, 1, 1);
  assert.equal(log.slice(1, 4, 1).length, 1);
  assert.equal(log.slice(1, 4, 2 * 67).length, 2);
  assert.equal(log.slice(2, 4, Infinity).length, 3);
  assert.equal(log.bytesBetween(1, 3), 2 * 67);
});

Deno.test("compaction keeps the term before the first entry, and a tail in entries and bytes", () => {
  const log = filled(1, 1, 2, 2, 3, 3);
  assert.equal(log.compactable(5, 2, 10_000), 3);
  assert.equal(log.compactable(5, 9, 67), 4);
  log.compact(3);
  assert.deepEqual([log.firstIndex, log.termAt(3), log.termAt(2)], [4, 2, undefined]);
  assert.deepEqual(terms(log), [2, 3, 3]);
});

Deno.test("a disk's log goes on behind its snapshot, or is reset", () => {
  const open = (meta: SnapshotMeta, entries: readonly Entry[]) => {
    const hardState = { term: 3, vote: null, commit: 0 };
    const { log, reset } = openLog({ hardState, snapshot: meta, file: null, entries });
    return { base: log.baseIndex, last: log.lastIndex, reset };
  };
  const all = [entry(1, 1), entry(2, 1), entry(3, 2)];
  assert.deepEqual(open(snapshot(0, 0), all), { base: 0, last: 3, reset: false });
  assert.deepEqual(open(snapshot(2, 1), all), { base: 0, last: 3, reset: false });
  // The term before the first entry is not known any more: that entry stands in for it.
  assert.deepEqual(open(snapshot(3, 2), all.slice(1)), { base: 2, last: 3, reset: false });
  assert.deepEqual(open(snapshot(1, 1), all.slice(1)), { base: 1, last: 3, reset: false });
  assert.deepEqual(open(snapshot(2, 2), all), { base: 2, last: 2, reset: true });
  assert.deepEqual(open(snapshot(9, 2), all), { base: 9, last: 9, reset: true });
  assert.deepEqual(open(snapshot(9, 2), []), { base: 9, last: 9, reset: true });
  assert.deepEqual(open(snapshot(0, 0), []), { base: 0, last: 0, reset: false });
});

Deno.test("a restored log has the configurations of snapshot and entries, joint ones too", () => {
  const joint = { ...voters("a", "d"), outgoing: voters("a", "b").members };
  const config: Entry = { ...entry(3, 2), kind: "config", data: encodeConfiguration(joint) };
  const meta = { ...snapshot(2, 1), configuration: voters("q"), configurationIndex: 2 };
  const { log } = openLog({
    hardState: { term: 3, vote: null, commit: 0 },
    snapshot: meta,
    file: null,
    entries: [entry(1, 1), entry(2, 1, "config"), config],
  });
  assert.deepEqual(log.configuration, { index: 3, configuration: joint });
  assert.deepEqual(log.configurationAt(2).configuration, voters("q"));
});
