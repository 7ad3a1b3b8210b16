/** A member's view of its Raft group as metrics. */

import type { GroupStatus } from "../raft/group.ts";
import { counter, gauge, histogram, type Labelled } from "./labelled.ts";
import type { Metric } from "./prometheus.ts";

/**
 * Metrics `raft_*` of what `group.status()` gives, labelled with group and member. Their names are those
 * of the field's plan for Quorus (`raft.election.count` reads `raft_election_count_total` here, since
 * Prometheus wants counters to say so); durations are in milliseconds, as the names say.
 */
export function raftMetrics(statuses: readonly GroupStatus[]): Metric[] {
  const all = statuses.map((of) => ({ labels: { group: of.group, member: of.member }, of }));
  return [
    counter(
      "raft_election_count",
      "Elections that this member has begun.",
      all,
      ({ counts }) => counts.elections,
    ),
    histogram(
      "raft_election_duration_ms",
      "From a member's campaign to its leading.",
      all,
      ({ counts }) => counts.electionDurationMs,
    ),
    counter(
      "raft_leader_changes",
      "Leaders that this member has seen come.",
      all,
      ({ counts }) => counts.leaderChanges,
    ),
    counter(
      "raft_vote_requests_sent",
      "Votes that this member has asked for.",
      all,
      ({ counts }) => counts.voteRequestsSent,
    ),
    counter(
      "raft_vote_requests_received",
      "Votes that this member was asked for.",
      all,
      ({ counts }) => counts.voteRequestsReceived,
    ),
    counter("raft_votes_granted", "Votes that it got.", all, ({ counts }) => counts.votesGranted),
    counter(
      "raft_votes_refused",
      "Votes that it was refused.",
      all,
      ({ counts }) => counts.votesRefused,
    ),
    gauge(
      "raft_vote_success_ratio",
      "Of the votes that it has asked for, those that it got; absent before the first one.",
      all,
      ({ counts }) =>
        counts.voteRequestsSent === 0 ? null : counts.votesGranted / counts.voteRequestsSent,
    ),
    heartbeats(statuses),
    gauge("raft_term_current", "Current term.", all, ({ term }) => term),
    gauge("raft_is_leader", "1 on the leader.", all, ({ role }) => role === "leader" ? 1 : 0),
    gauge("raft_commit_index", "Last index known to be committed.", all, ({ commit }) => commit),
    gauge("raft_applied_index", "Last index that is in the state.", all, ({ applied }) => applied),
    gauge("raft_last_index", "Last index of the log.", all, ({ lastIndex }) => lastIndex),
    ...standing(all),
    ...log(all),
    lag(statuses),
  ];
}

type All = readonly Labelled<GroupStatus>[];

function standing(all: All): Metric[] {
  return [
    gauge("raft_has_leader", "1 where a leader is known.", all, ({ leader }) => +(leader !== null)),
    gauge(
      "raft_is_degraded",
      "1 on a leader without two full replicas, or a quorum, that answer.",
      all,
      ({ degraded }) => +degraded,
    ),
    gauge("raft_is_disk_full", "1 while nothing is taken.", all, ({ isDiskFull }) => +isDiskFull),
    gauge(
      "raft_configuration_members",
      "Members as this one knows them, learners and witnesses too.",
      all,
      ({ configuration }) => configuration.members.length,
    ),
  ];
}

function log(all: All): Metric[] {
  return [
    gauge(
      "raft_log_entries",
      "Entries that the log keeps.",
      all,
      ({ firstIndex, lastIndex }) => Math.max(0, lastIndex - firstIndex + 1),
    ),
    gauge("raft_durable_index", "Last index on disk here.", all, (of) => of.durableIndex),
    gauge("raft_snapshot_index", "Index of the newest snapshot.", all, (of) => of.snapshotIndex),
    gauge(
      "raft_applied_time_seconds",
      "The leader's clock at the last entry that is in the state, since 1970.",
      all,
      ({ appliedAtMs }) => appliedAtMs / 1_000,
    ),
  ];
}

function heartbeats(statuses: readonly GroupStatus[]): Metric {
  return {
    name: "raft_heartbeat_missed_total",
    help: "Heartbeats that a follower did not answer in time.",
    type: "counter",
    samples: statuses.flatMap(({ group, member, counts }) =>
      [...counts.heartbeatsMissed].map(([follower, value]) => ({
        labels: { group, member, follower },
        value,
      }))
    ),
  };
}

function lag(statuses: readonly GroupStatus[]): Metric {
  return {
    name: "raft_follower_lag_entries",
    help: "Entries of the leader that a member has not confirmed.",
    type: "gauge",
    samples: statuses.flatMap(({ group, member, peers }) =>
      peers.map((peer) => ({
        labels: { group, member, follower: peer.id },
        value: peer.lagEntries,
      }))
    ),
  };
}
