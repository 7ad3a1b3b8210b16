/** What links may look like: ports, TLS; and what comes over them that should not. */

import assert from "node:assert/strict";
import type { ListenOptions, Socket } from "../../../runtime/env/sockets.ts";
import type { HubOptions } from "../../../runtime/remote/hub_options.ts";
import type { RefusalCode } from "../../../runtime/remote/handshake_refusals.ts";
import { encodePack } from "../../../runtime/remote/frames.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import type { Lane } from "../../../runtime/remote/wire.ts";
import {
  Any,
  askOf,
  CONTEXT,
  linkedPair,
  portPair,
  startHub,
  stateOf,
  type TestNode,
} from "./hub_nodes.ts";

Deno.test("a port links two nodes without credential; bulk shares it", async () => {
  const { world, a, b } = await portPair();
  assert.deepEqual([stateOf(a, "b"), stateOf(b, "a")], ["up", "up"]);
  assert.equal(await world.complete(askOf(a, "b", "echo", 7).outcome), 7);
  b.hub.target("a", "disk", Any).tell("big", new Uint8Array(300_000), CONTEXT);
  await world.pass(100);
  assert.equal((a.dock.bodies("disk")[0] as Uint8Array).length, 300_000);
});

Deno.test("a port that closes ends the peer at once: nobody can open it again", async () => {
  const { world, a, sockets } = await portPair();
  const log: string[] = [];
  a.hub.watch("b", "w", (reason) => void log.push(reason));
  sockets.server.destroy();
  await world.pass(50);
  assert.equal(stateOf(a, "b"), "unreachable");
  assert.deepEqual(log, ["unreachable"]);
});

function inject(from: { send(frame: Uint8Array): void }, lane: Lane, records: unknown[]): void {
  const packed = records.map((record) => {
    const text = JSON.stringify(record);
    return { text, head: null, attachments: [], bytes: text.length };
  });
  from.send(encodePack(lane, packed));
}

Deno.test("malformed records cost themselves: the next ones come, the log stays small", async () => {
  const { world, a, b, sockets } = await portPair();
  const good = { v: 1, type: "test.any/tell", to: "x", body: 1 };
  inject(sockets.client, "message", [{ v: 0 }, { ...good, type: 5 }, 7, good]);
  inject(sockets.client, "control", [{ c: "no" }, ...Array(50).fill({ c: "ping", n: "x" })]);
  inject(sockets.client, "reply", [{ re: "x" }, { re: 99, body: 1 }]);
  await world.pass(100);
  assert.deepEqual(b.dock.bodies("x"), [1]);
  assert.equal(stateOf(b, "a"), "up");
  assert.equal(b.hub.peers()[0]!.counters!.malformed, 3 + 51 + 1);
  const logged = b.env.machine.logRecords.filter(({ message }) => /malformed/.test(message));
  assert.equal(logged.length, 5);
  assert.equal(stateOf(a, "b"), "up");
});

Deno.test("a malformed ask is answered, and an ask whose reply is malformed fails", async () => {
  const { world, a, sockets } = await portPair();
  const asked = askOf(a, "b", "slow", 1); // its id is 1
  await world.pass(20);
  inject(sockets.server, "reply", [{ re: 1, error: 5 }]);
  await assert.rejects(world.complete(asked.outcome), { code: "BadMessage" });
  const next = askOf(a, "b", "slow", 1); // its id is 2
  const bad = { v: 1, type: "test.any/ask", to: "slow", id: 2, budgetMs: "x", body: 1 };
  inject(sockets.client, "message", [bad]);
  await assert.rejects(world.complete(next.outcome), { code: "BadMessage" });
});

Deno.test("credit that was never given, and messages beyond the window, are counted", async () => {
  const { world, b, sockets } = await portPair();
  const processed = [{ lane: "message", to: "x", messages: 5, bytes: 5 }];
  inject(sockets.client, "control", [{ c: "credit", processed }]);
  await world.pass(50);
  assert.equal(b.hub.peers()[0]!.counters!.wrongCredit, 1);
  assert.equal(stateOf(b, "a"), "up");
});

Deno.test("a frame that is none closes the link, never the node", async () => {
  const { world, b, sockets } = await portPair();
  sockets.client.send(new Uint8Array([9, 9, 9]));
  await world.pass(50);
  assert.equal(stateOf(b, "a"), "unreachable");
});

Deno.test("what no socket was given goes over the next one", async () => {
  const options = { limits: { targetWindowBytes: 4_000_000 } };
  const { world, a, b } = await linkedPair(1, options, options);
  world.network.partition([["a"], ["b"]]);
  const target = b.hub.target("a", "x", Any);
  for (let n = 0; n < 300; n += 1) {
    const body = { n, bytes: new Uint8Array(10_000) };
    assert.equal(target.tell("tell", body, CONTEXT), "accepted");
    if (n % 10 === 9) await world.pass(1);
  }
  world.network.reset("a", "b");
  world.network.heal();
  await world.pass(4_000);
  const got = a.dock.bodies("x").map((body) => (body as { n: number }).n);
  const first = got[0]!;
  assert.ok(first > 0 && first < 100, `the socket had ${first} messages`);
  assert.deepEqual(got, Array.from({ length: 300 - first }, (_, index) => first + index));
  assert.deepEqual(b.hub.peers()[0]!.held, []);
});

