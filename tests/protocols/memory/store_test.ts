import assert from "node:assert/strict";
import type { SinkPlace } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { fingerprintChange } from "../../../protocols/fingerprint.ts";
import { memoryProtocol } from "../../../protocols/memory/protocol.ts";
import { MemoryStore, type MemoryStoreOptions } from "../../../protocols/memory/store.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import { assertFails, NEVER, patterned, readToEnd, sha256 } from "../../conformance/case.ts";

const PUBLISH = { name: "f", replace: true, mtimeMs: null, mode: null };
const SINK: SinkPlace = { uri: "memory:/f", createDirectories: false, root: null, sync: true };

function place(options: MemoryStoreOptions = {}, idleTimeoutMs: number | null = null) {
  const world = new World(3);
  const store = new MemoryStore(simulatedEnv({ seed: 3, world, name: "store" }), options);
  const env = simulatedEnv({ seed: 3, world, name: "client" });
  const protocol = memoryProtocol(store);
  const source = protocol.source!({
    ...plainEndpoint("memory:/f"),
    idleTimeoutMs,
  }, { env });
  return {
    world,
    store,
    env,
    source,
    sink: protocol.sink!({ ...plainEndpoint(SINK.uri), ...SINK }, { env }),
  };
}

Deno.test("the history tells who made, wrote, seized, removed and published what, and when", async () => {
  const { world, store, sink } = place({ delayMs: () => [10, 0] });
  await world.complete((async () => {
    const file = await sink.create("t", NEVER);
    await file.write(patterned(30), 0);
    await sink.seize("t", "s");
    await sink.abort("s");
    await sink.abort("s");
    const other = await sink.create("u", NEVER);
    await other.write(patterned(20, 2), 5);
    await sink.publish(other, PUBLISH);
  })());
  const told = store.history.map((e) => [e.operation, e.path, e.to, e.at, e.size]);
  assert.deepEqual(told, [
    ["create", "/t", null, null, 0],
    ["write", "/t", null, 0, 30],
    ["seize", "/t", "/s", null, 30],
    ["abort", "/s", null, null, 30],
    ["create", "/u", null, null, 0],
    ["write", "/u", null, 5, 20],
    ["publish", "/u", "/f", null, 25],
  ]);
  assert.equal(store.history[1]!.sha256, sha256(patterned(30)));
  assert.equal(store.history[6]!.sha256, sha256(store.get("/f")!));
  const times = store.history.map((event) => event.atMs - store.history[0]!.atMs);
  assert.deepEqual(times, [0, 10, 20, 30, 50, 60, 70]);
});

Deno.test("a failure is suffered as often as told; an applied one took effect and is not definite", async () => {
  const { world, store, sink } = place();
  store.setFaults("/t", {
    failures: [
      { operation: "write", times: 2, code: "noSpace" },
      { operation: "publish", times: 1, code: "io", applied: true },
    ],
  });
  await world.complete((async () => {
    const file = await sink.create("t", NEVER);
    for (let turn = 0; turn < 2; turn++) {
      const error = await assertFails(() => file.write(patterned(5), 0), "noSpace", "write");
      assert.ok(error.definite);
    }
    await file.write(patterned(5), 0);
    const error = await assertFails(() => sink.publish(file, PUBLISH), "io", "publish");
    assert.equal(error.definite, false);
    assert.deepEqual(store.get("/f"), patterned(5));
    const expected = { name: "f", size: 5, sha256: sha256(patterned(5)), fileId: file.fileId };
    assert.equal(await sink.probe("t", expected), "published");
  })());
});

Deno.test("a source that changes at a byte delivers torn bytes, and its confirmation tells", async () => {
  const { world, store, source } = place();
  store.put("/f", patterned(1_000, 1));
  store.setFaults("/f", { change: { atBytes: 400, bytes: patterned(1_000, 2) } });
  await world.complete((async () => {
    const reader = await source.open({ start: 0, end: null }, null, NEVER);
    const bytes = await readToEnd(reader, 100);
    assert.deepEqual(bytes.slice(0, 400), patterned(1_000, 1).slice(0, 400));
    assert.deepEqual(bytes.slice(400), patterned(1_000, 2).slice(400));
    const change = fingerprintChange(reader.facts.fingerprint, await reader.confirm());
    assert.match(change ?? "", /etag/);
  })());
});

