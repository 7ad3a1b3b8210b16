/** Members killed and stopped while clients write and read: nothing acknowledged is lost or done twice. */

import { withCluster } from "./cluster.ts";
import {
  type Fault,
  killAll,
  killFollower,
  killLeader,
  pauseFollower,
  pauseLeader,
  pauseMajority,
} from "./faults.ts";
import { tryFaults } from "./trial.ts";

const TRIALS: readonly {
  readonly title: string;
  readonly name: string;
  readonly size: number;
  readonly faults: readonly Fault[];
}[] = [
  {
    title: "3 members: kill -9 of the leader, of a follower, and of all",
    name: "kills",
    size: 3,
    faults: [killLeader, killFollower, killAll],
  },
  {
    title: "3 members: SIGSTOP of the leader, and of a majority",
    name: "pauses",
    size: 3,
    faults: [pauseLeader, pauseMajority],
  },
  {
    title: "5 members: kill -9 of the leader while a follower is stopped",
    name: "two-of-five",
    size: 5,
    faults: [both(pauseFollower, killLeader)],
  },
];

for (const { title, name, size, faults } of TRIALS) {
  Deno.test(`${title}: the history is linearizable`, async () => {
    await withCluster({ size }, (cluster) => tryFaults(cluster, { name, faults }));
  });
}

/** One during the other. */
function both(first: Fault, second: Fault): Fault {
  return {
    name: `${first.name}+${second.name}`,
    lastsMs: Math.max(first.lastsMs, second.lastsMs),
    leavesMajority: true,
    async strike(cluster, random) {
      const healFirst = await first.strike(cluster, random);
      const healSecond = await second.strike(cluster, random);
      return async () => {
        await healSecond();
        await healFirst();
      };
    },
  };
}
