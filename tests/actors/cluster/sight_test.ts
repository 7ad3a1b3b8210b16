/** What holds of the cluster: what a new leader cannot know yet stays as another one has noted it. */

import assert from "node:assert/strict";
import type { ArchiveStatus } from "../../../actors/archive/messages.ts";
import { CLUSTER_LIMITS } from "../../../actors/cluster/limits.ts";
import { type ClusterSight, factsOf } from "../../../actors/cluster/sight.ts";
import { type ClusterFact, factKey } from "../../../actors/controller/cluster_facts.ts";
import { limitValues } from "../../../runtime/base/limits.ts";
import { PersistentMap } from "../../../runtime/base/persistent_map.ts";

const LIMITS = { ...limitValues(CLUSTER_LIMITS), damageShownMs: 10_000 };
const WHOLE: ArchiveStatus = {
  ...{ first: 1, count: 3, missing: [], verifiedMs: null, verified: 3 },
  ...{ damaged: 0, lastDamagedMs: null },
};

interface Told extends Partial<Omit<ClusterSight, "noted" | "status" | "archives">> {
  /** Since when `c2` was not heard of. */
  readonly silentMs?: number;
  readonly noted?: readonly ClusterFact[];
  readonly archive?: Partial<ArchiveStatus>;
}

function keysOf({ silentMs = 0, noted = [], archive, ...rest }: Told): string[] {
  const member = (id: string) => ({ id, role: "voter", witness: false, priority: 1 });
  const sight = {
    status: {
      member: "c1",
      configuration: { members: [member("c1"), member("c2")] },
      peers: [{ id: "c2", silentMs }],
    },
    ...{ term: 4, leadsMs: 60_000, heldBack: null, nowMs: 100_000 },
    archives: new Map(archive === undefined ? [] : [["c2", { ...WHOLE, ...archive }]]),
    noted: PersistentMap.from(noted.map((fact) => [factKey(fact), fact] as const)),
    ...rest,
  } as unknown as ClusterSight;
  const usual = ["leader", "member c1", "member c2"];
  return factsOf(sight, LIMITS).map(factKey).filter((key) => !usual.includes(key));
}

const DOWN: ClusterFact = { kind: "down", node: "c2" };
const PAUSED: ClusterFact = { kind: "reassignmentPaused", why: "5 of 6 are silent" };
const DAMAGED: ClusterFact = { kind: "archiveDamaged", node: "c2", segments: 1 };

Deno.test("a controller is down when it was silent for long, and up again when it was heard of just now", () => {
  assert.deepEqual(keysOf({ silentMs: LIMITS.memberDownMs }), []);
  assert.deepEqual(keysOf({ silentMs: LIMITS.memberDownMs + 1 }), ["down c2"]);
  const between = LIMITS.memberUpMs + 1;
  assert.deepEqual(keysOf({ silentMs: between }), []);
  assert.deepEqual(keysOf({ silentMs: between, noted: [DOWN] }), ["down c2"]);
  assert.deepEqual(keysOf({ silentMs: LIMITS.memberUpMs, noted: [DOWN] }), []);
});

Deno.test("a new leader, for whom nobody was silent for long, keeps to what was noted", () => {
  const leadsMs = LIMITS.memberDownMs - 1;
  assert.deepEqual(keysOf({ leadsMs, silentMs: 5, noted: [DOWN] }), ["down c2"]);
  assert.deepEqual(keysOf({ leadsMs, silentMs: 5 }), []);
  assert.deepEqual(keysOf({ leadsMs: leadsMs + 1, silentMs: 5, noted: [DOWN] }), []);
  assert.deepEqual(keysOf({ leadsMs, noted: [PAUSED] }), ["reassignmentPaused"]);
  assert.deepEqual(keysOf({ leadsMs: LIMITS.noteSettleMs, noted: [PAUSED] }), []);
  assert.deepEqual(keysOf({ leadsMs, heldBack: "7 of 9 are silent" }), ["reassignmentPaused"]);
});

Deno.test("damage of an archive holds for a while, and as noted while its controller does not answer", () => {
  const at = (lastDamagedMs: number) => keysOf({ archive: { damaged: 1, lastDamagedMs } });
  assert.deepEqual(at(90_001), ["archiveDamaged c2"]);
  assert.deepEqual(at(90_000), []);
  assert.deepEqual(keysOf({ noted: [DAMAGED] }), ["archiveDamaged c2"]);
  assert.deepEqual(keysOf({ noted: [DAMAGED], archive: {} }), []);
});
