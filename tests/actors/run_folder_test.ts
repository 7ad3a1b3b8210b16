import assert from "node:assert/strict";
import { openRunFolder } from "../../actors/run_folder.ts";
import { simulatedEnv } from "../../runtime/sim/env.ts";

Deno.test("a folder that another process holds is refused, and free once that one has died", async () => {
  const first = simulatedEnv({ seed: 1 });
  const { world } = first;
  await world.complete(openRunFolder(first.disk, "/data/run"));
  await assert.rejects(world.complete(openRunFolder(first.disk, "/data/run")), { code: "locked" });
  first.crash("process");
  const next = first.restart();
  const again = await world.complete(openRunFolder(next.disk, "/data/run"));
  await world.complete(again.unlock());
});

Deno.test("the newest log is found, and older ones are removed with what is in them", async () => {
  const env = simulatedEnv({ seed: 3 });
  await env.world.complete((async () => {
    const folder = await openRunFolder(env.disk, "/data/run");
    assert.equal(folder.epoch, 0);
    for (const epoch of [1, 2, 10]) {
      const path = await folder.makeLog(epoch);
      const file = await env.disk.open(`${path}/segment`, { write: true, create: true });
      await file.close();
    }
    await env.disk.makeDirectory("/data/run/log-x");
    await folder.unlock();
    const again = await openRunFolder(env.disk, "/data/run");
    assert.equal(again.epoch, 10);
    await again.dropLogsBefore(10);
    const names = (await env.disk.readDirectory("/data/run")).map(({ name }) => name).sort();
    assert.deepEqual(names, ["lock", "log-10", "log-x"]);
    await again.unlock();
  })());
});

Deno.test("the folder and its logs are there after a power loss", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const env = simulatedEnv({ seed });
    await env.world.complete((async () => {
      const folder = await openRunFolder(env.disk, "/data/of/a/run");
      const path = await folder.makeLog(1);
      const file = await env.disk.open(`${path}/segment`, { write: true, create: true });
      await file.sync();
      await env.disk.syncDirectory(path);
    })());
    env.crash("power");
    const next = env.restart();
    const folder = await next.world.complete(openRunFolder(next.disk, "/data/of/a/run"));
    assert.equal(folder.epoch, 1, `seed ${seed}`);
    const path = await next.world.complete(folder.makeLog(1));
    assert.notEqual(await next.world.complete(next.disk.stat(`${path}/segment`)), null);
  }
});

Deno.test("a folder that cannot be made says where and what to do", async () => {
  const env = simulatedEnv({ seed: 4 });
  await env.world.complete((async () => {
    const file = await env.disk.open("/data", { write: true, create: true });
    await file.close();
    await assert.rejects(openRunFolder(env.disk, "/data/run"), {
      code: "unusable",
      message: /\/data\/run.*--data/,
    });
  })());
});
