/**
 * A relay in a cluster of processes: the source (OpenSSH) may be reached by two agents alone, the folder of
 * the destination belongs to two others. Who reads is killed (SIGKILL) in the middle, then who writes:
 * others go on with what was verified, the files are right, each is published once.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { parse, stringify } from "yaml";
import { patterned } from "../../conformance/case.ts";
import { type Sshd, startSshd } from "../../servers/sshd.ts";
import { freePorts } from "../free_ports.ts";
import { requirePrograms } from "../require.ts";
import { giveSecrets } from "./agent_secrets.ts";
import { type ClusterUnderTest, withCluster } from "./cluster_processes.ts";
import { type Receipt, type Scene, sceneOf, until } from "./scene.ts";

const SIZE = 96 * 2 ** 20;
const BANDWIDTH = "6MB/s";
const KILLED_AT_BYTES = 48 * 2 ** 20;
const LEAST_KEPT_BYTES = 16 * 2 ** 20;
const READERS = ["a1", "a2"];
const WRITERS = ["a3", "a4"];

/** What each agent may reach and has; only those that read accept links. */
async function separate({ cwd }: ClusterUnderTest, sshPort: number, out: string): Promise<void> {
  const ports = freePorts(READERS.length);
  for (const agent of [...READERS, ...WRITERS]) {
    const file = `${cwd}/.quorus/cluster/${agent}/agent.yaml`;
    const settings = parse(await Deno.readTextFile(file));
    const source = [`127.0.0.1:${sshPort}`];
    const own = READERS.includes(agent)
      ? {
        listen: `127.0.0.1:${ports[READERS.indexOf(agent)]}`,
        reach: { allow: source },
        volumes: [],
      }
      : { volumes: [{ path: out, create: true }], reach: { deny: source } };
    await Deno.writeTextFile(file, stringify({ ...settings, ...own }));
  }
}

function workflow(name: string, { port, root, user, fingerprint }: Sshd, out: string): string {
  return `apiVersion: quorus.dev/v1
kind: Transfer
metadata: {name: ${name}}
spec:
  source:
    uri: sftp://127.0.0.1:${port}${root}/in.bin
    auth: {type: key, username: ${user}, privateKey: "\${secret:SSH_KEY}"}
    options: {hostKey: "${fingerprint}"}
  destination: {path: ${out}/${name}.bin}
  transfer: {bandwidth: ${BANDWIDTH}}
  retry: {maxAttempts: 5, initialDelay: 200ms}
`;
}

/** Submits, kills one of the two agents in the middle, and looks at the end. */
async function shown(
  { cluster, submit, job, explain, kill }: Scene,
  sshd: Sshd,
  out: string,
  name: string,
  killed: "reader" | "writer",
): Promise<Receipt> {
  await submit(name, workflow(name, sshd, out));
  const { id, why } = await until("it runs", async () => {
    const row = await job(name);
    return row?.state === "running" ? row : null;
  });
  const [, writer, reader] = /^running on (\S+), read by (\S+)$/.exec(why) ?? [];
  assert.ok(WRITERS.includes(writer!) && READERS.includes(reader!), why);
  assert.match(await explain(id), new RegExp(`running on ${writer}, read by ${reader}`));
  await until(`the middle of ${name}`, async () => {
    if (arrivedBytes(out) >= KILLED_AT_BYTES) return true;
    const { state, attempts, why } = await job(name);
    assert.ok(attempts < 2 && !["failed", "succeeded", "retrying"].includes(state), why);
    return null;
  });
  const victim = killed === "reader" ? reader! : writer!;
  await kill(victim);
  const ended = await until(`the end of ${name}`, async () => {
    const row = await job(name);
    return row.endedMs === null ? null : row;
  });
  assert.equal(ended.state, "succeeded", ended.why);
  assert.ok(ended.receipt!.attempts >= 2, "a later attempt has ended it");
  assert.equal((await cluster.cluster("restart", victim)).code, 0);
  return ended.receipt!;
}

function arrivedBytes(out: string): number {
  const parts = [...Deno.readDirSync(out)].filter((one) => one.name.endsWith(".part"));
  return parts.reduce((sum, { name }) => sum + Deno.statSync(`${out}/${name}`).size, 0);
}

Deno.test({
  name: "agents that reach one end each carry files together, and each of them may be killed",
  ...requirePrograms(["sshd", "ssh-keygen"]),
  async fn() {
    const bytes = patterned(SIZE);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const sshd = await startSshd();
    await Deno.writeFile(`${sshd.root}/in.bin`, bytes);
    const rows: string[] = [];
    try {
      await withCluster({ controllers: 3, agents: 4, gateways: 1 }, async (cluster) => {
        const out = `${cluster.cwd}/out`;
        await Deno.mkdir(out);
        await separate(cluster, sshd.port, out);
        await giveSecrets(cluster, [...READERS, ...WRITERS], { SSH_KEY: sshd.privateKey });
        const scene = await sceneOf(cluster);
        for (const killed of ["reader", "writer"] as const) {
          const name = `without-its-${killed}`;
          const receipt = await shown(scene, sshd, out, name, killed);
          assert.equal(receipt.outcome, "published");
          assert.equal(receipt.sha256, sha256);
          assert.equal(receipt.keptBytes + receipt.fetchedBytes, SIZE);
          assert.ok(receipt.keptBytes >= LEAST_KEPT_BYTES, `${receipt.keptBytes} bytes kept`);
          const found = await Deno.readFile(`${out}/${name}.bin`);
          assert.equal(createHash("sha256").update(found).digest("hex"), sha256);
          rows.push(`${killed} killed: ${receipt.keptBytes / 2 ** 20} MiB kept`);
        }
        const left = [...Deno.readDirSync(out)].map(({ name }) => name)
          .filter((name) => name.endsWith(".part"));
        assert.deepEqual(left, []);
      });
    } finally {
      await sshd.close();
    }
    console.log(rows.join("; "));
  },
});
