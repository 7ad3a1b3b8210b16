/**
 * Every component has metrics. The list is held against the folders, so that a new one has to say what it
 * counts; and the names are held against `tests/golden/metrics.txt`, which is the reference of all of them
 * (`UPDATE_GOLDEN=1 deno test -A` on this file writes it anew).
 */

import assert from "node:assert/strict";
import { nodeMetrics } from "../../cli/roles/metrics.ts";
import { openGateway } from "../../gateway/start.ts";
import { realEnv } from "../../runtime/env/real.ts";
import { startLinkedNode } from "../../runtime/remote/linked_node.ts";
import { type Metric, prometheusText } from "../../runtime/telemetry/prometheus.ts";
import { SimulatedCluster } from "../actors/cluster/cluster.ts";
import { PLACES } from "../gateway/rig.ts";
import { type Family, readExposition } from "../runtime/telemetry/exposition.ts";

const ROOT = new URL("../../", import.meta.url);
const GOLDEN = new URL("../golden/metrics.txt", import.meta.url);

/** By folder: names of which each must be there, or why there is nothing to count. */
const COMPONENTS: Readonly<Record<string, readonly string[] | string>> = {
  "actors/adaptive": ["quorus_transfer_at_once", "quorus_transfer_at_once_changes_total"],
  "actors/agent": ["quorus_agent_status", "quorus_agent_slots_in_use", "quorus_agent_slot_limit"],
  "actors/archive": [
    ...["quorus_archive_segments", "quorus_archive_open_segments"],
    ...["quorus_archive_missing_segments", "quorus_archive_verified_segments_total"],
    ...["quorus_archive_damaged_segments_total", "quorus_archive_verified_time_seconds"],
  ],
  "actors/bandwidth": ["quorus_bandwidth_rules", "quorus_actor_messages_total"],
  "actors/cluster": ["raft_leader_changes_total", "quorus_archive_damaged_segments_total"],
  "actors/controller": ["quorus_jobs", "quorus_controller_commit_seconds", "quorus_runs"],
  "actors/desk": ["quorus_actor_messages_total", "quorus_controller_commit_seconds"],
  "actors/directory": ["quorus_actor_messages_total"],
  "actors/fleet": ["quorus_fleet_heartbeats_total", "quorus_fleet_detection_seconds"],
  "actors/job": [
    ...["quorus_transfers_active", "quorus_transfer_attempts_ended_total"],
    ...["quorus_transfer_errors_total", "quorus_transfer_duration_seconds"],
    ...["quorus_checkpoint_save_seconds", "quorus_transfer_verifications_total"],
    ...["quorus_transfer_chunk_seconds"],
  ],
  "actors/relay": ["quorus_agent_relays", "quorus_agent_relayed_bytes_total"],
  "actors/scheduler": ["quorus_scheduler_pass_seconds", "quorus_scheduler_waiting_jobs"],
  "actors/set": "its files are transfers, as actors/job counts them",
  "actors/tenant": ["quorus_tenant_leases", "quorus_tenant_submitted_jobs"],
  "actors/workflow": ["quorus_runs_begun_total", "quorus_runs_ended_total"],
  "gateway": ["quorus_http_requests_total", "quorus_http_problems_total"],
  "gateway/live": ["quorus_live_subscribers", "quorus_live_missed_events_total"],
  "gateway/routes": ["quorus_http_request_duration_seconds"],
  "runtime/actor": [
    ...["quorus_actor_mailbox_age_seconds", "quorus_actor_dead_letters_total"],
    ...["quorus_actor_restarts_total", "quorus_actor_handler_seconds"],
  ],
  "runtime/base": "errors, limits and units: nothing happens there",
  "runtime/cluster": "no role uses it: clusterMetrics() is for programs that do",
  "runtime/env": ["process_resident_memory_bytes", "quorus_machine_available_memory_bytes"],
  "runtime/raft": [
    ...["raft_election_count_total", "raft_election_duration_ms", "raft_leader_changes_total"],
    ...["raft_vote_requests_sent_total", "raft_vote_requests_received_total"],
    ...["raft_votes_granted_total", "raft_votes_refused_total", "raft_vote_success_ratio"],
    ...["raft_heartbeat_missed_total", "raft_term_current"],
    ...["raft_is_leader", "raft_commit_index", "raft_log_entries", "raft_follower_lag_entries"],
  ],
  "runtime/remote": [
    ...["quorus_links", "quorus_link_round_trip_seconds", "quorus_link_credit_held_bytes"],
    ...["quorus_link_messages_sent_total"],
  ],
  "runtime/sim": "it is not part of a node",
  "runtime/store": "the journal of embedded runs, which tell no metrics",
  "runtime/telemetry": "it counts for the others",
};

async function foldersOf(room: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(new URL(room, ROOT))) {
    if (entry.isDirectory) names.push(`${room}/${entry.name}`);
  }
  return names;
}

/** Everything that nodes with all three roles tell, after one transfer. */
async function allMetrics(): Promise<Map<string, Family>> {
  const cluster = await SimulatedCluster.start();
  const agent = await cluster.agent("a1");
  const leader = await cluster.leader();
  const env = realEnv({ logLevel: "error" });
  const node = startLinkedNode(env, { id: "g1", links: {} });
  const gateway = openGateway(node, { controllers: () => [], places: PLACES });
  const own = nodeMetrics(env, node, ["gateway"]);
  const metrics: Metric[] = [
    ...own(),
    ...leader.role.metrics(),
    ...agent.role.metrics(),
    ...gateway.metrics(),
  ];
  const families = readExposition(prometheusText(metrics));
  await gateway.close();
  await node.stop({ withinMs: 0 });
  env.close();
  await cluster.stop();
  return families;
}

Deno.test("every component has metrics, and each folder of actors, gateway and runtime is one", async () => {
  const rooms = ["actors", "gateway", "runtime"];
  const folders = ["gateway", ...(await Promise.all(rooms.map(foldersOf))).flat()].sort();
  assert.deepEqual(Object.keys(COMPONENTS).sort(), folders);
  const families = await allMetrics();
  const missing = Object.entries(COMPONENTS).flatMap(([component, names]) =>
    typeof names === "string"
      ? []
      : names.filter((name) => !families.has(name)).map((name) => `${component}: ${name}`)
  );
  assert.deepEqual(missing, []);
});

Deno.test("the reference lists every metric with its type and what it says", async () => {
  const families = [...(await allMetrics()).values()].sort((a, b) => a.name < b.name ? -1 : 1);
  const text = families.map(({ name, type, help }) => `${name} (${type}): ${help}\n`).join("");
  if (Deno.env.get("UPDATE_GOLDEN") === "1") await Deno.writeTextFile(GOLDEN, text);
  assert.equal(text, await Deno.readTextFile(GOLDEN));
});