Deno.test("a lost bulk socket loses only bulk, is opened again, and no ended waits for ever", async () => {
  const world = new World(1);
  const accepted: Socket[] = [];
  const env = simulatedEnv({ seed: 1, world, name: "a" });
  const listen = (options: ListenOptions, accept: (socket: Socket) => void) =>
    env.sockets.listen(options, (socket) => {
      accepted.push(socket);
      accept(socket);
    });
  const a = startHub(world, "a", {}, { ...env, sockets: { ...env.sockets, listen } });
  const b = startHub(world, "b");
  await world.complete(Promise.all([a.hub.ready, b.hub.ready]));
  await world.complete(b.hub.connect({ node: "a", url: "ws://a:4100" }));
  const log: string[] = [];
  a.hub.watch("b", "w", (reason) => void log.push(`${reason} ${a.dock.bodies("disk").length}`));
  const disk = b.hub.target("a", "disk", Any);
  disk.tell("big", 0, CONTEXT);
  await world.pass(100);
  world.network.partition([["a"], ["b"]]);
  for (let n = 1; n < 4; n += 1) disk.tell("big", n, CONTEXT);
  await world.pass(1);
  b.dock.end("w", "stopped");
  assert.equal(accepted.length, 2);
  accepted[1]!.destroy();
  world.network.heal();
  await world.pass(3_000);
  assert.deepEqual(log, ["stopped 1"]);
  disk.tell("big", 4, CONTEXT);
  await world.pass(500);
  const got = a.dock.bodies("disk") as number[];
  assert.equal(got.at(-1), 4);
  assert.deepEqual(got, [...new Set(got)].sort());
  assert.deepEqual(b.hub.peers()[0]!.held, []);
  assert.ok(!b.kinds().includes("down a"), "the main link stands");
});

const AUTHORITY = "authority of the tests";

interface Tls {
  readonly world: World;
  options(name: string, authority?: string, validToMs?: number): HubOptions;
}

function tlsWorld(): Tls {
  const world = new World(1);
  return {
    world,
    options: (name, authority = AUTHORITY, validToMs = Infinity) => {
      const names = [name];
      const pair = world.network.certificates.issue({ names, authority, validToMs });
      const tls = { ...pair, caCerts: [AUTHORITY] };
      return { tls, listen: [{ hostname: "a", port: 4100, tls }], allowPlain: false };
    },
  };
}

/** Starts a and b with certificates only, and lets b dial a. */
async function dialTls(
  { world }: Tls,
  aOptions: HubOptions,
  bOptions: HubOptions,
): Promise<{ outcome: string; a: TestNode; b: TestNode }> {
  const env = (name: string) => simulatedEnv({ seed: 1, world, name });
  const a = startHub(world, "a", { ...aOptions, requireCertificate: true }, env("a"));
  const b = startHub(
    world,
    "b",
    { ...bOptions, listen: [], requireCertificate: true },
    env("b"),
  );
  await world.complete(a.hub.ready);
  const outcome = await world.complete(
    b.hub.connect({ node: "a", url: "wss://a:4100" }).then(
      () => "linked",
      (error) => `${error.code}: ${error.message}`,
    ),
  );
  await world.pass(50);
  return { outcome, a, b };
}

Deno.test("two nodes with certificates that name them are linked over TLS", async () => {
  const tls = tlsWorld();
  const a = tls.options("quorus://a");
  const { outcome } = await dialTls(tls, a, tls.options("b"));
  assert.equal(outcome, "linked");
});

/** What is wrong, whose certificate it is, and the code that both sides see. */
const BAD: readonly [string, "a" | "b", string, string, number, RefusalCode][] = [
  ["names another node", "b", "quorus://c", AUTHORITY, Infinity, "WrongName"],
  ["is of another authority", "b", "quorus://b", "evil", Infinity, "UnknownAuthority"],
  ["has expired", "b", "quorus://b", AUTHORITY, 1, "ExpiredCertificate"],
  ["names another node", "a", "quorus://c", AUTHORITY, Infinity, "WrongName"],
  ["is of another authority", "a", "quorus://a", "evil", Infinity, "UnknownAuthority"],
  ["has expired", "a", "quorus://a", AUTHORITY, 1, "ExpiredCertificate"],
];

for (const [what, whose, name, authority, validToMs, code] of BAD) {
  Deno.test(`a certificate of ${whose} that ${what} is refused, and both logs say so`, async () => {
    const tls = tlsWorld();
    const good = (node: string): HubOptions => tls.options(`quorus://${node}`);
    const bad = tls.options(name, authority, validToMs);
    const { outcome, a, b } = await dialTls(
      tls,
      whose === "a" ? bad : good("a"),
      whose === "b" ? bad : good("b"),
    );
    assert.match(outcome, new RegExp(`^${code}: `));
    for (const node of [a, b]) {
      const logged = node.env.machine.logRecords.filter(({ message }) => message === "no link");
      assert.ok(logged.length >= 1, `${node.dock.node} logs nothing`);
    }
    assert.notEqual(stateOf(a, "b"), "up");
  });
}
