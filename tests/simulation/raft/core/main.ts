/**
 * Explores Raft's core for a long time:
 * `deno run -A tests/simulation/raft/core/main.ts --seeds N --from S [--nodes K] [--trace N] [--failures N] [--json]`.
 */

import { parseArgs } from "node:util";
import { realCore } from "../../../runtime/raft/cluster/real_core.ts";
import { exploreCore, failureText } from "./report.ts";

function main(args: string[]): number {
  const { values } = parseArgs({
    args,
    options: {
      seeds: { type: "string", default: "100" },
      from: { type: "string", default: "1" },
      nodes: { type: "string" },
      trace: { type: "string" },
      failures: { type: "string", default: "5" },
      json: { type: "boolean", default: false },
    },
  });
  const startedMs = performance.now();
  const report = exploreCore(realCore, {
    from: Number(values.from),
    seeds: Number(values.seeds),
    nodes: values.nodes === undefined ? null : Number(values.nodes),
    failuresWanted: Number(values.failures),
    ...(values.trace === undefined ? {} : { traceKept: Number(values.trace) }),
  });
  const seconds = (performance.now() - startedMs) / 1_000;
  const { seeds, failures, steps, simHours, sometimes } = report;
  for (const failure of failures) console.error(`${failureText(failure)}\n`);
  const line = {
    scenario: "raft/core",
    seeds,
    failures: failures.length,
    steps,
    simHours: Number(simHours.toFixed(3)),
    stepsPerSecond: Math.round(steps / seconds),
    never: sometimes.never(),
  };
  if (values.json) {
    const found = failures.map(({ seed, invariant, message }) => ({ seed, invariant, message }));
    console.log(JSON.stringify({
      ...line,
      found,
      sometimes: Object.fromEntries(sometimes.counts),
    }));
  } else {
    for (const [name, count] of sometimes.counts) {
      console.log(`${String(count).padStart(10)}  ${name}`);
    }
    console.log(line);
  }
  return failures.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(main(Deno.args));
