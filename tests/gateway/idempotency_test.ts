import assert from "node:assert/strict";
import { GatewayRig, transferYaml } from "./rig.ts";

const KEY = { "idempotency-key": '"2f6a7c3e"' };

Deno.test("the same request under the same key is done once, and answered alike at every gateway", async () => {
  const rig = await GatewayRig.start();
  const second = GatewayRig.of(rig.cluster, await rig.cluster.join("g2", ["gateway"]), {});
  const sent = { who: "acme", headers: KEY } as const;
  const first = await rig.submit("/v1/runs", transferYaml(), sent);
  assert.equal(first.status, 202, first.text);
  const again = await rig.submit("/v1/runs", transferYaml(), sent);
  assert.deepEqual([again.status, again.text], [first.status, first.text]);
  assert.equal(again.headers.get("idempotency-replayed"), "true");
  await rig.cluster.world.pass(1_500); // `${date:...}` is not the same any more
  const elsewhere = await second.submit("/v1/runs", transferYaml(), sent);
  assert.deepEqual([elsewhere.status, elsewhere.text], [first.status, first.text]);
  assert.equal((await rig.ask("/v1/runs")).json.items.length, 1);
  await rig.stop();
});

Deno.test("another request under a used key is refused, here and at another gateway", async () => {
  const rig = await GatewayRig.start();
  const second = GatewayRig.of(rig.cluster, await rig.cluster.join("g2", ["gateway"]), {});
  await rig.submit("/v1/runs", transferYaml(), { who: "acme", headers: KEY });
  for (const gateway of [rig, second]) {
    const other = transferYaml({ name: "other" });
    const refused = await gateway.submit("/v1/runs", other, { who: "acme", headers: KEY });
    assert.equal(refused.status, 422, refused.text);
    assert.equal(refused.json.type, "https://quorus.dev/problems/idempotency-key-reused");
    assert.equal(refused.json.errors[0].header, "Idempotency-Key");
  }
  assert.equal((await rig.ask("/v1/runs")).json.items.length, 1);
  await rig.stop();
});

Deno.test("two clients may use the same key", async () => {
  const rig = await GatewayRig.start();
  const mine = transferYaml({ tenant: "acme" });
  const yours = transferYaml({ tenant: "other" });
  const first = await rig.submit("/v1/runs", mine, { who: "acme", headers: KEY });
  const second = await rig.submit("/v1/runs", yours, { who: "other", headers: KEY });
  assert.deepEqual([first.status, second.status], [202, 202], second.text);
  assert.notEqual(first.json.runs[0].id, second.json.runs[0].id);
  await rig.stop();
});

Deno.test("a request that is being worked on is 409 for its twin, and then answered", async () => {
  const rig = await GatewayRig.start();
  const asking = {
    who: "acme",
    method: "POST",
    type: "application/yaml",
    body: transferYaml(),
    headers: KEY,
  } as const;
  const [first, twin] = await rig.cluster.done(
    Promise.all([rig.begin("/v1/runs", asking), rig.begin("/v1/runs", asking)]),
  );
  assert.deepEqual([first.status, twin.status], [202, 409], twin.text);
  assert.equal(twin.json.type, "https://quorus.dev/problems/request-in-flight");
  assert.equal((await rig.ask("/v1/runs", asking)).text, first.text);
  await rig.stop();
});

Deno.test("what was refused is not remembered: the same key may be used once it is mended", async () => {
  const rig = await GatewayRig.start();
  const bad = await rig.submit("/v1/runs", "kind: Nonsense", { who: "acme", headers: KEY });
  assert.equal(bad.status, 422);
  const good = await rig.submit("/v1/runs", transferYaml(), { who: "acme", headers: KEY });
  assert.equal(good.status, 202, good.text);
  await rig.stop();
});

Deno.test("a key that cannot be one is refused", async () => {
  const rig = await GatewayRig.start();
  for (const odd of ["", "two words", "x".repeat(300), "ümlaut"]) {
    const headers = { "idempotency-key": odd.replace("ü", "\u00fc") };
    const refused = await rig.submit("/v1/runs", transferYaml(), { who: "acme", headers });
    assert.equal(refused.status, 400, odd);
    assert.equal(refused.json.errors[0].header, "Idempotency-Key");
  }
  await rig.stop();
});

Deno.test("a write survives the end of the leader in the middle, exactly once", async () => {
  const rig = await GatewayRig.start();
  const { cluster } = rig;
  const leader = await cluster.leader();
  const writing = rig.begin("/v1/runs", {
    who: "acme",
    method: "POST",
    type: "application/yaml",
    body: transferYaml(),
  });
  cluster.crash(leader.id, "power");
  const answered = await cluster.done(writing);
  assert.equal(answered.status, 202, answered.text);
  assert.equal((await rig.ask("/v1/runs")).json.items.length, 1);
  await rig.stop();
});

Deno.test("without a quorum writes are 503 with Retry-After; stale reads are answered with their age", async () => {
  const rig = await GatewayRig.start({ writeMs: 6_000, readMs: 6_000 });
  const { cluster } = rig;
  await rig.submit("/v1/runs", transferYaml(), { who: "acme" });
  // A follower hears that something was committed with the next message of its leader.
  await cluster.world.pass(500);
  const [first, second] = cluster.ids;
  cluster.crash(first!, "power");
  cluster.crash(second!, "power");
  await cluster.world.pass(5_000);
  const stale = await rig.ask("/v1/runs?consistency=stale");
  assert.equal(stale.status, 200, stale.text);
  assert.equal(stale.json.items.length, 1);
  assert.ok(stale.json.freshness.ageMs >= 5_000, stale.text);
  assert.equal(stale.headers.get("quorus-age-ms"), String(stale.json.freshness.ageMs));
  assert.ok(Number(stale.headers.get("age")) >= 5);
  const written = await rig.submit("/v1/runs", transferYaml({ name: "b" }), { who: "acme" });
  assert.ok([503, 504].includes(written.status), written.text);
  assert.ok(Number(written.headers.get("retry-after")) >= 1);
  assert.equal(written.json.retryable, true);
  const fresh = await rig.ask("/v1/runs");
  assert.equal(fresh.status, 503, fresh.text);
  assert.equal(fresh.json.type, "https://quorus.dev/problems/no-quorum");
  const ready = await rig.ask("/readyz?verbose");
  assert.equal(ready.status, 503);
  assert.equal(ready.json.checks[0].name, "quorum");
  await rig.stop();
});
