/**
 * A program that gives a cluster work and follows it: the typed client of `./client`, which knows every
 * endpoint, goes on by itself where a gateway or a stream is lost, and does nothing twice. Run it with a
 * local cluster:
 *
 *   deno task cluster up        # prints two variables: export them
 *   deno run -A examples/15_client.ts
 *
 * In a project of your own: `import { quorusClient } from "@quorus/quorus/client"`.
 */

import { ClientError, quorusClient, type StartedRun } from "../client.ts";

const url = Deno.env.get("QUORUS_SERVER");
const keyFile = Deno.env.get("QUORUS_API_KEY_FILE");
if (url === undefined || keyFile === undefined) {
  console.error(
    "export QUORUS_SERVER and QUORUS_API_KEY_FILE, as deno task cluster up prints them",
  );
  Deno.exit(2);
}
const quorus = quorusClient({ url, key: Deno.readTextFileSync(keyFile).trim() });

const { leader, agents } = await quorus.cluster.get();
console.log(`${leader} leads; agents: ${JSON.stringify(agents)}`);

async function submit(): Promise<StartedRun> {
  const workflow = Deno.readTextFileSync(new URL("14_cluster.yaml", import.meta.url))
    .replace("tier: gold", "made-by: client");
  const variables = { FOLDER: Deno.args[0] ?? Deno.cwd() };
  // The client repeats what may be lost on its way; the same key starts nothing twice.
  const idempotencyKey = crypto.randomUUID();
  const [run] = await quorus.runs.submit({ workflow, variables }, { idempotencyKey });
  if (run === undefined) throw new Error("a workflow has at least one document");
  console.log(`submitted ${run.id}, ${run.transfers} transfers`);
  return run;
}

// Submitted once the stream is open, so that nothing is missed. An event is a CloudEvent; its type says
// what its data is. Leaving the loop closes the stream.
const opened = Promise.withResolvers<void>();
const submitted = opened.promise.then(submit);
const labels = "made-by=client";
for await (const event of quorus.watch({ labels, onOpen: opened.resolve })) {
  if (event.type === "dev.quorus.job.changed") {
    const { name, state, agent } = event.data;
    console.log(`${name}: ${state}${agent === null ? "" : ` on ${agent}`}`);
  }
  const run = await submitted;
  if (event.type !== "dev.quorus.run.changed" || event.data.id !== run.id) continue;
  if (event.data.state !== "running") break;
}

const run = await submitted;
for await (const { name, state, receipt } of quorus.jobs.list({ run: run.id })) {
  console.log(`${name} ${state}, sha256 ${String(receipt?.["sha256"]).slice(0, 12)}`);
}

// Errors say what was done, to what, and why not.
try {
  await quorus.jobs.get("no-such-job");
} catch (error) {
  if (!(error instanceof ClientError)) throw error;
  console.log(`${error.code}: ${error.message}`);
}
