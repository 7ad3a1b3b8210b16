/** Who may say what in a cluster of processes: by certificates that links have proved. */

import assert from "node:assert/strict";
import { Desk, DESK_PATH } from "../../../actors/desk/messages.ts";
import { Fleet, FLEET_PATH } from "../../../actors/fleet/messages.ts";
import { PkiFolder } from "../../../cli/pki/folder.ts";
import { readTls } from "../../../cli/roles/tls.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { startLinkedNode } from "../../../runtime/remote/linked_node.ts";
import { withCluster } from "./cluster_processes.ts";

const LONE = { controllers: 1, agents: 0, gateways: 0 };
const ADMIN = { keyId: "made-up", scope: "admin" as const, tenants: null };

/** A node with the certificate of `certified` that calls itself `node`. */
async function intruder(folder: string, node: string, certified: string) {
  const env = realEnv({ logLevel: "error" });
  const [cert, key, ca] = [`${certified}.pem`, `${certified}.key`, "ca.pem"]
    .map((name) => `${folder}/pki/${name}`) as [string, string, string];
  const tls = await readTls(env.disk, { cert, key, ca });
  const linked = startLinkedNode(env, { id: node, links: { tls } });
  return { linked, stop: () => linked.stop({ withinMs: 0 }).then(() => env.close()) };
}

Deno.test("an agent's certificate speaks as that agent: no desk, no Raft, no other id", () =>
  withCluster(LONE, async ({ cwd, nodes }) => {
    const folder = `${cwd}/.quorus/cluster`;
    const env = realEnv();
    await new PkiFolder(env, `${folder}/pki`).issue("local", "a9", ["agent"], 1);
    env.close();
    const url = `wss://${(await nodes())[0]!.place}`;
    const honest = await intruder(folder, "a9", "a9");
    const liar = await intruder(folder, "c2", "a9");
    try {
      await honest.linked.links.connect({ node: "c1", url });
      const desk = honest.linked.ref(Desk, `quorus://c1/${DESK_PATH}`);
      const asking = desk.ask("read", {
        consistency: "stale",
        principal: ADMIN,
        query: { type: "cluster" },
      });
      await assert.rejects(asking, { code: "NotAdmitted" });
      const fleet = honest.linked.ref(Fleet, `quorus://c1/${FLEET_PATH}`);
      const left = await fleet.ask("leave", { agentId: "a9", why: "test", deregister: true });
      assert.ok(Array.isArray(left.refused), "what agents may say is answered");
      await assert.rejects(liar.linked.links.connect({ node: "c1", url }), { code: "WrongName" });
    } finally {
      await liar.stop();
      await honest.stop();
    }
  }));

Deno.test("a certificate for another cluster gives no role in this one", () =>
  withCluster(LONE, async ({ cwd, nodes }) => {
    const folder = `${cwd}/.quorus/cluster`;
    const env = realEnv();
    await new PkiFolder(env, `${folder}/pki`).issue("elsewhere", "c2", ["controller"], 1);
    env.close();
    const stranger = await intruder(folder, "c2", "c2");
    try {
      const url = `wss://${(await nodes())[0]!.place}`;
      await stranger.linked.links.connect({ node: "c1", url });
      const fleet = stranger.linked.ref(Fleet, `quorus://c1/${FLEET_PATH}`);
      const asking = fleet.ask("leave", { agentId: "a1", why: "test", deregister: true });
      await assert.rejects(asking, { code: "NotAdmitted" });
    } finally {
      await stranger.stop();
    }
  }));
