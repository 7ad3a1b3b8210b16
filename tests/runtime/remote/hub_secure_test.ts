/** Certificates that are exchanged while links stand. */

import assert from "node:assert/strict";
import { Deadlines } from "../../../runtime/actor/deadlines.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { createHub } from "../../../runtime/remote/hub.ts";
import { type Authority, makeAuthority, nodeIdentity } from "../../servers/pki.ts";
import { TestDock } from "./hub_nodes.ts";

const LOOPBACK = { hostname: "127.0.0.1", port: 0 };

function tlsOf(authority: Authority, node: string, uris: readonly string[] = []) {
  const identity = nodeIdentity(authority, node, { uris: [`quorus://${node}`, ...uris] });
  return { ...identity, caCerts: [authority.cert] };
}

type Tls = ReturnType<typeof tlsOf>;

function hubOf(node: string, tls: Tls, listens: boolean) {
  const env = realEnv({ logLevel: "error" });
  const deadlines = new Deadlines(env.clock, env.timers);
  const listen = listens ? { listen: [{ ...LOOPBACK, tls }] } : {};
  const hub = createHub(env, new TestDock(node, deadlines), { ...listen, tls });
  return { hub, stop: () => hub.close().then(() => deadlines.close()).then(() => env.close()) };
}

Deno.test("new links use the certificates that were given last; those that stand go on", async () => {
  const [before, after] = [makeAuthority("before"), makeAuthority("after")];
  const server = hubOf("a", tlsOf(before, "a"), true);
  const early = hubOf("b", tlsOf(before, "b"), false);
  const late = hubOf("c", tlsOf(after, "c"), false);
  const stale = hubOf("d", tlsOf(before, "d"), false);
  try {
    await server.hub.ready;
    const url = server.hub.urls[0]!;
    await early.hub.connect({ node: "a", url });
    await assert.rejects(late.hub.connect({ node: "a", url }), { code: "UnknownAuthority" });
    server.hub.secure(tlsOf(after, "a"));
    assert.equal((await late.hub.connect({ node: "a", url })).state, "up");
    assert.equal(early.hub.peers()[0]?.state, "up");
    await assert.rejects(stale.hub.connect({ node: "a", url }), { code: "UnknownAuthority" });
    stale.hub.secure(tlsOf(after, "d"));
    assert.equal((await stale.hub.connect({ node: "a", url })).state, "up");
  } finally {
    await Promise.all([early, late, stale].map(({ stop }) => stop()));
    await server.stop();
  }
});

Deno.test("a certificate that cannot be used changes nothing", async () => {
  const authority = makeAuthority("authority");
  const server = hubOf("a", tlsOf(authority, "a"), true);
  const client = hubOf("b", tlsOf(authority, "b"), false);
  try {
    await server.hub.ready;
    const { key } = tlsOf(authority, "a");
    assert.throws(() => server.hub.secure({ ...tlsOf(authority, "a"), key }), { code: "tls" });
    assert.throws(() => server.hub.secure({ ...tlsOf(authority, "a"), caCerts: [] }), {
      code: "tls",
    });
    const { state } = await client.hub.connect({ node: "a", url: server.hub.urls[0]! });
    assert.equal(state, "up");
  } finally {
    await client.stop();
    await server.stop();
  }
});

Deno.test("both ends see the names that the other's certificate has proved", async () => {
  const authority = makeAuthority("authority");
  const server = hubOf("a", tlsOf(authority, "a", ["quorus-role://demo/controller/a"]), true);
  const client = hubOf("b", tlsOf(authority, "b", ["quorus-role://demo/agent/b"]), false);
  try {
    await server.hub.ready;
    const { certificateNames } = await client.hub.connect({
      node: "a",
      url: server.hub.urls[0]!,
    });
    assert.ok(certificateNames?.includes("quorus-role://demo/controller/a"));
    const seen = server.hub.peers()[0]?.certificateNames;
    assert.deepEqual(seen, ["quorus://b", "quorus-role://demo/agent/b", "b"]);
  } finally {
    await client.stop();
    await server.stop();
  }
});
