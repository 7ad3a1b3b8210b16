/** `doctor` on destinations that exist in memory only: every fence, everything that a place can lack. */

import assert from "node:assert/strict";
import { examineDestination } from "../../cli/doctor/destination.ts";
import { exitCodeOfFindings, type Finding } from "../../cli/doctor/finding.ts";
import { guaranteeOf } from "../../cli/doctor/guarantee.ts";
import type { SinkCapabilities, SourceFacts } from "../../protocols/contract.ts";
import { plainEndpoint } from "../../protocols/endpoint.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import { memoryProtocol } from "../../protocols/memory/protocol.ts";
import { MemoryStore } from "../../protocols/memory/store.ts";
import { intercepted } from "../../protocols/wrappers/intercept.ts";
import { simulatedEnv } from "../../runtime/sim/env.ts";
import { World } from "../../runtime/sim/world.ts";

async function examined(sink: Partial<SinkCapabilities>, failing: string | null = null) {
  const world = new World(3);
  const env = simulatedEnv({ seed: 3, world, name: "doctor" });
  const store = new MemoryStore(simulatedEnv({ seed: 4, world, name: "store" }), { sink });
  const protocol = intercepted(memoryProtocol(store), {
    around: (call, go) => {
      if (call.operation !== failing) return go();
      return Promise.reject(new ProtocolError("noSpace", "there is no space left; free some"));
    },
  });
  const endpoint = plainEndpoint("memory:/out/any");
  const found = await world.complete(examineDestination(protocol, endpoint, "place", env));
  return { ...found, store };
}

function markOf(findings: readonly Finding[], check: string): boolean | null | undefined {
  return findings.find((one) => one.check === check)?.ok;
}

for (const fence of ["token", "conditional", "seize", "none"] as const) {
  Deno.test(`doctor tries out a place whose fence is ${fence}, and leaves nothing`, async () => {
    const { findings, capabilities, store } = await examined({ fence });
    assert.deepEqual(findings.filter(({ ok }) => ok === false), []);
    assert.equal(markOf(findings, "fence"), fence === "none" ? null : true);
    assert.equal(capabilities?.fence, fence);
    assert.equal(store.files.size, 0);
    assert.equal(store.uploads.size, 0);
  });
}

Deno.test("doctor tells what a place lacks as facts, not as failures", async () => {
  const lacks = {
    resume: false,
    renameNoReplace: false,
    durableSync: false,
    readBack: false,
    mtime: false,
    fence: "none",
  } as const;
  const { findings, capabilities } = await examined(lacks);
  assert.equal(exitCodeOfFindings(findings), 0);
  for (const check of ["resume", "no replace", "hash", "time", "fence"]) {
    assert.equal(markOf(findings, check), null, check);
  }
  const promised = guaranteeOf(FACTS, capabilities!);
  const text = (check: string) => promised.find((one) => one.check === check)?.detail ?? "";
  assert.match(text("publish"), /^at least once/);
  assert.match(text("resume"), /^from the start: the destination keeps no part/);
  assert.match(text("verification"), /^up to size/);
  assert.match(text("durable"), /nothing can be synced/);
});

const FACTS: SourceFacts = {
  fingerprint: { size: 5, mtimeMs: 1_000, etag: null, version: null },
  ranges: true,
  mode: null,
  sha256: null,
};

Deno.test("the promise of a pair is that of its weaker end", async () => {
  const { capabilities } = await examined({ fence: "seize" });
  const of = (facts: Partial<SourceFacts>) =>
    new Map(guaranteeOf({ ...FACTS, ...facts }, capabilities!).map((one) => [one.check, one]));
  assert.equal(of({}).get("resume")?.ok, true);
  assert.equal(of({ ranges: false }).get("resume")?.ok, null);
  assert.match(of({ sha256: "00" }).get("verification")!.detail, /up to source hash/);
  assert.match(of({}).get("changes")!.detail, /not within one tick/);
  const unknown = { size: null, mtimeMs: null, etag: null, version: null };
  assert.match(of({ fingerprint: unknown }).get("changes")!.detail, /not found at all/);
});

Deno.test("whatever fails at a place is told, and what was written is removed all the same", async () => {
  for (const operation of ["stat", "create", "write", "sync", "publish", "hash", "seize"]) {
    const { findings, store } = await examined({}, operation);
    assert.ok(findings.some(({ ok }) => ok === false), operation);
    assert.equal(exitCodeOfFindings(findings), 1);
    assert.deepEqual([store.uploads.size, store.files.size], [0, 0], `${operation} leaves nothing`);
  }
});
