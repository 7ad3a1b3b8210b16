/** What is done to the cluster, and how it is undone. */

import type { SeededRandom } from "../../runtime/sim/random.ts";
import type { ChaosCluster } from "./cluster.ts";
import type { NodeProcess } from "./node_process.ts";
import { AGENTS, CONTROLLERS, GATEWAY } from "./places.ts";

/** Names of faults, as the report has them. */
export const FAULT_KINDS = [
  "kill",
  "stop",
  "isolate",
  "minority",
  "agents-from-controllers",
] as const;

/** One of {@link FAULT_KINDS}. */
export type FaultKind = (typeof FAULT_KINDS)[number];

/** A fault as it was drawn. */
export interface Fault {
  readonly kind: FaultKind;
  /** Those that are hit: nobody else may hit them meanwhile. */
  readonly nodes: readonly string[];
  readonly lastsMs: number;
}

const LASTS_MS: Readonly<Record<FaultKind, readonly [number, number]>> = {
  "kill": [200, 15_000],
  "stop": [1_000, 15_000],
  "isolate": [2_000, 20_000],
  "minority": [3_000, 20_000],
  "agents-from-controllers": [2_000, 20_000],
};

/** Draws the next one. `leader`: who leads now, as far as is known. */
export function drawFault(
  random: SeededRandom,
  leader: string | null,
  hasNetwork: boolean,
): Fault {
  const draw = random.next();
  const kind: FaultKind = !hasNetwork
    ? (draw < 0.6 ? "kill" : "stop")
    : draw < 0.4
    ? "kill"
    : draw < 0.65
    ? "stop"
    : draw < 0.85
    ? "isolate"
    : draw < 0.93
    ? "minority"
    : "agents-from-controllers";
  const lastsMs = random.integer(...LASTS_MS[kind]);
  const agent = AGENTS[random.integer(0, AGENTS.length - 1)]!;
  const follower = CONTROLLERS[random.integer(0, CONTROLLERS.length - 1)]!;
  const controller = random.chance(0.5) ? leader ?? follower : follower;
  const role = random.next();
  if (kind === "minority") return { kind, nodes: [controller, agent], lastsMs };
  if (kind === "agents-from-controllers") return { kind, nodes: AGENTS, lastsMs };
  const one = role < 0.42 ? controller : role < 0.88 ? agent : GATEWAY;
  return { kind, nodes: [one], lastsMs };
}

/** Does it; what undoes it resolves once everybody hit is back. */
export async function strike(cluster: ChaosCluster, fault: Fault): Promise<() => Promise<void>> {
  const hit = fault.nodes.map((id) => cluster.node(id));
  switch (fault.kind) {
    case "kill":
      await Promise.all(hit.map((node) => node.end("SIGKILL")));
      return async () => {
        for (const node of hit) node.start();
        await Promise.all(hit.map((node) => node.ready()));
      };
    case "stop":
      for (const node of hit) node.pause();
      return () => Promise.resolve(hit.forEach((node) => node.resume()));
    case "isolate":
    case "minority":
      return cut(cluster, hit, everybody(cluster).filter((host) => !hostsOf(hit).includes(host)));
    case "agents-from-controllers":
      return cut(cluster, hit, hostsOf(cluster.of("controller")));
  }
}

function cut(
  { places: { network } }: ChaosCluster,
  hit: readonly NodeProcess[],
  others: readonly number[],
): () => Promise<void> {
  network!.partition(hostsOf(hit), others);
  return () => Promise.resolve(network!.heal());
}

function hostsOf(nodes: readonly NodeProcess[]): number[] {
  return nodes.map(({ plan }) => plan.host);
}

/** The host of the source, too. */
function everybody({ places: { network } }: ChaosCluster): number[] {
  return network!.hosts.map((_, index) => index);
}

/** Whether it uses cables, of which only one fault at a time may. */
export function isNetworkFault({ kind }: Pick<Fault, "kind">): boolean {
  return kind !== "kill" && kind !== "stop";
}
