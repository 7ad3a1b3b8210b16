/** How a controller's settings give its Raft a Worker with links of its own. */

import assert from "node:assert/strict";
import { controllerSettings } from "../../cli/config/roles.ts";
import { PkiFolder } from "../../cli/pki/folder.ts";
import { Certificates } from "../../cli/roles/certificates.ts";
import { raftWorker } from "../../cli/roles/raft_worker.ts";
import { withSession } from "../../cli/session.ts";
import { isEngineNodeId } from "../../runtime/raft/engine_messages.ts";
import { inFolder } from "./folder.ts";
import { MemoryProcess } from "./memory_process.ts";

const CONTROLLERS = {
  c1: "ws://127.0.0.1:4101",
  c2: "ws://127.0.0.1:4102",
  c3: "ws://127.0.0.1:4103",
};
const RAFT = {
  c1: "ws://127.0.0.1:4201",
  c2: "ws://127.0.0.1:4202",
  c3: "ws://127.0.0.1:4203",
};

function engineOf(settings: Readonly<Record<string, unknown>>) {
  const parsed = controllerSettings.parse({
    node: "c2",
    controllers: CONTROLLERS,
    raftListen: "127.0.0.1:4202",
    raftControllers: RAFT,
    ...settings,
  });
  return withSession(
    new MemoryProcess([]),
    (session) => raftWorker(session, parsed, new Certificates(session.env)),
  );
}

Deno.test("the Worker of a controller listens for the others' Raft, and calls those before it", async () => {
  const engine = await engineOf({});
  assert.deepEqual(engine?.links.peers, [{ node: "c1.raft", url: RAFT.c1 }]);
  assert.deepEqual(
    engine?.links.listen?.map(({ hostname, port }) => `${hostname}:${port}`),
    ["127.0.0.1:4202"],
  );
  assert.match(String(engine?.module), /raft_worker\.ts$/);
});

Deno.test("a controller that joins calls the Raft of all others, since they may not know it", async () => {
  const engine = await engineOf({ join: true });
  assert.deepEqual(engine?.links.peers?.map(({ node }) => node), ["c1.raft", "c3.raft"]);
});

Deno.test("without addresses of its own, or where it is turned off, Raft stays in the node's thread", async () => {
  assert.equal(await engineOf({ raftControllers: {} }), null);
  assert.equal(await engineOf({ raftWorker: false }), null);
});

Deno.test("settings of Raft's links that cannot hold are refused with what is missing", async () => {
  await assert.rejects(engineOf({ raftListen: undefined }), /raftListen is not/);
  const { c3: _, ...some } = RAFT;
  await assert.rejects(engineOf({ raftControllers: some }), {
    code: "invalidInput",
    message: /raftControllers lacks c3/,
  });
});

Deno.test("Raft's links prove themselves by the controller's certificate, also by a new one", () =>
  inFolder((cwd) =>
    withSession(new MemoryProcess([], { cwd }), async ({ env }) => {
      const pki = new PkiFolder(env, `${cwd}/pki`);
      await pki.init("test", 10);
      const { names } = await pki.issue("demo", "c2", ["controller"], 5);
      assert.ok(names.includes("quorus://c2.raft"));
      assert.ok(
        !(await pki.issue("demo", "a1", ["agent"], 5)).names.some((name) => isEngineNodeId(name)),
      );
      const file = (name: string) => `${cwd}/pki/${name}`;
      const tls = { cert: file("c2.pem"), key: file("c2.key"), ca: file("ca.pem") };
      const engine = await engineOf({ tls });
      assert.equal(engine?.links.requireCertificate, true);
      assert.equal(engine?.links.listen?.[0]?.tls?.cert, Deno.readTextFileSync(tls.cert));
      assert.ok(engine?.follow !== undefined);
    })
  ));

Deno.test("no node may have the name of a Raft Worker", () => {
  const parsed = controllerSettings.safeParse({ node: "c1.raft", controllers: CONTROLLERS });
  assert.equal(parsed.success, false);
});
