import assert from "node:assert/strict";
import { begin, why } from "../../../actors/adaptive/state.ts";
import { wayOf, Ways } from "../../../actors/adaptive/ways.ts";
import type { TransferSpec } from "../../../workflows/spec.ts";

const KEPT_MS = 600_000;

function held(atOnce: number, most = 16) {
  return { ...begin(most, atOnce), stage: "holding" } as const;
}

Deno.test("a way is begun with what was learnt of it, up to what is declared, for ten minutes", () => {
  const ways = new Ways();
  assert.equal(ways.begin("a -> b", "files", 64, 0).atOnce, 16);
  ways.keep("a -> b", "files", held(5), 1_000);
  const next = ways.begin("a -> b", "files", 64, 2_000);
  assert.deepEqual([next.atOnce, next.stage, next.why.cause], [5, "holding", "remembered"]);
  assert.equal(ways.begin("a -> b", "files", 3, 2_000).atOnce, 3);
  assert.equal(ways.begin("a -> b", "ranges", 64, 2_000).atOnce, 4, "ranges are another matter");
  assert.equal(ways.begin("a -> c", "files", 64, 2_000).atOnce, 16);
  assert.equal(ways.begin("a -> b", "files", 64, 1_001 + KEPT_MS).atOnce, 16);
});

Deno.test("what was only tried is not what was learnt", () => {
  const ways = new Ways();
  const trial = { from: 6, fromRate: 1, looks: 0, rates: 0 };
  ways.keep("a -> b", "files", { ...held(7), trial }, 0);
  assert.equal(ways.begin("a -> b", "files", 16, 1).atOnce, 6);
});

Deno.test("a number that was refused stays out of reach for what is left of its time", () => {
  const ways = new Ways();
  const refused = { refusedAt: 6, refusedMs: 20_000, refusedForMs: 30_000 };
  ways.keep("a -> b", "files", { ...held(5), ...refused }, 0);
  const next = ways.begin("a -> b", "files", 16, 15_000);
  assert.deepEqual([next.refusedAt, next.refusedMs, next.refusedForMs], [6, 5_000, 30_000]);
});

Deno.test("the way of which was heard longest ago is forgotten", () => {
  const ways = new Ways({ adaptWays: 2 });
  for (const way of ["a", "b", "a", "c"]) ways.keep(way, "files", held(5), 0);
  const first = (way: string) => ways.begin(way, "files", 16, 1).atOnce;
  assert.deepEqual([first("a"), first("b"), first("c")], [5, 16, 5]);
});

Deno.test("changes are counted by what they were, those of other threads too", () => {
  const ways = new Ways();
  ways.changed(held(4), held(5));
  ways.changed(held(5), held(4));
  ways.changed(held(4), { ...held(2), why: why("refused", 4) });
  const one = { files: 9, ranges: 9, raised: 3, lowered: 2, refused: 1 };
  ways.addChanges(one, null);
  ways.addChanges({ ...one, raised: 5 }, one);
  const end = ways.follow({ unit: "files", atOnce: 7 });
  assert.deepEqual(ways.counts, { files: 7, ranges: 0, raised: 6, lowered: 3, refused: 2 });
  end();
  assert.equal(ways.counts.files, 0);
});

Deno.test("a way goes from host to host, and names no user", () => {
  const spec = {
    source: { uri: "sftp://somebody@files.example:2222/in/" },
    destination: { uri: "file:///out/" },
  } as TransferSpec;
  assert.equal(wayOf(spec), "files.example:2222 -> here");
});
