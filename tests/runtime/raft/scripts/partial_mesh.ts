/**
 * Links that are cut here and there, for good: whoever reaches a quorum can lead, so somebody must, and
 * nobody may overthrow it again and again. Logs are equal when the links are cut; where only a member
 * with an older log reaches a quorum, Raft has no leader.
 */

import type { MemberId } from "../../../../runtime/raft/core/entry.ts";
import { SeededRandom } from "../../../../runtime/sim/random.ts";
import { openStage } from "./casting.ts";
import type { Stage } from "./stage.ts";

const CUT_SHARE = 0.45;
/** Election timeouts are 1 to 2 s; a leader without a quorum takes one to notice. */
const TO_ELECT_MS = 12_000;
const QUIET_MS = 8_000;

/** Cuts links until some member reaches a quorum by its own links, and not everybody everybody. */
function cutSome(stage: Stage, ids: readonly MemberId[], random: SeededRandom): void {
  const { links } = stage;
  const reaches = (id: MemberId) => ids.filter((other) => !links.isCut(id, other)).length;
  do {
    links.heal();
    for (const [place, one] of ids.entries()) {
      for (const other of ids.slice(place + 1)) {
        if (random.chance(CUT_SHARE)) links.cutBoth(one, other);
      }
    }
  } while (links.areWhole || !ids.some((id) => 2 * reaches(id) > ids.length));
}

/** What is wrong after the links of `seed` were cut; null: nothing. */
export function playMesh(seed: number): string | null {
  const random = new SeededRandom(seed, "partial mesh");
  const ids = ["a", "b", "c", "d", "e"].slice(0, random.integer(3, 5));
  const stage = openStage(ids.join(" "), new Map());
  stage.elect(ids[random.integer(0, ids.length - 1)]!);
  stage.pass(500);
  cutSome(stage, ids, random);
  stage.pass(TO_ELECT_MS);
  const leader = ids.find((id) => stage.rafts.get(id)!.role === "leader");
  if (leader === undefined) return "nobody leads";
  const { term, commit } = stage.rafts.get(leader)!;
  stage.chronicle.take();
  const proposal = { id: stage.chronicle.wish("x"), data: new Uint8Array(1) };
  stage.tell(leader, { type: "propose", proposals: [{ ...proposal, durability: "quorum" }] });
  stage.settle();
  stage.pass(QUIET_MS);
  const raft = stage.rafts.get(leader)!;
  if (raft.commit <= commit) return `${leader} leads term ${term} and commits nothing`;
  return raft.role === "leader" && raft.term === term ? null : `${leader} was overthrown`;
}

/** The first seed of which something is wrong; null: none. */
export function exploreMeshes(
  seeds: number,
): { readonly seed: number; readonly why: string } | null {
  for (let seed = 1; seed <= seeds; seed += 1) {
    const why = playMesh(seed);
    if (why !== null) return { seed, why };
  }
  return null;
}

if (import.meta.main) console.log(JSON.stringify(exploreMeshes(Number(Deno.args[0] ?? 100))));
