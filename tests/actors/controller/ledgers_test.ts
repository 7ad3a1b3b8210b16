import assert from "node:assert/strict";
import fc from "fast-check";
import { entriesOf, ledgerPieces, putLedger } from "../../../actors/controller/ledgers.ts";
import { restoreState, snapshotState } from "../../../actors/controller/snapshot.ts";
import { INITIAL_STATE, type State } from "../../../actors/controller/state.ts";

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