Deno.test("a silent source fails with timeout after the endpoint's idle time", async () => {
  const { world, store, source, env } = place({}, 700);
  store.put("/f", patterned(10));
  store.setFaults("/f", { stallAtBytes: 0 });
  await world.complete((async () => {
    const reader = await source.open({ start: 0, end: null }, null, NEVER);
    const startedMs = env.clock.monotonic();
    const error = await assertFails(() => reader.read(new Uint8Array(5)), "timeout", "read");
    assert.ok(error.retryable);
    assert.equal(Math.round(env.clock.monotonic() - startedMs), 700);
    const waiting = assertFails(() => reader.read(new Uint8Array(5)), "aborted", "read");
    await reader.close();
    await waiting;
  })());
});

for (const landAfterDeath of [false, true]) {
  const lands = landAfterDeath ? "still lands" : "is lost";
  Deno.test(`a publish under way when its client dies ${lands}, and never settles`, async () => {
    const { world, store, sink, env } = place({ delayMs: () => [10, 10], landAfterDeath });
    const file = await world.complete(sink.create("t", NEVER));
    await world.complete(file.write(patterned(7), 0));
    let settled = false;
    const note = () => {
      settled = true;
    };
    sink.publish(file, PUBLISH).then(note, note);
    await world.pass(5);
    env.crash("process");
    await world.pass(1_000);
    assert.equal(store.get("/f") !== null, landAfterDeath);
    assert.equal(settled, false);
  });
}

Deno.test("a publish whose client dies before the answer has happened, and never settles", async () => {
  const { world, store, sink, env } = place({ delayMs: () => [10, 10] });
  const file = await world.complete(sink.create("t", NEVER));
  let settled = false;
  const note = () => {
    settled = true;
  };
  sink.publish(file, PUBLISH).then(note, note);
  await world.pass(15);
  env.crash("process");
  await world.pass(1_000);
  assert.notEqual(store.get("/f"), null);
  assert.equal(settled, false);
});

Deno.test("giving up on a call that lands late is not definite", async () => {
  for (const landAfterDeath of [false, true]) {
    const { world, store, sink } = place({ delayMs: () => [10, 10], landAfterDeath });
    const abort = new AbortController();
    const creating = assertFails(() => sink.create("t", abort.signal), "aborted", "create");
    await world.pass(5);
    abort.abort();
    assert.equal((await world.complete(creating)).definite, !landAfterDeath);
    await world.pass(100);
    assert.equal(store.uploads.has("/t"), landAfterDeath);
  }
});

Deno.test("with token fences the newest writer publishes, whoever began before it", async () => {
  const { world, store, sink } = place({ sink: { fence: "token" } });
  await world.complete((async () => {
    const old = await sink.create("t", NEVER);
    const fresh = await sink.create("u", NEVER);
    await fresh.write(patterned(3), 0);
    const error = await assertFails(() => sink.publish(old, PUBLISH), "denied", "publish");
    assert.ok(error.definite && !error.retryable);
    await sink.publish(fresh, PUBLISH);
    assert.deepEqual(store.get("/f"), patterned(3));
    const adopted = await sink.reopen("t", NEVER);
    await sink.publish(adopted!, PUBLISH);
    assert.deepEqual(store.get("/f"), new Uint8Array(0));
  })());
});

Deno.test("a read that was given up does not touch its buffer any more, whenever it lands", async () => {
  const { world, store, env, source, sink } = place({
    delayMs: () => [10, 10],
    landAfterDeath: true,
  });
  store.put("/f", patterned(8));
  const into = new Uint8Array(8);
  const giveUp = new AbortController();
  const reader = await world.complete(source.open({ start: 0, end: null }, null, giveUp.signal));
  const reading = reader.read(into).catch(() => "given up");
  env.timers.after(5, () => giveUp.abort());
  assert.equal(await world.complete(reading), "given up");
  await world.pass(100);
  assert.deepEqual(into, new Uint8Array(8), "somebody else may use it by now");
  const file = await world.complete(sink.create("t", NEVER));
  await world.complete(file.write(patterned(8), 0));
  assert.equal(await world.complete(file.read(into, 0)), 8);
  assert.deepEqual(into, patterned(8));
});
