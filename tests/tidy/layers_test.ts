import assert from "node:assert/strict";
import { mayImport, mayTouchHost, resolve } from "./layers.ts";

/** [from, specifier]: what the table of the design allows. */
const allowed: readonly (readonly [string, string])[] = [
  ["runtime/base/errors.ts", "./assert.ts"],
  ["runtime/raft/core/step.ts", "../../base/errors.ts"],
  ["runtime/raft/core/step.ts", "./log.ts"],
  ["runtime/raft/group.ts", "../actor/system.ts"],
  ["runtime/raft/group.ts", "zod"],
  ["runtime/actor/mailbox.ts", "node:assert/strict"],
  ["runtime/env/real/disk.ts", "node:fs"],
  ["runtime/env/real.ts", "./real/disk.ts"],
  ["runtime/env/real_links.ts", "ws"],
  ["runtime/env/sha256.ts", "node:crypto"],
  ["runtime/sim/world.ts", "../env/env.ts"],
  ["workflows/parse.ts", "yaml"],
  ["workflows/conditions.ts", "@marcbachmann/cel-js"],
  ["workflows/conditions.ts", "re2js"],
  ["workflows/model.ts", "zod/v4"],
  ["workflows/model.ts", "../runtime/base/errors.ts"],
  ["protocols/http.ts", "../runtime/env/env.ts"],
  ["protocols/http.ts", "./contract.ts"],
  ["protocols/wrappers/trace.ts", "../../runtime/telemetry/traces.ts"],
  ["actors/job/pipeline.ts", "../../protocols/contract.ts"],
  ["actors/job/pipeline.ts", "../../protocols/registry.ts"],
  ["actors/workflow/run.ts", "../../workflows/model.ts"],
  ["actors/job/actor.ts", "../../runtime/actor/actor.ts"],
  ["gateway/app.ts", "hono"],
  ["gateway/app.ts", "hono/cors"],
  ["gateway/jobs.ts", "../actors/job/messages.ts"],
  ["cli/run.ts", "commander"],
  ["cli/run.ts", "../protocols/http.ts"],
  ["cli/sim.ts", "../runtime/sim/world.ts"],
  ["cli/virtual_run.ts", "../runtime/sim/world.ts"],
  ["cli/process.ts", "node:process"],
  ["cli.ts", "./runtime/env/real.ts"],
  ["mod.ts", "./runtime/actor/actor.ts"],
  ["mod.ts", "./runtime/env/real.ts"],
  ["testing.ts", "./runtime/sim/world.ts"],
  ["tests/runtime/actor/mailbox_test.ts", "fast-check"],
  ["tests/runtime/actor/mailbox_test.ts", "../../../runtime/sim/world.ts"],
  ["tests/runtime/actor/mailbox_test.ts", "node:fs"],
  ["examples/01_actor.ts", "../mod.ts"],
  ["examples/01_actor.ts", "@quorus/quorus"],
];

/** [from, specifier, a part of the reason]: what it refuses. */
const refused: readonly (readonly [string, string, RegExp])[] = [
  ["runtime/base/errors.ts", "../env/env.ts", /base is under everything/],
  ["runtime/base/errors.ts", "zod", /base is under everything/],
  ["runtime/base/errors.ts", "node:path", /base is under everything/],
  ["runtime/raft/core/step.ts", "../../actor/actor.ts", /pure step function/],
  ["runtime/raft/core/step.ts", "../wal.ts", /pure step function/],
  ["runtime/raft/core/step.ts", "zod", /pure step function/],
  ["runtime/actor/actor.ts", "../../actors/job/messages.ts", /knows no file, job or tenant/],
  ["runtime/actor/actor.ts", "../sim/world.ts", /simulated time/],
  ["runtime/actor/actor.ts", "../env/real.ts", /takes an Env/],
  ["runtime/actor/actor.ts", "ws", /of npm, not ws/],
  ["runtime/store/kv.ts", "node:fs", /runtime\/env\/real\* only/],
  ["runtime/remote/link.ts", "node:net", /runtime\/env\/real\* only/],
  ["runtime/env/env.ts", "node:crypto", /runtime\/env\/real\* only/],
  ["workflows/plan.ts", "../runtime/env/env.ts", /never an Env/],
  ["workflows/plan.ts", "hono", /of npm, not hono/],
  ["protocols/http.ts", "../actors/job/machine.ts", /no job and no actor/],
  ["protocols/http.ts", "../runtime/actor/actor.ts", /no job and no actor/],
  ["protocols/http.ts", "node:http", /runtime\/env\/real\* only/],
  ["protocols/http.ts", "ssh2", /of npm, not ssh2/],
  ["actors/job/pipeline.ts", "../../protocols/http.ts", /contract and registry only/],
  ["actors/job/pipeline.ts", "../../protocols/memory.ts", /contract and registry only/],
  ["actors/job/pipeline.ts", "../../cli/run.ts", /contract and registry only/],
  ["actors/job/pipeline.ts", "yaml", /of npm, not yaml/],
  ["gateway/app.ts", "../runtime/raft/group.ts", /never to Raft/],
  ["gateway/app.ts", "../protocols/http.ts", /never to Raft/],
  ["gateway/app.ts", "../actors/job/machine.ts", /never to Raft/],
  ["cli/run.ts", "../runtime/sim/world.ts", /simulated time/],
  ["cli/run.ts", "../tests/tidy/layers.ts", /nothing imports tests/],
  ["cli/run.ts", "node:process", /runtime\/env\/real\* only/],
  ["cli/run.ts", "xstate", /of npm, not xstate/],
  ["mod.ts", "./runtime/sim/world.ts", /simulated time/],
  ["mod.ts", "./actors/job/messages.ts", /entries/],
  ["examples/01_actor.ts", "../tests/real/require.ts", /nothing imports tests/],
  ["runtime/actor/actor.ts", "npm:zod@4", /not pinned/],
  ["runtime/actor/actor.ts", "https://example.org/x.ts", /not pinned/],
  ["runtime/actor/actor.ts", "/etc/x.ts", /not pinned/],
  ["runtime/actor/actor.ts", "@quorus/quorus", /use a path/],
  ["scripts/x.ts", "zod", /no room/],
];

for (const [from, specifier] of allowed) {
  Deno.test(`mayImport() lets ${from} import ${specifier}`, () => {
    assert.equal(mayImport(from, specifier), null);
  });
}

for (const [from, specifier, reason] of refused) {
  Deno.test(`mayImport() refuses ${specifier} in ${from} and says why`, () => {
    assert.match(mayImport(from, specifier) ?? "allowed", reason);
  });
}

Deno.test("resolve() follows dots from the importing file", () => {
  assert.equal(resolve("a/b/c.ts", "../../d/./e.ts"), "d/e.ts");
  assert.equal(resolve("mod.ts", "./a.ts"), "a.ts");
});

Deno.test("mayTouchHost() names the real Env, the process port, tests and examples only", () => {
  const paths = ["runtime/env/real.ts", "runtime/env/real/net.ts", "cli.ts", "cli/process.ts"];
  for (const path of [...paths, "tests/x.ts", "examples/x.ts"]) assert.ok(mayTouchHost(path), path);
  for (const path of ["runtime/env/env.ts", "cli/run.ts", "runtime/sim/world.ts", "mod.ts"]) {
    assert.ok(!mayTouchHost(path), path);
  }
});
