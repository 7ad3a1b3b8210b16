/**
 * `deno task chaos --minutes N [--seed S] [--json]`: a cluster of real processes moves files while nodes
 * are killed, stopped and cut off; then everything that was promised is compared with what can be seen.
 * Exit 0: all promises were kept; 1: one was not, or the experiment failed; 2: it was asked for wrongly.
 */

import { findProgram } from "../real/require.ts";
import { readArguments } from "./arguments.ts";
import { experiment } from "./experiment.ts";
import { reportText } from "./report.ts";

async function main(): Promise<number> {
  const options = readArguments(Deno.args, () => crypto.getRandomValues(new Uint32Array(1))[0]!);
  if (typeof options === "string") {
    console.error(options);
    return 2;
  }
  if (findProgram("nginx") === undefined) {
    console.error("chaos needs nginx, where the files come from: apt-get install nginx-light");
    return 1;
  }
  const report = await experiment(options, (line) => console.error(line));
  if (options.json) console.log(JSON.stringify(report));
  else console.log(`\n${reportText(report)}`);
  return report.ok ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
