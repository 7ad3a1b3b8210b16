import assert from "node:assert/strict";
import fc from "fast-check";
import { checkChange, type GroupSight } from "../../../actors/desk/change_checks.ts";
import type { GroupChange } from "../../../actors/desk/messages.ts";

type Member = GroupSight["status"]["configuration"]["members"][number];

/** A group as its leader sees it: `c1` leads; those in `away` do not answer. */
interface Drawn {
  readonly members: readonly (Partial<Member> & { readonly id: string })[];
  readonly away?: readonly string[];
  readonly lag?: Readonly<Record<string, number>>;
  readonly linked?: readonly string[];
}

function sightOf({ members, away = [], lag = {}, linked = [] }: Drawn): GroupSight {
  const whole = members.map((member) => ({
    ...{ role: "voter", witness: false, priority: 1 } as const,
    ...member,
  }));
  const peers = whole.filter(({ id }) => id !== "c1").map(({ id }) => ({
    id,
    silentMs: away.includes(id) ? 60_000 : 40,
    lagEntries: lag[id] ?? 0,
  }));
  const configuration = { members: whole, outgoing: null };
  const status = { member: "c1", leader: "c1", role: "leader", configuration, peers };
  return {
    status: status as unknown as GroupSight["status"],
    isLinked: (node) => linked.includes(node),
    silentMs: 2_000,
    lagEntries: 100,
  };
}

function codeOf(drawn: Drawn, change: GroupChange): string {
  const { refused } = checkChange(sightOf(drawn), change);
  return refused?.code ?? "allowed";
}

const THREE = [{ id: "c1" }, { id: "c2" }, { id: "c3" }];
const FOURTH = { id: "c4", role: "learner" } as const;

Deno.test("a voter is not removed while the others are no majority without it", () => {
  const remove = (node: string) => ({ type: "removeController", node }) as const;
  const drawn = { members: THREE, away: ["c2"] };
  const { refused } = checkChange(sightOf(drawn), remove("c3"));
  assert.deepEqual(refused, {
    code: "wouldLoseQuorum",
    message: "without c3 2 of 2 voters are needed, and only 1 answers: bring c2 back first",
  });
  assert.equal(codeOf(drawn, remove("c2")), "allowed");
  assert.equal(codeOf({ members: [{ id: "c1" }] }, remove("c1")), "wouldLoseQuorum");
  assert.equal(codeOf({ members: THREE }, remove("c9")), "notFound");
});

Deno.test("only witnesses are no group: they keep no data", () => {
  const members = [{ id: "c1" }, { id: "c2", witness: true }, { id: "c3", witness: true }];
  assert.equal(codeOf({ members }, { type: "removeController", node: "c1" }), "wouldLoseQuorum");
});

Deno.test("a controller is added once it is linked, and again without harm", () => {
  const add = { type: "addController", node: "c4", witness: false } as const;
  assert.equal(codeOf({ members: THREE }, add), "notReady");
  assert.equal(codeOf({ members: THREE, linked: ["c4"] }, add), "allowed");
  assert.equal(codeOf({ members: [...THREE, FOURTH] }, add), "allowed");
  const witness = { ...add, witness: true };
  assert.equal(codeOf({ members: [...THREE, FOURTH] }, witness), "conflict");
});

Deno.test("a learner that is away is not promoted, nor put in anybody's place", () => {
  const promote = { type: "promoteController", node: "c4" } as const;
  const replace = { type: "replaceController", node: "c2", by: "c4" } as const;
  const members = [...THREE, FOURTH];
  assert.equal(codeOf({ members, away: ["c4"] }, promote), "notReady");
  assert.equal(codeOf({ members, away: ["c4"] }, replace), "notReady");
  assert.equal(codeOf({ members }, promote), "allowed");
  assert.equal(codeOf({ members, away: ["c2"] }, replace), "allowed");
  assert.equal(codeOf({ members: THREE, linked: ["c4"] }, replace), "allowed");
});

