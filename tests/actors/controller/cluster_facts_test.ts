/** What is noted of the cluster itself: each change is told once, the same by every controller. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { apply } from "../../../actors/controller/apply.ts";
import { type ClusterFact, factKey } from "../../../actors/controller/cluster_facts.ts";
import { type Command, ENTRY_VERSION } from "../../../actors/controller/commands.ts";
import { restoreState, snapshotState } from "../../../actors/controller/snapshot.ts";
import { INITIAL_STATE, type State } from "../../../actors/controller/state.ts";

const TERM = 3;

function note(state: State, facts: readonly ClusterFact[], term = TERM) {
  const command: Command = { type: "noteCluster", term: TERM, facts: [...facts] };
  return apply(
    state,
    { version: ENTRY_VERSION, atMs: 1_000, command },
    state.index + 1,
    term,
  );
}

const node = fc.constantFrom("c1", "c2", "c3");
const fact: fc.Arbitrary<ClusterFact> = fc.oneof(
  fc.record({ kind: fc.constant("leader" as const), node, term: fc.nat({ max: 3 }) }),
  fc.record({
    kind: fc.constant("member" as const),
    node,
    role: fc.constantFrom("voter", "learner"),
    witness: fc.boolean(),
    maintenance: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("down" as const), node }),
  fc.record({ kind: fc.constant("reassignmentPaused" as const), why: fc.string() }),
  fc.record({ kind: fc.constant("archiveDamaged" as const), node, segments: fc.nat({ max: 2 }) }),
);
/** As they come out of a log: plain objects. */
const facts = fc.uniqueArray(fact, { selector: factKey }).map((all) =>
  all.map((one) => ({ ...one }))
);

function restored(state: State): State {
  const restoring = restoreState();
  for (const piece of snapshotState(state)) restoring.write(piece);
  return restoring.end();
}

Deno.test("noted facts are those of the last note, and a second note of the same changes nothing", () => {
  fc.assert(fc.property(fc.array(facts, { minLength: 1, maxLength: 5 }), (notes) => {
    let state = INITIAL_STATE;
    for (const one of notes) {
      const before = state.noted;
      const applied = note(state, one);
      state = applied.state;
      assert.deepEqual([...state.noted.keys()].sort(), one.map(factKey).sort());
      // What is told leads from what was to what is.
      const told = new Map([...before]);
      for (const effect of applied.effects) {
        assert.ok(effect.type === "clusterChanged");
        const { before: from, after: to } = effect.change;
        if (to === null) told.delete(factKey(from!));
        else told.set(factKey(to), to);
      }
      assert.deepEqual([...told.keys()].sort(), [...state.noted.keys()].sort());
      assert.deepEqual(note(state, one).effects, []);
      assert.deepEqual(note(state, [...one].reverse()).effects, []);
    }
  }));
});

Deno.test("a member that comes from a snapshot tells the same changes in the same order", () => {
  fc.assert(fc.property(facts, facts, (first, second) => {
    const { state } = note(INITIAL_STATE, first);
    const live = note(state, second).effects;
    assert.deepEqual(note(restored(state), [...second].reverse()).effects, live);
  }));
});

Deno.test("a leader of an earlier term notes nothing", () => {
  const applied = note(INITIAL_STATE, [{ kind: "leader", node: "c1", term: TERM }], TERM + 1);
  assert.match(applied.refused[0]!, /term 3 does not lead/);
  assert.equal(applied.state.noted.size, 0);
});
