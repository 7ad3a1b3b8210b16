import assert from "node:assert/strict";
import { ClientError, type HostOptions, quorusClient } from "../../client.ts";
import { gatewayApp } from "../../gateway/app.ts";
import { deskFeed } from "../../gateway/feed.ts";
import { GatewayRig, KEYS, PLACES, transferYaml } from "../gateway/rig.ts";
import { virtualHost } from "./virtual_host.ts";

const WORKFLOW = transferYaml();

/** A client of the app in front of three simulated controllers. */
function clientOf(rig: GatewayRig, key: string = KEYS.admin) {
  const fetch: HostOptions["fetch"] = async (url, init) => await rig.app.request(url, init);
  return quorusClient({ url: "http://g1", key, fetch, ...virtualHost(rig.gateway.env) });
}

Deno.test("a workflow is submitted, seen, paused, explained and cancelled", async () => {
  const rig = await GatewayRig.start();
  const quorus = clientOf(rig, KEYS.acme);
  const done = <T>(work: Promise<T>) => rig.cluster.done(work);
  const [started] = await done(quorus.runs.submit({ workflow: WORKFLOW }));
  assert.ok(started !== undefined);
  assert.equal(started.transfers, 1);
  const again = { idempotencyKey: "the-same" };
  const first = await done(quorus.jobs.submit({ workflow: WORKFLOW }, again));
  const second = await done(quorus.jobs.submit({ workflow: WORKFLOW }, again));
  assert.equal(second.id, first.id);
  const run = await done(quorus.runs.get(started.id));
  assert.deepEqual([run.id, run.tenant, run.name], [started.id, "acme", "nightly"]);
  await rig.cluster.world.pass(1_000);
  const ids = await done(Array.fromAsync(quorus.jobs.list({ labels: "tier=gold", limit: 1 })));
  assert.equal(ids.length, 2);
  await done(quorus.jobs.pause(first.id, { why: "lunch" }));
  assert.equal((await done(quorus.jobs.get(first.id))).state, "paused");
  assert.ok((await done(quorus.jobs.explain(first.id))).length > 0);
  await done(quorus.jobs.resume(first.id));
  await done(quorus.runs.cancel(started.id));
  await rig.cluster.world.pass(1_000);
  assert.equal((await done(quorus.runs.get(started.id))).state, "cancelled");
  const error = await done(quorus.runs.get("none").catch((thrown: unknown) => thrown));
  assert.ok(error instanceof ClientError);
  assert.equal(error.code, "not-found");
  await rig.stop();
});

Deno.test("definitions are kept in versions, keys are made here, the cluster shows itself", async () => {
  const rig = await GatewayRig.start();
  const quorus = clientOf(rig);
  const done = <T>(work: Promise<T>) => rig.cluster.done(work);
  const kept = await done(quorus.definitions.create(WORKFLOW, { tenant: "acme" }));
  const got = await done(quorus.definitions.get("nightly", { tenant: "acme" }));
  assert.deepEqual([got.text, got.version], [WORKFLOW, kept.version]);
  const late = quorus.definitions.put("nightly", WORKFLOW, { tenant: "acme", ifVersion: 0 });
  const error = await done(late.catch((thrown: unknown) => thrown));
  assert.equal((error as ClientError).code, "precondition-failed");
  const [run] = await done(quorus.definitions.run("nightly", {}, { tenant: "acme" }));
  assert.equal(run?.name, "nightly");
  await done(quorus.definitions.delete("nightly", { tenant: "acme", ifVersion: kept.version }));
  const made = await done(
    quorus.keys.create({ scope: "viewer", tenants: ["acme"], label: "board" }),
  );
  await rig.cluster.world.pass(3_000);
  const theirs = clientOf(rig, made.key);
  assert.equal((await done(theirs.runs.get(run?.id ?? ""))).id, run?.id);
  await done(quorus.keys.revoke(made.id));
  const view = await done(quorus.cluster.get());
  assert.equal(view.controllers.length, 3);
  assert.equal((await done(quorus.cluster.ready())).ready, true);
  assert.ok((await done(quorus.cluster.inspect())) !== undefined);
  assert.match(await done(quorus.cluster.metrics()), /^# HELP/m);
  assert.deepEqual(await done(Array.fromAsync(quorus.agents.list())), []);
  await rig.stop();
});

Deno.test("watch follows the real controllers, and goes on where a stream was cut", async () => {
  const rig = await GatewayRig.start();
  const { env, node, id } = rig.gateway;
  const feed = deskFeed(node, () => rig.cluster.ids);
  const app = gatewayApp({ env, node: id, door: rig.door, places: PLACES, feed });
  const cuts: (() => void)[] = [];
  const fetch: HostOptions["fetch"] = async (url, init) => {
    const response = await app.request(url, init);
    if (!url.includes("/v1/events") || response.body === null) return response;
    const cut = new AbortController();
    cuts.push(() => cut.abort(new Error("cut")));
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    response.body.pipeTo(writable, { signal: cut.signal }).catch(() => {});
    return new Response(readable, { headers: response.headers });
  };
  const quorus = quorusClient({ url: "http://g1", key: KEYS.acme, fetch, ...virtualHost(env) });
  const done = <T>(work: Promise<T>) => rig.cluster.done(work);
  const opened = Promise.withResolvers<void>();
  const stop = new AbortController();
  const types = ["dev.quorus.run.changed"] as const;
  const events = quorus.watch({ types, signal: stop.signal, onOpen: () => opened.resolve() });
  const next = events.next();
  await done(opened.promise);
  const [one] = await done(quorus.runs.submit({ workflow: WORKFLOW }));
  const first = (await done(next)).value;
  assert.ok(first?.type === "dev.quorus.run.changed");
  assert.deepEqual([first.data.id, first.tenant], [one?.id, "acme"]);
  cuts.at(-1)?.();
  await done(quorus.runs.cancel(one?.id ?? ""));
  const states: string[] = [];
  while (states.at(-1) !== "cancelled") {
    const { value } = await done(events.next());
    assert.ok(value?.type === "dev.quorus.run.changed");
    states.push(value.data.state);
  }
  assert.equal(cuts.length, 2);
  stop.abort();
  assert.equal((await done(events.next())).done, true);
  await done(feed.close());
  await rig.stop();
});
