/** One run of `bench sets`: the mode and the number of names; prints what it took. */

import { realEnv } from "../../runtime/env/real.ts";
import { planText, runPlan } from "./engine.ts";
import { paperSink, paperSource } from "./paper_directory.ts";
import type { Measured } from "./sets.ts";

const SAMPLE_MS = 50;

const [mode = "copied", names = "1000"] = Deno.args;
const env = realEnv();
const folder = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "quorus-sets-" });
const samples: number[] = [];
const timer = setInterval(() => samples.push(Deno.memoryUsage().rss), SAMPLE_MS);
const start = performance.now();
const plan = planText(
  JSON.stringify({
    apiVersion: "quorus.dev/v1",
    kind: "Transfer",
    metadata: { name: "sets" },
    spec: {
      source: {
        uri: `paper:///${names}/`,
        ...(mode === "left" ? { select: { include: ["*.txt"] } } : {}),
      },
      destination: { uri: "shredder:///out/" },
    },
  }),
  0,
);
await runPlan(env, plan, {
  sync: true,
  folder: `${folder}/run`,
  protocols: [paperSource(), paperSink(mode === "there")],
});
const seconds = (performance.now() - start) / 1_000;
clearInterval(timer);
const status = await Deno.readTextFile("/proc/self/status");
const peakBytes = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1_024;
await Deno.remove(folder, { recursive: true });
env.close();
const measured: Measured = { files: Number(names), seconds, peakBytes, samples };
console.log(JSON.stringify(measured));
