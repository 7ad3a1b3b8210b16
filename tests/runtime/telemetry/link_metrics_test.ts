/**
 * Metrics of links and of the cluster as text; `UPDATE_GOLDEN=1 deno test -A` on this file writes what
 * they read like anew (`promtool check metrics < tests/golden/link_metrics.txt` says if it is well).
 */

import assert from "node:assert/strict";
import type { MemberStatus, MemberView } from "../../../runtime/cluster/membership.ts";
import type { PeerView } from "../../../runtime/remote/peer.ts";
import { clusterMetrics } from "../../../runtime/telemetry/cluster_metrics.ts";
import { linkMetrics } from "../../../runtime/telemetry/link_metrics.ts";
import { prometheusText } from "../../../runtime/telemetry/prometheus.ts";
import { Any, CONTEXT, linkedPair } from "../remote/hub_nodes.ts";

const GOLDEN = new URL("../../golden/link_metrics.txt", import.meta.url);

const UP: PeerView = {
  node: "b",
  state: "up",
  incarnation: "0011223344556677.1",
  address: "b.example:4100",
  certificateNames: null,
  certificateUntilMs: null,
  rttMs: 0.25,
  phi: 0.5,
  queued: 3,
  asked: 4,
  answering: 5,
  watches: { ours: 6, theirs: 7 },
  unacknowledged: 8,
  heldBack: 0,
  unprocessed: 9,
  beyondWindow: 0,
  held: [
    { lane: "message", to: "one", messages: 10, bytes: 1_000 },
    { lane: "message", to: "two", messages: 1, bytes: 24 },
    { lane: "bulk", to: "file", messages: 2, bytes: 16_777_216 },
  ],
  links: [],
  counters: {
    messagesSent: 11,
    messagesReceived: 12,
    malformed: 13,
    wrongCredit: 14,
    reconnects: 15,
  },
};
const GONE: PeerView = {
  ...UP,
  node: "c",
  state: "unreachable",
  rttMs: null,
  phi: 0,
  queued: 0,
  asked: 0,
  answering: 0,
  watches: { ours: 0, theirs: 0 },
  unacknowledged: 0,
  unprocessed: 0,
  held: [],
  counters: null,
};

function member(node: string, status: MemberStatus): MemberView {
  const rest = { url: null, roles: [], incarnation: null, sinceMs: 0, reason: "" };
  return { ...rest, node, status, isSelf: node === "a" };
}

const TOPICS = {
  topics: 1,
  subscribers: 2,
  queued: 3,
  missed: 4,
  outlets: 5,
  outletMessages: 6,
  outletBytes: 7,
  outletDropped: 8,
};

Deno.test("links and cluster read as Prometheus text: a peer that is up, one that is gone", async () => {
  const members = [member("a", "up"), member("b", "up"), member("c", "unreachable")];
  const text = prometheusText([
    ...linkMetrics("a", [UP, GONE]),
    ...clusterMetrics("a", members, TOPICS),
  ]);
  if (Deno.env.get("UPDATE_GOLDEN") === "1") await Deno.writeTextFile(GOLDEN, text);
  assert.equal(text, await Deno.readTextFile(GOLDEN));
});

Deno.test("a node's own links are counted", async () => {
  const { world, a, b } = await linkedPair();
  b.hub.target("a", "hold", Any).tell("tell", "hello", CONTEXT);
  await world.pass(2_000);
  const lines = prometheusText(linkMetrics("b", b.hub.peers())).split("\n");
  const labels = 'node="b",peer="a"';
  for (
    const line of [
      `quorus_link_up{${labels}} 1`,
      `quorus_link_messages_sent_total{${labels}} 1`,
      `quorus_link_credit_held_messages{${labels},lane="message"} 1`,
      `quorus_link_credit_held_messages{${labels},lane="bulk"} 0`,
    ]
  ) assert.ok(lines.includes(line), line);
  assert.ok(lines.some((line) => line.startsWith(`quorus_link_round_trip_seconds{${labels}} 0.0`)));
  await world.complete(Promise.all([a.hub.close(), b.hub.close()]));
});

Deno.test("a node without peers has heads and no samples but the totals", () => {
  const text = prometheusText(linkMetrics("a", []));
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assert.equal(samples.length, 4);
  assert.ok(samples.every((line) => line.startsWith("quorus_links{") && line.endsWith(" 0")));
});

Deno.test("of many peers the first by name have series, and all are counted", () => {
  const peers = ["d", "b", "a", "c"].map((node) => ({ ...UP, node }));
  const text = prometheusText(linkMetrics("x", peers, 2));
  const shown = new Set([...text.matchAll(/peer="(.)"/g)].map(([, peer]) => peer));
  assert.deepEqual([...shown], ["a", "b"]);
  assert.match(text, /quorus_links\{node="x",state="up"\} 4\n/);
});
