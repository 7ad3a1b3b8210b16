/**
 * Transfers over the network whose agent is killed (SIGKILL) in the middle, on a cluster of processes: the
 * other agent goes on with what was verified, the file is right, and is published once. An upload to an
 * object store begins anew there; only who began it goes on with it (`tests/real/s3/kill_test.ts`).
 */

import assert from "node:assert/strict";
import { patterned } from "../../conformance/case.ts";
import { SWIFT_PROGRAMS } from "../../servers/swift.ts";
import { requireRoot } from "../../servers/vsftpd.ts";
import { requirePrograms } from "../require.ts";
import { giveSecrets } from "./agent_secrets.ts";
import { withCluster } from "./cluster_processes.ts";
import { type Receipt, type Scene, sceneOf, until } from "./scene.ts";
import {
  CA,
  END_PROGRAMS,
  folderEnd,
  type SinkEnd,
  type SourceEnd,
  startEnds,
} from "./resume_ends.ts";

const needs = requirePrograms([...END_PROGRAMS, ...SWIFT_PROGRAMS]).ignore
  ? { ignore: true }
  : requireRoot();
const SHAPE = { controllers: 3, agents: 2, gateways: 1 };
const SIZE = 112 * 2 ** 20;
/** A checkpoint each 5 s, by time, and each of them is told to the controllers. */
const BANDWIDTH = "6MB/s";
const KILLED_AT_BYTES = 72 * 2 ** 20;
const LEAST_KEPT_BYTES = 16 * 2 ** 20;

function workflow(name: string, source: string, destination: string): string {
  return `apiVersion: quorus.dev/v1
kind: Transfer
metadata: {name: ${name}}
spec:
  variables: {CA: null}
  source: ${source}
  destination: ${destination}
  transfer: {bandwidth: ${BANDWIDTH}}
  retry: {maxAttempts: 3, initialDelay: 200ms}
`;
}

interface Shown {
  readonly pair: string;
  readonly hadBytes: number;
  readonly receipt: Receipt;
}

/** Kills the agent of a transfer in its middle; resolves to who it was and the bytes that had arrived. */
async function killedInTheMiddle(
  { submit, job, kill }: Scene,
  name: string,
  source: SourceEnd,
  sink: SinkEnd,
): Promise<{ readonly agent: string; readonly hadBytes: number }> {
  await submit(name, workflow(name, source.yaml, sink.yaml), ["--var", `CA=${CA}`]);
  await until(`the middle of ${name}`, async () => {
    if (sink.arrivedBytes() >= KILLED_AT_BYTES) return true;
    const { state, attempts, why } = await job(name);
    assert.ok(attempts < 2 && !["failed", "succeeded", "retrying"].includes(state), why);
    return null;
  });
  const { agent, state, why } = await job(name);
  assert.ok(agent !== null, `nobody has it in the middle: ${state}, ${why}`);
  await kill(agent);
  return { agent, hadBytes: sink.arrivedBytes() };
}

/** The end of a transfer that was killed once: right, and published once. */
async function endedRight(
  { job }: Scene,
  name: string,
  source: SourceEnd,
  sink: SinkEnd,
): Promise<Receipt> {
  const ended = await until(`the end of ${name}`, async () => {
    const row = await job(name);
    return row.endedMs === null ? null : row;
  });
  assert.equal(ended.state, "succeeded", ended.why);
  const receipt = ended.receipt!;
  // On a crowded machine the second agent may be taken for lost as well.
  assert.ok(receipt.attempts >= 2, "a later attempt has ended it");
  assert.equal(receipt.outcome, "published");
  assert.equal(receipt.sha256, source.sha256);
  assert.equal(receipt.keptBytes + receipt.fetchedBytes, SIZE);
  assert.equal(await sink.sha256(), source.sha256);
  await until("nothing else is left", async () => (await sink.names()).length === 1 || null);
  return receipt;
}

/** Another agent goes on; the one that was killed comes back meanwhile, and changes nothing. */
async function carriedOn(
  scene: Scene,
  name: string,
  source: SourceEnd,
  sink: SinkEnd,
): Promise<Shown> {
  const { agent, hadBytes } = await killedInTheMiddle(scene, name, source, sink);
  await until("another agent", async () => {
    const row = await scene.job(name);
    assert.ok(!["failed", "unknown", "succeeded"].includes(row.state), row.why);
    return row.attempts >= 2 && row.agent !== null && row.agent !== agent || null;
  });
  assert.equal((await scene.cluster.cluster("restart", agent)).code, 0);
  return { pair: name, hadBytes, receipt: await endedRight(scene, name, source, sink) };
}

function table(rows: readonly Shown[]): string {
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)}`.padStart(12);
  return [
    `${"MiB".padEnd(14)}${
      ["of file", "had", "kept", "moved again"].map((t) => t.padStart(12)).join("")
    }`,
    ...rows.map(({ pair, hadBytes, receipt: { bytes, keptBytes } }) =>
      pair.padEnd(14) + [bytes, hadBytes, keptBytes, hadBytes - keptBytes].map(mib).join("")
    ),
  ].join("\n");
}

Deno.test({
  name:
    "an agent that is killed in the middle leaves its transfers to who goes on with what was verified",
  ...needs,
  async fn() {
    const bytes = patterned(SIZE);
    const ends = await startEnds(bytes);
    const rows: Shown[] = [];
    try {
      await withCluster(
        SHAPE,
        async (cluster) => {
          await giveSecrets(cluster, ["a1", "a2"], ends.secrets);
          const scene = await sceneOf(cluster);
          const { sources, sinks } = ends;
          const here = folderEnd(`${cluster.cwd}/out`, `{path: "${cluster.cwd}/out/f"}`);
          rows.push(await carriedOn(scene, "ftps-to-file", sources.ftps, here));
          rows.push(await carriedOn(scene, "https-to-sftp", sources.https, sinks.sftp("web")));
          // Nobody can read an upload of an object store, or take it from who may still be at work.
          const anew = await carriedOn(scene, "sftp-to-s3", sources.sftp, sinks.s3("anew"));
          assert.equal(anew.receipt.keptBytes, 0);
          rows.push(anew);
        },
      );
      console.log(table(rows));
      for (const { pair, receipt } of rows.slice(0, -1)) {
        assert.ok(
          receipt.keptBytes >= LEAST_KEPT_BYTES,
          `${pair}: ${receipt.keptBytes} bytes kept`,
        );
      }
    } finally {
      await ends.close();
    }
  },
});
