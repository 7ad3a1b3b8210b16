/** A snapshot of the controllers' state as version 1 wrote it: nothing of it is lost when it is read. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { restoreState, snapshotState } from "../../actors/controller/snapshot.ts";
import type { State } from "../../actors/controller/state.ts";
import { canonicalJson } from "../../workflows/digest.ts";

const SAMPLE = new URL("./commands_v3_snapshot.jsonl", import.meta.url);

async function restored(): Promise<State> {
  const restoring = restoreState();
  restoring.write(await readFile(SAMPLE));
  return restoring.end();
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** What a line is about: its noun, and whatever names it. */
function aboutOf(line: string): string {
  const [noun, ...rest] = JSON.parse(line) as [string, ...unknown[]];
  const names = rest.map((part) => typeof part === "object" ? idOf(part) : part);
  return [noun, ...names].join(" ");
}

function idOf(value: unknown): unknown {
  const { id, name, number } = (value ?? {}) as Record<string, unknown>;
  return id ?? name ?? number;
}

/** Whether every field of `old` stands in `now`, which may have more. */
function holds(now: unknown, old: unknown): boolean {
  if (typeof old !== "object" || old === null || typeof now !== "object" || now === null) {
    return now === old;
  }
  return Object.entries(old).every(([key, value]) =>
    holds((now as Record<string, unknown>)[key], value)
  );
}

Deno.test("every line of the frozen snapshot is in the state that it gives", async () => {
  const frozen = linesOf(await readFile(SAMPLE, "utf8"));
  let text = "";
  for (const piece of snapshotState(await restored())) text += new TextDecoder().decode(piece);
  const now = new Map(linesOf(text).map((line) => [aboutOf(line), line]));
  assert.equal(new Set(frozen.map(aboutOf)).size, frozen.length);
  for (const line of frozen) {
    const found = now.get(aboutOf(line));
    assert.ok(found !== undefined, `lost: ${line.slice(0, 100)}`);
    assert.ok(holds(JSON.parse(found), JSON.parse(line)), canonicalJson(JSON.parse(found)));
  }
});

Deno.test("the frozen snapshot gives maps that can be asked, and the load of its jobs", async () => {
  const state = await restored();
  assert.deepEqual([...state.runs.keys()].sort(), ["run-3", "run-4"]);
  assert.equal(state.runs.get("run-4")?.jobs.get("a"), "run-4-0");
  assert.equal(state.runs.get("run-4")?.skipped.get("c")?.failed, false);
  assert.equal(state.load.leases.get("x"), 1);
  assert.equal(state.load.waiting, 1);
  assert.deepEqual([...state.archive.open.keys()], ["2"]);
  assert.equal(state.archive.open.get("2")?.[0]?.jobs.length, 1);
  assert.equal(state.archive.segments.size, 2);
});
