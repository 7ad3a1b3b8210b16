/**
 * `deno task demo`: a cluster of real processes moves files from a server on loopback, while a connection
 * breaks, the leading controller is killed, and an agent is killed that is at work. In the end every file
 * is read again and compared. The workflow is demo.yaml; the files stay under .quorus/demo (or the folder
 * that is given) until the next demo, everything else is removed.
 */

import { quorusClient } from "../../client.ts";
import { DemoCluster, endCluster } from "./cluster.ts";
import { play, type Played } from "./play.ts";
import { Publications } from "./publications.ts";
import { startServer } from "./server.ts";
import { verify } from "./verify.ts";

const MIB = 2 ** 20;
/** Longer than any machine should need; then what runs is ended. */
const PATIENCE_MS = 300_000;

const folder = Deno.args[0] ?? ".quorus/demo";
const files = `${folder}/files`;
const startedMs = performance.now();
const stop = new AbortController();
const interrupt = () => stop.abort(new Error("interrupted"));
const patience = setTimeout(() => stop.abort(new Error("it takes too long")), PATIENCE_MS);
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, interrupt);
const right = await demo().catch((error) => {
  console.error(`demo: ${error instanceof Error ? error.message : error}`);
  return false;
});
clearTimeout(patience);
Deno.exit(right ? 0 : 1);

async function demo(): Promise<boolean> {
  console.log("3 controllers, 3 agents and a gateway, each a process of this machine:\n");
  await endCluster(`${folder}/cluster`, "removed"); // of a demo that was killed
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(files, { recursive: true });
  const server = startServer({
    cut: { path: "/photos.bin", afterBytes: 16 * MIB },
    bytesPerSecond: 12 * MIB,
  });
  const publications = new Publications(files);
  try {
    const played = await inCluster(server.origin);
    await Deno.remove(`${files}/.quorus-volume`);
    const right = await verify(files, { ...played, publications, traffic: server.traffic });
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
    console.log(
      `\nThe files are in ${await Deno.realPath(files)}; all else is removed (${seconds} s)`,
    );
    return right;
  } finally {
    publications.close();
    await server.stop();
  }
}

/** Starts a cluster, plays the demo in it, and ends it whatever happens. */
async function inCluster(origin: string): Promise<Played> {
  const place = `${folder}/cluster`;
  try {
    const cluster = await DemoCluster.up(place, files);
    const quorus = quorusClient({ url: cluster.url, key: cluster.key });
    const out = await Deno.realPath(files);
    const played = await play(quorus, { cluster, origin, out, signal: stop.signal });
    await endCluster(place, "removed");
    return played;
  } catch (error) {
    await endCluster(place, "kept");
    console.error(`demo: the logs of the nodes are in ${place}/*/log`);
    throw error;
  }
}
