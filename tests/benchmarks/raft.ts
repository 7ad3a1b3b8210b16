/**
 * The replicated store of `examples/13_kv` as three processes beside Debian's etcd-server as three
 * processes, on the same disk, both with fsync: writes of 256 bytes and linearizable reads with 1, 100 and
 * 1,000 in flight, asked of the leader by the same client; failover, catch-up, and bounds of memory and
 * disk. etcd is asked by its JSON gateway (the same kind of client: HTTP/1.1, keep-alive) and, for what it
 * can do without its gateway, by gRPC.
 */

import { bounded } from "./raft_bounded.ts";
import { catchUp } from "./raft_catch_up.ts";
import { failover } from "./raft_failover.ts";
import { inProcess } from "./raft_in_process.ts";
import { raftBenchOptions } from "./raft_options.ts";
import { throughput } from "./raft_throughput.ts";
import type { Report } from "./report.ts";

const PARTS = {
  "throughput": throughput,
  "in-process": inProcess,
  "failover": failover,
  "catch-up": catchUp,
  "bounded": bounded,
} as const;

/** Runs the parts that the command line names; see `raft_options.ts`. */
export async function bench(report: Report): Promise<void> {
  const options = raftBenchOptions(Deno.args);
  for (const part of options.parts) await PARTS[part](report, options);
}
