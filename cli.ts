/**
 * The `quorus` command: `deno task quorus VERB`, or `deno run ... cli.ts VERB`.
 *
 * @module
 */

import { realProcess } from "./cli/process.ts";
import { main } from "./cli/program.ts";

if (import.meta.main) {
  const process = realProcess();
  process.exit(await main(process));
}
