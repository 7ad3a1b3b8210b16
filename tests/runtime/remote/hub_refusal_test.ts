/** A node that stops right after it has refused another one still says why. */

import assert from "node:assert/strict";
import { World } from "../../../runtime/sim/world.ts";
import { REMOTE_LIMITS } from "../../../runtime/remote/limits.ts";
import { startHub, type TestNode } from "./hub_nodes.ts";

const URL_OF_A = "ws://a:4100";

/** Resolves when `node` has refused somebody, or was refused. */
function refusal({ env }: TestNode): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const { write } = env.log;
  env.log.write = (level, message, facts = {}) => {
    write.call(env.log, level, message, facts);
    if (message === "no link") resolve(String(facts["code"]));
  };
  return promise;
}

/** Its links close, and its process ends at once. */
async function exit({ hub, env }: TestNode, code: string): Promise<string> {
  await hub.close();
  env.crash("process");
  return code;
}

async function world(run: (world: World, a: TestNode) => Promise<void>): Promise<void> {
  const world = new World(1);
  const a = startHub(world, "a");
  await world.complete(a.hub.ready);
  await run(world, a);
  await world.complete(a.hub.close());
}

Deno.test("a calling node that exits after a refusal has said it", () =>
  world(async (world, a) => {
    const told = refusal(a);
    const b = startHub(world, "b", { token: "another", peers: [{ node: "a", url: URL_OF_A }] });
    const refused = refusal(b);
    assert.equal(await world.complete(refused.then((code) => exit(b, code))), "WrongToken");
    assert.equal(await world.complete(told), "WrongToken");
  }));

Deno.test("a called node that exits after a refusal has said it", () =>
  world(async (world, a) => {
    const refused = refusal(a);
    const b = startHub(world, "b", { peers: [{ node: "c", url: URL_OF_A }] });
    const told = refusal(b);
    assert.equal(await world.complete(refused.then((code) => exit(a, code))), "WrongName");
    assert.equal(await world.complete(told), "WrongName");
    await world.complete(b.hub.close());
  }));

Deno.test("a refusal that cannot leave holds a node that closes up for refusalMs", () =>
  world(async (world, a) => {
    const refused = refusal(a);
    const b = startHub(world, "b", { peers: [{ node: "c", url: URL_OF_A }] });
    const isolated = refused.then(() => world.network.partition([["a"], ["b"]]));
    await world.complete(isolated);
    const began = world.nowMs;
    await world.complete(a.hub.close());
    const tookMs = world.nowMs - began;
    const { value } = REMOTE_LIMITS.refusalMs;
    assert.ok(tookMs >= value / 2 && tookMs <= value + 10, `took ${tookMs} ms`);
    await world.complete(b.hub.close());
  }));

/** What "a", which listens as it is told, and "b", which dials `scheme`, have logged. */
async function mixed(scheme: "ws" | "wss"): Promise<{ called: string; calling: string }> {
  const world = new World(1);
  const pair = world.network.certificates.issue({ names: ["quorus://a"], authority: "ours" });
  const tls = { ...pair, caCerts: ["ours"] };
  const listen = { hostname: "a", port: 4100, ...(scheme === "ws" ? { tls } : {}) };
  const a = startHub(world, "a", { listen: [listen] });
  await world.complete(a.hub.ready);
  const b = startHub(world, "b", { listen: [], tls, peers: [{ url: `${scheme}://a:4100` }] });
  await world.pass(20);
  const said = ({ env }: TestNode) => String(env.machine.logRecords.at(-1)?.facts["reason"]);
  const sentences = { called: said(a), calling: said(b) };
  await world.complete(Promise.all([a.hub.close(), b.hub.close()]));
  return sentences;
}

Deno.test("wss: to a listener without TLS: both sides are told what to do", async () => {
  const { called, calling } = await mixed("wss");
  assert.match(called, /link with b:\d+: the caller speaks TLS and this listener does not; .*ws:/);
  assert.match(calling, /connect to a:4100: .*TLS.*; if it listens without TLS, dial ws:/);
});

Deno.test("ws: to a listener with TLS: both sides are told what to do", async () => {
  const { called, calling } = await mixed("ws");
  assert.match(called, /link with b:\d+: the caller speaks no TLS and this listener does; .*wss:/);
  assert.match(calling, /connect to a:4100: the other end speaks TLS; dial wss:/);
});
