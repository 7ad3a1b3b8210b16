/**
 * `deno task bench NAME [--json]`: runs one benchmark, or with no name lists them. What else is written is
 * for the benchmark.
 *
 * Exit 0 even where an aim is missed (`ok` says it), 1 where the benchmark itself failed, 2 for an
 * unknown name.
 */

import process from "node:process";
import { type Report, reporter } from "./report.ts";

/** The file behind each name; it exports `bench(report, args)`, args being what follows the name. */
const BENCHES: Readonly<Record<string, string>> = {
  "actors-local": "./actors_local.ts",
  "actors-remote": "./actors_remote.ts",
  "adaptive": "./adaptive.ts",
  "api": "./api.ts",
  "cluster": "./cluster.ts",
  "failover": "./failover.ts",
  "frames": "./frames.ts",
  "link": "./link.ts",
  "live": "./live.ts",
  "protocols": "./protocols/all.ts",
  "protocols-many": "./protocols/many.ts",
  "raft": "./raft.ts",
  "raft-engine": "./raft_engine.ts",
  "raft-log": "./raft_log.ts",
  "schedule": "./schedule.ts",
  "sets": "./sets.ts",
  "sim": "./sim.ts",
  "transfer-large": "./transfer_large.ts",
  "transfer-small": "./transfer_small.ts",
  "transfer-memory": "./transfer_memory.ts",
  "workers": "./workers.ts",
};

async function main(args: readonly string[]): Promise<number> {
  const rest = args.filter((arg) => arg !== "--json");
  const file = BENCHES[rest[0] ?? ""];
  if (file === undefined) {
    process.stderr.write(
      `usage: deno task bench NAME [--json] [what the benchmark itself takes]\nNAME is one of ${
        Object.keys(BENCHES).join(", ")
      }\n`,
    );
    return 2;
  }
  const module = await import(new URL(file, import.meta.url).href) as {
    bench(report: Report, args: readonly string[]): Promise<void>;
  };
  const isJson = args.includes("--json");
  await module.bench(reporter(isJson), [...rest.slice(1), ...(isJson ? ["--json"] : [])]);
  return 0;
}

try {
  process.exitCode = await main(Deno.args);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
}
