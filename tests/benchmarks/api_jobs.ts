/** What status queries ask for: a run of many jobs that wait for an agent. */

import { quorusClient } from "../../client.ts";
import { until } from "./cluster_nodes.ts";

const JOBS = 1_000;
const CREATED_WITHIN_MS = 60_000;

/** Submits it; the paths of its jobs, once all of them are there. */
export async function submitJobs(url: string, key: string): Promise<readonly string[]> {
  const client = quorusClient({ url, key });
  const transfers = Array.from({ length: JOBS }, (_, index) => ({
    name: `file-${index}`,
    source: { uri: `https://files.example/${index}.bin` },
    destination: { path: `/data/${index}.bin` },
  }));
  const [run] = await client.runs.submit({
    workflow: {
      apiVersion: "quorus.dev/v1",
      kind: "TransferGroup",
      metadata: { name: "asked-for", labels: { tier: "gold" } },
      spec: { execution: { strategy: "parallel", maxConcurrency: JOBS }, transfers },
    },
  });
  await until("all jobs wait", CREATED_WITHIN_MS, async () => {
    return (await client.runs.get(run!.id)).transfers.queued === JOBS;
  });
  return Array.from({ length: JOBS }, (_, index) => `/v1/jobs/${run!.id}-${index + 1}`);
}
