import assert from "node:assert/strict";
import { FileSink } from "../../../protocols/file/sink.ts";
import { fileUriOf } from "../../../protocols/file/uri.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { assertFails, NEVER, patterned } from "../../conformance/case.ts";
import { bytesOf } from "./harness.ts";

const OPTIONS = { name: "f", replace: true, mtimeMs: null, mode: null };

Deno.test("many transfers into one new directory make it together", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const env = simulatedEnv({ seed });
    const root = seed % 2 === 0 ? "/" : null;
    await env.world.complete(Promise.all([1, 2, 3, 4].map(async (index) => {
      const uri = fileUriOf(`/a/b/c/f${index}`);
      const sink = new FileSink({ uri, createDirectories: true, root, sync: true }, env);
      const file = await sink.create(`t${index}`, NEVER);
      await file.write(patterned(10, index), 0);
      await sink.publish(file, { ...OPTIONS, name: sink.name });
      assert.deepEqual(await bytesOf(env, `/a/b/c/f${index}`), patterned(10, index));
    })));
  }
});

Deno.test("a file in a directory's place is no directory to make", async () => {
  const env = simulatedEnv({ seed: 1 });
  await env.world.complete((async () => {
    const blocking = await env.disk.open("/a", { write: true, create: true });
    await blocking.close();
    const uri = fileUriOf("/a/b/f");
    const sink = new FileSink({ uri, createDirectories: true, root: null, sync: true }, env);
    const error = await assertFails(
      () => sink.create("t", NEVER),
      ["notFound", "exists"],
      "create",
    );
    assert.equal(error.retryable, false);
    assert.equal(await sink.stat("f", NEVER), null);
  })());
});

Deno.test("a full disk is noSpace, definite, and publishes nothing", async () => {
  const env = simulatedEnv({ seed: 1, capacityBytes: 50_000 });
  await env.world.complete((async () => {
    const uri = fileUriOf("/f");
    const sink = new FileSink({ uri, createDirectories: false, root: null, sync: true }, env);
    const file = await sink.create("t", NEVER);
    await file.write(patterned(40_000), 0);
    const write = () => file.write(patterned(40_000), 40_000);
    const error = await assertFails(write, "noSpace", "write");
    assert.ok(error.definite && !error.retryable);
    assert.equal(await bytesOf(env, "/f"), null);
    await file.truncate(40_000);
    await file.close();
    await sink.abort("t");
  })());
});

Deno.test("a sync that fails is an error of the publish, and the final name stays free", async () => {
  const env = simulatedEnv({ seed: 1, syncErrorRate: 1 });
  await env.world.complete((async () => {
    const uri = fileUriOf("/f");
    const sink = new FileSink({ uri, createDirectories: false, root: null, sync: true }, env);
    const file = await sink.create("t", NEVER);
    await file.write(patterned(40_000), 0);
    await assertFails(() => sink.publish(file, OPTIONS), "io", "publish");
    assert.equal(await bytesOf(env, "/f"), null);
  })());
});
