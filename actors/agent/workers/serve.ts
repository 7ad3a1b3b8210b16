/** The node of a Worker that carries attempts out. */

import type { Env } from "../../../runtime/env/env.ts";
import { startWorkerNode } from "../../../runtime/remote/worker.ts";
import { bench, type BenchArgs } from "./bench.ts";
import { BENCH_PATH } from "./messages.ts";

/**
 * To be awaited by the module of a Worker. `make` makes what attempts need from the plain data that the
 * agent's options name (`workers.own`). Throws RemoteError `NotAWorker` elsewhere.
 */
export async function serveAttempts(env: Env, make: BenchArgs["make"]): Promise<void> {
  await startWorkerNode(env, (node) => {
    // Without it the Worker is of no use: its keeper is told, and starts another.
    node.spawn(bench, { name: BENCH_PATH, restart: "temporary", args: { make } });
  });
}
