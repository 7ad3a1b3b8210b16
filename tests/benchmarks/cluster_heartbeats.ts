/**
 * Heartbeats at the leader: nodes of this process, each with a link of its own, register as agents do and
 * then send far more heartbeats than agents would. What they cost the leader is its CPU time less what it
 * uses without them.
 */

import { Fleet, FLEET_PATH } from "../../actors/fleet/messages.ts";
import { realEnv } from "../../runtime/env/real.ts";
import { type LinkedNode, startLinkedNode } from "../../runtime/remote/linked_node.ts";
import { admission } from "../../actors/admission.ts";
import { configuredRoles } from "../../actors/roles.ts";
import { pause } from "../chaos/door.ts";
import { heartbeatOf, registrationOf } from "./cluster_guests.ts";
import { type BenchCluster, until } from "./cluster_nodes.ts";
import { figuresOf } from "./raft_figures.ts";
import { percentile } from "./raft_load.ts";
import type { Report } from "./report.ts";

const PER_SECOND = 1_000;
const MEASURED_MS = 5_000;
const BATCH_MS = 20;
const LINKED_MS = 20_000;
const ASK_MS = 5_000;

/** See the head of this file. */
export async function measureHeartbeats(
  cluster: BenchCluster,
  report: Report,
  guests: readonly string[],
): Promise<void> {
  const figure = figuresOf(report, "cluster");
  const leader = (await cluster.leader()).id;
  const env = realEnv({ logLevel: "error" });
  const nodes = guests.map((id) => guestNode(env, id, cluster, leader));
  try {
    await until(
      "the guests are linked",
      LINKED_MS,
      () => nodes.every(({ links }) => links.peers().some(({ state }) => state === "up")),
    );
    const registered = await Promise.all(nodes.map((node) => register(node, leader)));
    registered.sort((a, b) => a - b);
    figure("registration_p50", "ms", percentile(registered, 0.5));
    figure("registration_max", "ms", registered.at(-1)!, "<1000");
    const idle = await during(cluster, leader, () => pause(MEASURED_MS / 2));
    let answered = 0;
    const busy = await during(cluster, leader, async () => {
      answered = await beat(nodes, leader);
    });
    figure("heartbeats", "1/s", answered / busy.seconds, `>=${PER_SECOND * 0.98}`);
    figure("heartbeats_leader_cpu", "cores", busy.cores - idle.cores);
    figure("idle_leader_cpu", "cores", idle.cores);
    figure(
      "heartbeat_leader_cpu",
      "us",
      (busy.cores - idle.cores) * busy.seconds * 1_000_000 / answered,
    );
    await Promise.all(nodes.map((node) => leave(node, leader)));
  } finally {
    await Promise.all(nodes.map((node) => node.stop({ withinMs: 0 })));
    env.close();
  }
}

type RealEnv = ReturnType<typeof realEnv>;

function guestNode(env: RealEnv, id: string, cluster: BenchCluster, leader: string): LinkedNode {
  const { node, url } = cluster.controllers.find((one) => one.node === leader)!;
  return startLinkedNode(env, {
    id,
    admit: (head) => admission(configuredRoles(new Map([[leader, ["controller"]]])))(head),
    links: { token: cluster.token, allowPlain: true, peers: [{ node, url }] },
  });
}

/** How long one took, in ms. */
async function register(node: LinkedNode, leader: string): Promise<number> {
  const startMs = performance.now();
  const { refused } = await fleetOf(node, leader)
    .ask("register", registrationOf(node.id, 0), { withinMs: ASK_MS });
  if (refused !== null) throw new Error(`register ${node.id}: ${refused}`);
  return performance.now() - startMs;
}

async function leave(node: LinkedNode, leader: string): Promise<void> {
  const body = { agentId: node.id, why: "the benchmark is over", deregister: true };
  await fleetOf(node, leader).ask("leave", body, { withinMs: ASK_MS });
}

function fleetOf(node: LinkedNode, leader: string) {
  return node.ref(Fleet, `quorus://${leader}/${FLEET_PATH}`);
}

/** Sends them evenly, whatever becomes of those before; how many were answered. */
async function beat(nodes: readonly LinkedNode[], leader: string): Promise<number> {
  const startMs = performance.now();
  const asks: Promise<unknown>[] = [];
  for (let elapsedMs = 0; elapsedMs < MEASURED_MS; elapsedMs = performance.now() - startMs) {
    const due = Math.floor(elapsedMs * PER_SECOND / 1_000);
    while (asks.length < due) {
      const node = nodes[asks.length % nodes.length]!;
      const sign = heartbeatOf(node.id, asks.length);
      asks.push(fleetOf(node, leader).ask("heartbeat", sign, { withinMs: ASK_MS }));
    }
    await pause(BATCH_MS);
  }
  const settled = await Promise.allSettled(asks);
  return settled.filter(({ status }) => status === "fulfilled").length;
}

/** What the leader's process uses while `body` runs. */
async function during(
  cluster: BenchCluster,
  leader: string,
  body: () => Promise<void>,
): Promise<{ readonly cores: number; readonly seconds: number }> {
  const startMs = performance.now();
  const before = cluster.cpuMs().get(leader) ?? 0;
  await body();
  const elapsedMs = performance.now() - startMs;
  const usedMs = (cluster.cpuMs().get(leader) ?? 0) - before;
  return { cores: usedMs / elapsedMs, seconds: elapsedMs / 1_000 };
}
