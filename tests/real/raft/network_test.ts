/** Members on hosts of their own (network namespaces) whose cables are cut while clients write and read. */

import { requireNamespaces } from "../namespaces.ts";
import { withCluster } from "./cluster.ts";
import {
  cutAll,
  cutCable,
  deafLeader,
  isolateFollower,
  isolateLeader,
  muteLeader,
} from "./faults.ts";
import { tryFaults } from "./trial.ts";

const able = requireNamespaces();

const TRIALS = [
  { size: 3, name: "isolated", faults: [isolateLeader, isolateFollower] },
  { size: 3, name: "one-way", faults: [muteLeader, deafLeader] },
  { size: 5, name: "five", faults: [isolateLeader, cutCable] },
  { size: 3, name: "nobody", faults: [cutAll] },
] as const;

for (const { size, name, faults } of TRIALS) {
  Deno.test({
    name: `${size} members: ${
      faults.map(({ name }) => name).join(", ")
    }: the history is linearizable`,
    ...able,
    fn: async () => {
      await withCluster(
        { size, hasNetwork: true },
        (cluster) => tryFaults(cluster, { name, faults }),
      );
    },
  });
}
