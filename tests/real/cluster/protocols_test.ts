/** A cluster whose agents have a protocol from outside, and places that they may not reach. */

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { startFileServer } from "../../servers/file_server.ts";
import { bytesFile } from "../../servers/pattern.ts";
import { type ClusterUnderTest, quorusProcess, withCluster } from "./cluster_processes.ts";

const MODULE = resolve(import.meta.dirname ?? ".", "../../../examples/16_protocol/tar.ts");
const SMALL = { controllers: 1, agents: 1, gateways: 1 };

/** Adds lines to the settings of a node and starts it again. */
async function set({ cwd, cluster }: ClusterUnderTest, node: string, role: string, text: string) {
  const file = `${cwd}/.quorus/cluster/${node}/${role}.yaml`;
  await Deno.writeTextFile(file, text, { append: true });
  const { code, err } = await cluster("restart", node);
  assert.equal(code, 0, err);
}

function transfer(name: string, uri: string, to: string): string {
  return `
apiVersion: quorus.dev/v1
kind: Transfer
metadata: {name: ${name}}
spec:
  source: {uri: "${uri}"}
  destination: {path: "${to}"}
  retry: {maxAttempts: 1}
`;
}

Deno.test("agents carry out what a protocol from outside reads, and reach nothing that is denied", async () => {
  const server = startFileServer({ files: new Map([["/f", bytesFile(new Uint8Array(10))]]) });
  try {
    await withCluster(SMALL, async (cluster) => {
      const { cwd, nodes } = cluster;
      const settings = `protocols: ["${MODULE}"]\n`;
      await set(
        cluster,
        "a1",
        "agent",
        `${settings}reach: {deny: ["127.0.0.0/8:${server.port}"]}\n`,
      );
      await set(cluster, "g1", "gateway", settings);
      const bytes = new Uint8Array(12 * 2 ** 20).fill(7);
      await Deno.writeFile(`${cwd}/in.bin`, bytes);
      const packed = new Deno.Command("tar", { args: ["cf", "a.tar", "in.bin"], cwd });
      assert.ok((await packed.output()).success);
      const gateway = (await nodes()).find(({ role }) => role === "gateway");
      const door = ["--server", `http://${gateway?.place}`];
      const key = ["--key-file", `${cwd}/.quorus/cluster/admin.key`];
      const submit = async (name: string, uri: string) => {
        const file = `${cwd}/${name}.yaml`;
        await Deno.writeTextFile(file, transfer(name, uri, `${cwd}/${name}.out`));
        return await quorusProcess(cwd, ["submit", file, "--wait", ...door, ...key]);
      };
      const member = await submit("member", `tar://${cwd}/a.tar!/in.bin`);
      assert.equal(member.code, 0, member.out + member.err);
      assert.deepEqual(await Deno.readFile(`${cwd}/member.out`), bytes);
      const denied = await submit("denied", server.url("/f"));
      assert.equal(denied.code, 1, denied.out + denied.err);
      assert.match(denied.out + denied.err, /reach\.deny decides it/);
      assert.equal(server.requests().length, 0);
      const metadata = await submit("metadata", "http://169.254.169.254/latest");
      assert.equal(metadata.code, 1, metadata.out + metadata.err);
      assert.match(metadata.out + metadata.err, /reach\.metadata decides it/);
    });
  } finally {
    await server.close();
  }
});
