import assert from "node:assert/strict";
import { ACTOR_LIMITS } from "../../../actors/limits.ts";
import { type CleanedUp, cleanUp } from "../../../actors/workflow/cleanup.ts";
import { limitValues } from "../../../runtime/base/limits.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";

const DAY_MS = 86_400_000;

async function put(env: SimulatedEnv, path: string, ageDays: number): Promise<void> {
  await env.disk.makeDirectory(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  const file = await env.disk.open(path, { write: true, create: true });
  await file.setMtime(env.clock.now() - ageDays * DAY_MS);
  await file.close();
}

function cleaned(env: SimulatedEnv, target: string, limit = 100): Promise<CleanedUp> {
  const limits = limitValues(ACTOR_LIMITS, { cleanupFiles: limit });
  const { signal } = new AbortController();
  return cleanUp(env, { target, retentionDays: 7 }, { signal, tools: { limits } });
}

Deno.test("old regular files go; young, unfinished and foreign ones stay", async () => {
  const env = simulatedEnv({ seed: 1 });
  await env.world.complete((async () => {
    await put(env, "/old/a", 8);
    await put(env, "/old/deep/b", 30);
    await put(env, "/old/young", 6);
    await put(env, "/old/.quorus-run-1-1.0.3.part", 30);
    await put(env, "/outside/c", 30);
    env.machine.symlink("/outside", "/old/link");
    env.machine.symlink("/outside/c", "/old/file-link");
    for (const target of ["/old/", "file:///old"]) {
      const result = await cleaned(env, target);
      assert.deepEqual(result, { removed: target === "/old/" ? 2 : 0, kept: 4, partial: false });
    }
    assert.notEqual(await env.disk.stat("/outside/c"), null, "no link was followed");
    assert.notEqual(await env.disk.stat("/old/deep"), null, "directories stay");
    assert.equal(await env.disk.stat("/old/deep/b"), null);
  })());
});

Deno.test("a target that is a link, or nothing, is left alone", async () => {
  const env = simulatedEnv({ seed: 2 });
  await env.world.complete((async () => {
    await put(env, "/outside/c", 30);
    env.machine.symlink("/outside", "/target");
    const nothing = { removed: 0, kept: 0, partial: false };
    assert.deepEqual(await cleaned(env, "/target"), nothing);
    assert.deepEqual(await cleaned(env, "/nowhere"), nothing);
    assert.notEqual(await env.disk.stat("/outside/c"), null);
  })());
});

Deno.test("a directory of more files than the limit is cleaned in part, and that is said", async () => {
  const env = simulatedEnv({ seed: 3 });
  await env.world.complete((async () => {
    for (let n = 0; n < 5; n++) await put(env, `/many/${n}`, 30);
    assert.deepEqual(await cleaned(env, "/many", 3), { removed: 3, kept: 0, partial: true });
  })());
});
