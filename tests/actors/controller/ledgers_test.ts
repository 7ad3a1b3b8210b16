import assert from "node:assert/strict";
import fc from "fast-check";
import { entriesOf, ledgerPieces, putLedger } from "../../../actors/controller/ledgers.ts";
import { apply } from "../../../actors/controller/apply.ts";
import { restoreState, snapshotState } from "../../../actors/controller/snapshot.ts";
import { INITIAL_STATE, type State, withJob } from "../../../actors/controller/state.ts";
import type { Job } from "../../../actors/job/record.ts";
import { EMPTY_DIGEST } from "../../../actors/set/digest.ts";
import { NEW_SET, NO_COUNTS } from "../../../actors/set/record.ts";
import type { FilesReport } from "../../../actors/set/taken.ts";
import type { SetSpec } from "../../../workflows/spec.ts";
import { Rig } from "../job/rig.ts";

/** An entry of a version that is a number, entered in that minute. */
function entry(version: number, minute = 1): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  // Mixed, so that versions fall on many pages.
  view.setUint32(0, Math.imul(version, 0x9e3779b1) >>> 0);
  view.setUint32(4, version);
  view.setUint32(16, minute);
  return bytes;
}

function put(state: State, versions: readonly number[], name = "daily"): State {
  const bytes = new Uint8Array(20 * versions.length);
  versions.forEach((version, at) => bytes.set(entry(version), at * 20));
  const entries = bytes.toBase64();
  const applied = putLedger(state, { type: "putLedger", tenant: "acme", name, entries });
  assert.deepEqual(applied.refused, []);
  return applied.state;
}

function entriesIn(state: State, key = "acme/daily"): string[] {
  const pieces = [...ledgerPieces(state.ledgers.get(key)!, 100)];
  const found: string[] = [];
  for (const piece of pieces) {
    assert.ok(piece.length <= 100 && piece.length % 20 === 0);
    for (let at = 0; at < piece.length; at += 20) found.push(piece.slice(at, at + 20).toHex());
  }
  return found.sort();
}

Deno.test("a ledger has each version once, whatever comes twice", () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.nat(500))), (parts) => {
      let state = INITIAL_STATE;
      for (const part of parts) state = put(state, part);
      const versions = new Set(parts.flat());
      assert.equal(entriesOf(state), versions.size);
      if (versions.size === 0) return;
      assert.deepEqual(entriesIn(state), [...versions].map((one) => entry(one).toHex()).sort());
    }),
    { numRuns: 50 },
  );
});

Deno.test("a snapshot has all of a ledger", () => {
  const state = put(put(INITIAL_STATE, [1, 2, 3, 4_000]), [7], "other");
  const restoring = restoreState();
  for (const piece of snapshotState(state)) restoring.write(piece);
  const restored = restoring.end();
  assert.deepEqual(entriesIn(restored), entriesIn(state));
  assert.deepEqual(entriesIn(restored, "acme/other"), entriesIn(state, "acme/other"));
  assert.equal(entriesOf(restored), 5);
});

Deno.test("an earlier state of a ledger stays as it was", () => {
  const before = put(INITIAL_STATE, [1]);
  put(before, [2, 3]);
  assert.equal(entriesIn(before).length, 1);
});

Deno.test("what is no entry is refused", () => {
  const command = { type: "putLedger", tenant: "acme", name: "daily", entries: "AAAA" } as const;
  assert.match(putLedger(INITIAL_STATE, command).refused[0] ?? "", /no entries/);
});

/** A running job of a set with a ledger, in a state of so many entries. */
function leased(entries: number, keepMs: number | null, nowMs: number): State {
  const job: Job = {
    ...new Rig().job,
    state: "running",
    lease: LEASE,
    set: NEW_SET,
  };
  const set = { onlyNew: { ledger: "daily", keepMs } } as SetSpec;
  const spec = { ...job.spec, set };
  const state = { ...withJob(INITIAL_STATE, null, { ...job, tenant: "acme", spec }), nowMs };
  let at: State = state;
  for (let from = 0; from < entries; from += 100_000) {
    const count = Math.min(100_000, entries - from);
    at = put(at, Array.from({ length: count }, (_, n) => from + n));
  }
  return at;
}

const LEASE = { epoch: 1, group: 0, index: 7, agent: "local" };
const VERSION = "ab".repeat(16);

function files(more: Partial<FilesReport>, nowMs: number) {
  const jobId = new Rig().job.id;
  const counts = NO_COUNTS;
  const report = { batch: 1, grants: [], done: [], counts, failures: [], digest: EMPTY_DIGEST };
  const event = { type: "files", lease: LEASE, ...report, ...more } as const;
  return { version: 5, atMs: nowMs, command: { type: "jobEvent", jobId, event } } as const;
}

const GRANT = {
  path: "a",
  version: VERSION,
  grant: {
    leaseIndex: 7,
    temp: ".quorus-x~a-1.0.7.part",
    finalName: "a",
    replace: true,
    size: 1,
    sha256: null,
    root: null,
    fileId: null,
    level: "size",
  },
} as const;

Deno.test("what was published enters the ledger with its receipt, and is known from then on", () => {
  const granted = apply(leased(0, null, 1), files({ grants: [GRANT] }, 1), 10).state;
  assert.equal(entriesOf(granted), 0, "a grant is no receipt");
  const done = files({ batch: 2, done: [{ path: "a", outcome: "published" }] }, 1);
  const { state } = apply(granted, done, 11);
  assert.equal(entriesOf(state), 1);
  const versions = ["00".repeat(16), VERSION];
  const event = { type: "recall" as const, lease: LEASE, versions };
  const command = { type: "jobEvent" as const, jobId: new Rig().job.id, event };
  const { refused } = apply(state, { version: 5, atMs: 1, command }, 12);
  assert.deepEqual(refused, ["recalled:1"]);
  const again = apply(state, files({ batch: 3, grants: [GRANT] }, 1), 13);
  assert.match(again.refused.join(), /^already copied: ledger daily has this version of a/);
});

Deno.test("a full ledger refuses grants and says what to do, unless some may be forgotten", () => {
  const full = leased(1_000_000, null, 1_000);
  const refused = apply(full, files({ grants: [GRANT] }, 1_000), 10).refused.join();
  assert.match(refused, /^ledger full: the ledgers have 1000000 entries .* declare onlyNew/);
  const old = 10 * 86_400_000;
  const keeping = leased(1_000_000, 86_400_000, old);
  const { state, refused: none } = apply(keeping, files({ grants: [GRANT] }, old), 10);
  assert.deepEqual(none, []);
  assert.equal(entriesOf(state), 0, "all of them were older than a day");
});
