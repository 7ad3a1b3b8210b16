/** One more node for a local cluster that is there. */

import { cliLimits } from "../limits.ts";
import { makeNode } from "./layout.ts";
import { ClusterError, type ClusterNode, writeCluster } from "./state_file.ts";
import type { Cluster } from "./up.ts";

/** Makes what its process needs, and writes it down; ClusterError `exists`, `noCluster`. */
export async function addNode(
  { machine: { env }, folder, state }: Cluster,
  role: ClusterNode["role"],
  id: string,
): Promise<ClusterNode> {
  const refuse = (why: string) => new ClusterError("exists", `cannot make node ${id}: ${why}`);
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(id)) {
    throw refuse("its id is a small letter, then letters, digits and dashes");
  }
  if (state.nodes.some((node) => node.id === id)) throw refuse("there is one with this id");
  if (state.nodes.length >= cliLimits.clusterNodes) {
    throw refuse(`a local cluster has ${cliLimits.clusterNodes} nodes at most`);
  }
  if (!state.isEncrypted) {
    throw refuse("the nodes of a cluster made with --plain are those that its settings name");
  }
  const controllers = state.nodes.filter((node) => node.role === "controller");
  if (role === "controller" && controllers.length === 1) {
    throw refuse("a cluster that was made with one controller keeps to it; make one with three");
  }
  const node = await makeNode(env, folder, state, role, id);
  state.nodes.push(node);
  await writeCluster(env.disk, folder, state);
  return node;
}
