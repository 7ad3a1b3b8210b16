/** Members whose disk is full, or fails to sync, or whose clock jumps, while clients write and read. */

import { requireMount } from "../tmpfs.ts";
import { withCluster } from "./cluster.ts";
import { clockJump, failingSync, fullDisk } from "./faults.ts";
import type { Member } from "./member.ts";
import { requireSyscallFaults } from "./syscall_faults.ts";
import { tryFaults } from "./trial.ts";

/** Room for the log's reserve, its open file and the next one, and little more. */
const DISK_MIB = 112;

Deno.test({
  name: "a leader whose fsync fails ends itself and has acknowledged nothing that is lost",
  ...requireSyscallFaults(),
  fn: async () => {
    await withCluster(
      { size: 3, hasSyscallFaults: true },
      (cluster) => tryFaults(cluster, { name: "eio", faults: [failingSync] }),
    );
  },
});

Deno.test({
  name: "wall clocks that jump by an hour and by seconds: the history is linearizable",
  ...requireSyscallFaults(),
  fn: async () => {
    const faults = [clockJump(3_600_000), clockJump(-3_600_000), clockJump(-2_000)];
    await withCluster(
      { size: 3, hasSyscallFaults: true },
      (cluster) => tryFaults(cluster, { name: "clock", faults }),
    );
  },
});

for (const leads of [true, false]) {
  Deno.test({
    name: `a ${
      leads ? "leader" : "follower"
    } without room on its disk: those with room serve, and it catches up`,
    ...requireMount(),
    fn: async () => {
      await withCluster({ size: 3, firstDiskMiB: DISK_MIB }, async (cluster) => {
        const [first, second] = cluster.members as [Member, Member];
        await cluster.handOver(leads ? first : second);
        await tryFaults(cluster, { name: "full", faults: [fullDisk] });
      });
    },
  });
}
