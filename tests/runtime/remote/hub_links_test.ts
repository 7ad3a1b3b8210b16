/** What links may look like: ports, TLS; and what comes over them that should not. */

import assert from "node:assert/strict";
import type { HubOptions } from "../../../runtime/remote/hub_options.ts";
import type { RefusalCode } from "../../../runtime/remote/handshake_refusals.ts";
import { encodePack } from "../../../runtime/remote/frames.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import type { Lane } from "../../../runtime/remote/wire.ts";
import { Any, askOf, CONTEXT, portPair, startHub, stateOf, type TestNode } from "./hub_nodes.ts";

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
    return { text, attachments: [], bytes: text.length };
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
