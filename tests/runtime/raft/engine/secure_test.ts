/** Who may speak to a member's Worker, and with which certificates. */

import assert from "node:assert/strict";
import { startLinkedNode } from "../../../../runtime/remote/linked_node.ts";
import { realEnv } from "../../../../runtime/env/real.ts";
import type { ListenTls } from "../../../../runtime/env/sockets.ts";
import { groupPath, GroupProtocol } from "../../../../runtime/raft/group_messages.ts";
import { store } from "../../../../examples/13_kv/store.ts";
import { joinGroup, startNode } from "../../../../mod.ts";
import { freePorts } from "../../../real/free_ports.ts";
import { type Authority, makeAuthority, nodeIdentity } from "../../../servers/pki.ts";
import { turn } from "./real_group.ts";

const MODULE = new URL("./worker.ts", import.meta.url).href;
const WITHIN_MS = 30_000;

function tlsOf(authority: Authority, node: string): ListenTls {
  const identity = nodeIdentity(authority, node, { uris: [`quorus://${node}`] });
  return { ...identity, caCerts: [authority.cert] };
}

/** A group of one whose Worker listens with TLS. */
async function alone(authority: Authority) {
  const folder = await Deno.makeTempDir({ prefix: "quorus-engine-" });
  const [port] = freePorts(1);
  const tls = tlsOf(authority, "a.raft");
  const changes: { secure: ((tls: ListenTls) => void) | null } = { secure: null };
  const node = startNode({ id: "a", log: { write: () => {} } });
  const listen = [{ hostname: "127.0.0.1", port: port!, tls }];
  const kv = await joinGroup(node, store, {
    name: "kv",
    folder,
    members: ["a"],
    engine: {
      module: MODULE,
      links: { listen, tls, requireCertificate: true },
      follow: (secure) => {
        changes.secure = secure;
        return () => void (changes.secure = null);
      },
    },
  });
  const stop = async () => {
    await node.stop();
    await Deno.remove(folder, { recursive: true });
  };
  return { kv, changes, url: `wss://127.0.0.1:${port}`, stop };
}

/** Dials the Worker as `id`, and asks for a vote in a later term, as its transfer would; false: no link. */
async function campaign(authority: Authority, id: string, url: string, term: number) {
  const env = realEnv({ log: { write: () => {} } });
  const links = { tls: tlsOf(authority, id), requireCertificate: true };
  const node = startLinkedNode(env, { id, links, onFatal: () => {} });
  try {
    await node.links.connect({ node: "a.raft", url });
    const worker = node.ref(GroupProtocol, `quorus://a.raft/${groupPath("kv")}`);
    const head = { type: "vote", from: id, to: "a", term } as const;
    await worker.send("raft", { ...head, lastIndex: 9, lastTerm: 9, transfer: true });
    return true;
  } catch {
    return false;
  } finally {
    await node.stop();
    env.close();
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (const endMs = performance.now() + WITHIN_MS; !holds();) {
    assert.ok(performance.now() < endMs, "in vain");
    await turn();
  }
}

Deno.test("a member's Worker hears the Workers of others, and no other node of the cluster", async () => {
  const authority = makeAuthority("authority");
  const { kv, url, stop } = await alone(authority);
  try {
    await until(() => kv.status().role === "leader");
    assert.equal(await campaign(authority, "agent", url, 99), true);
    assert.equal(await campaign(authority, "b.raft", url, 88), true);
    await until(() => kv.status().term >= 88);
    assert.ok(kv.status().term < 99);
  } finally {
    await stop();
  }
});

Deno.test("a member's Worker takes up other certificates while it runs", async () => {
  const [before, after] = [makeAuthority("before"), makeAuthority("after")];
  const { kv, changes, url, stop } = await alone(before);
  try {
    await until(() => kv.status().role === "leader");
    assert.equal(await campaign(after, "b.raft", url, 77), false);
    changes.secure!({ ...tlsOf(after, "a.raft"), key: "none" });
    changes.secure!(tlsOf(after, "a.raft"));
    await until(() => kv.status().role === "leader");
    const endMs = performance.now() + WITHIN_MS;
    while (!await campaign(after, "b.raft", url, 99)) assert.ok(performance.now() < endMs);
    await until(() => kv.status().term >= 99);
  } finally {
    await stop();
  }
  assert.equal(changes.secure, null, "nobody is followed any more");
});