Deno.test("leadership goes to none that is away, behind, in maintenance or unfit", () => {
  const to = (node: string | null) => ({ type: "transferLeadership", to: node }) as const;
  const members = [...THREE, { id: "c4", priority: 0 }, { id: "c5", witness: true }, {
    ...FOURTH,
    id: "c6",
  }];
  const drawn = { members, away: ["c3"], lag: { c2: 50 } };
  assert.equal(codeOf(drawn, to("c2")), "allowed");
  assert.equal(codeOf({ ...drawn, lag: { c2: 101 } }, to("c2")), "notReady");
  for (const node of ["c3", "c4", "c5", "c6"]) assert.equal(codeOf(drawn, to(node)), "notReady");
  assert.equal(codeOf(drawn, to(null)), "allowed");
  assert.equal(codeOf({ ...drawn, away: ["c2", "c3"] }, to(null)), "notReady");
});

Deno.test("the last one that could lead is not put into maintenance", () => {
  const on = (node: string) => ({ type: "setMaintenance", node, on: true }) as const;
  const members = [{ id: "c1" }, { id: "c2", priority: 0 }, { id: "c3" }];
  assert.equal(codeOf({ members }, on("c1")), "allowed");
  assert.equal(codeOf({ members, away: ["c3"] }, on("c1")), "notReady");
  assert.equal(codeOf({ members }, { type: "setMaintenance", node: "c2", on: false }), "allowed");
});

Deno.test("whatever change is allowed leaves a majority that answers, and data with somebody", () => {
  const ids = ["c1", "c2", "c3", "c4", "c5", "c6"];
  const member = (id: string) =>
    fc.record({
      id: fc.constant(id),
      role: fc.constantFrom("voter" as const, "voter" as const, "learner" as const),
      witness: fc.boolean(),
      priority: fc.constantFrom(0, 1),
    });
  const group = fc.record({
    members: fc.tuple(...ids.slice(1).map(member)).chain((others) =>
      fc.subarray(others).map((some) => [{ id: "c1" }, ...some])
    ),
    away: fc.subarray(ids.slice(1)),
    linked: fc.subarray(ids),
  }).map((drawn) => ({ ...drawn, linked: drawn.linked.filter((id) => !drawn.away.includes(id)) }));
  const node = fc.constantFrom(...ids);
  const change = fc.oneof(
    node.map((id) => ({ type: "promoteController" as const, node: id })),
    node.map((id) => ({ type: "removeController" as const, node: id })),
    fc.tuple(node, node).map(([one, by]) => ({
      type: "replaceController" as const,
      node: one,
      by,
    })),
  );
  fc.assert(fc.property(group, change, (drawn, wish) => {
    const sight = sightOf(drawn);
    const { members } = sight.status.configuration;
    const decides = (all: readonly Member[]) => {
      const voters = all.filter(({ role }) => role === "voter");
      const alive = voters.filter(({ id }) => !drawn.away.includes(id));
      return 2 * alive.length > voters.length && voters.some(({ witness }) => !witness);
    };
    // What has no quorum now can lose none; the group itself commits nothing then.
    fc.pre(decides(members));
    if (checkChange(sight, wish).refused !== null) return;
    assert.ok(decides(after(members, wish)), JSON.stringify({ drawn, wish }));
  }));
});

function after(members: readonly Member[], change: GroupChange): Member[] {
  const voting = (id: string): Member => {
    const known = members.find((one) => one.id === id);
    return { id, witness: false, priority: 1, ...known, role: "voter" };
  };
  if (change.type === "removeController") return members.filter(({ id }) => id !== change.node);
  const added = change.type === "promoteController" ? change.node : null;
  const by = change.type === "replaceController" ? change.by : added;
  if (by === null) return [...members];
  const gone = change.type === "replaceController" ? change.node : null;
  // Repeated: it was done before.
  if (gone !== null && !members.some(({ id }) => id === gone)) return [...members];
  return [...members.filter(({ id }) => id !== by && id !== gone), voting(by)];
}
