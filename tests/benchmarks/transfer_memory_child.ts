/** One run of `bench transfer-memory`: 10 GiB to the sink that is named; prints what it took. */

import { realEnv } from "../../runtime/env/real.ts";
import type { Plan } from "../../workflows/plan.ts";
import { planText, runPlan } from "./engine.ts";
import { discardProtocol, generatedProtocol } from "./generated.ts";

const BYTES = 10 * 2 ** 30;
const SAMPLE_MS = 100;

const env = realEnv();
const folder = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "quorus-memory-" });
const samples: number[] = [];
const timer = setInterval(() => samples.push(Deno.memoryUsage().rss), SAMPLE_MS);
const start = performance.now();
await runPlan(env, plan(), {
  sync: true,
  folder: `${folder}/run`,
  protocols: [generatedProtocol(), discardProtocol()],
});
const seconds = (performance.now() - start) / 1_000;
clearInterval(timer);
const status = await Deno.readTextFile("/proc/self/status");
const peakBytes = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1_024;
await Deno.remove(folder, { recursive: true });
env.close();
console.log(JSON.stringify({ seconds, peakBytes, samples }));

/** The planner knows no such protocols, so the two ends are put into a plan of a file. */
function plan(): Plan {
  const made = planText(
    `apiVersion: quorus.dev/v1
kind: Transfer
metadata: { name: memory }
spec:
  source: { path: /generated }
  destination: { path: "${folder}/out.bin" }
`,
    0,
  );
  const source = { form: "uri", text: [`generated:${BYTES}`], base: null, root: null } as const;
  const sink = { form: "uri", text: ["discard:all"], base: null, root: null } as const;
  const toFile = Deno.args[0] === "file";
  return {
    ...made,
    transfers: made.transfers.map(({ template, ...transfer }) => ({
      ...transfer,
      template: {
        ...template,
        source: { ...template.source, location: { ...source, protocol: null } },
        destination: toFile ? template.destination : {
          ...template.destination,
          location: { ...sink, protocol: null },
        },
      },
    })),
  };
}
