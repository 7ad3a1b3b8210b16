/** What a member knows, and the few things that every part of it does. */

import type { CatchUp } from "./catch_up.ts";
import type { ClockState } from "./clock.ts";
import {
  type Configuration,
  type Member,
  memberOf,
  type MembershipChange,
} from "./configuration.ts";
import type { Waiters } from "./durability.ts";
import type { MemberId, SnapshotMeta } from "./entry.ts";
import type { Lease } from "./lease.ts";
import type { RaftLog } from "./log.ts";
import type { Message, SnapshotFile } from "./messages.ts";
import type { RaftOptions } from "./options.ts";
import type { Outbox } from "./outbox.ts";
import type { RefusalCode, Role } from "./outputs.ts";
import type { Need, Persistence } from "./persistence.ts";
import type { Progress } from "./progress.ts";
import type { Voters } from "./quorum.ts";
import { votersOf } from "./quorum.ts";
import type { PendingReads } from "./reads.ts";
import type { Transfer } from "./transfer.ts";

/** A change of members that its asker waits for. */
export interface PendingChange {
  readonly id: number;
  readonly change: MembershipChange;
  /** Not in the log yet: its learner catches up. */
  readonly catchUp: CatchUp | null;
}

/** What only a leader knows; made anew for each term. */
export interface Leading {
  /** Everyone who receives the log, without the leader. */
  readonly peers: Map<MemberId, Progress>;
  readonly lease: Lease;
  readonly reads: PendingReads;
  readonly waiters: Waiters;
  /** The first entry of the term: until it is committed, the commit index may be an old one. */
  readonly termStart: number;
  nextHeartbeatMs: number;
  uncommittedBytes: number;
  /** Whether this leader's clock may stamp. */
  clock: ClockState;
  /** To be looked at when the step ends. */
  matchChanged: boolean;
  appended: boolean;
  commitChanged: boolean;
  roundAnswered: boolean;
}

/** A snapshot that is coming in. */
export interface Receiving {
  readonly from: MemberId;
  readonly term: number;
  readonly session: number;
  readonly snapshot: SnapshotMeta;
  readonly file: SnapshotFile;
}

/** A member of a group: plain state, owned by `step`. */
export interface Raft {
  readonly options: RaftOptions;
  readonly id: MemberId;
  readonly out: Outbox;
  readonly log: RaftLog;
  readonly persistence: Persistence;
  nowMs: number;
  wallMs: number;
  random: number;
  term: number;
  vote: MemberId | null;
  role: Role;
  leader: MemberId | null;
  /** The configuration in force, at which index, and its voters. */
  configuration: Configuration;
  configurationIndex: number;
  voters: Voters;
  /** What this member was last told to be; null: it has never been told. */
  self: Member | null;
  commit: number;
  /** Given to the machine. */
  handed: number;
  /** Applied by the machine. */
  applied: number;
  applyingBytes: number;
  /** The newest durable snapshot of this member. */
  snapshot: { readonly snapshot: SnapshotMeta; readonly file: SnapshotFile | null };
  receiving: Receiving | null;
  /** When it last heard a leader, or started: a promise not to elect another for a while. */
  heardLeaderMs: number;
  electionDeadlineMs: number;
  votes: Map<MemberId, boolean>;
  leading: Leading | null;
  transfer: Transfer | null;
  change: PendingChange | null;
  /** Reads that were passed on to the leader, and when. */
  readonly forwarded: Map<string, number>;
  degraded: boolean;
  /** How often this member gave way to a better one of late, and when it did so last. */
  preferences: { readonly count: number; readonly lastMs: number };
}

/** Sends at once. */
export function send(raft: Raft, message: Message): void {
  raft.out.send.push(message);
}

/** Sends once what `message` stands on is durable (paper, figure 2: "before responding to RPCs"). */
export function sendDurable(raft: Raft, message: Message, need: Need): void {
  raft.persistence.hold(message, need, raft.term);
}

/** Refuses a wish; nothing of it has happened. */
export function refuse(raft: Raft, id: number, code: RefusalCode, reason: string): void {
  raft.out.answers.push({ id, outcome: "refused", code, leader: raft.leader, reason });
}

/** Takes over the configuration of the log, wherever that may have changed. */
export function followConfiguration(raft: Raft): boolean {
  const { index, configuration } = raft.log.configuration;
  if (configuration === raft.configuration) return false;
  raft.configuration = configuration;
  raft.configurationIndex = index;
  raft.voters = votersOf(configuration);
  raft.self = memberOf(configuration, raft.id) ?? raft.self;
  const committed = index <= raft.commit;
  raft.out.events.push({ type: "configuration", configuration, index, committed });
  return true;
}

/** Commits up to `index`; false if that is nothing new. */
export function commitTo(raft: Raft, index: number): boolean {
  if (index <= raft.commit) return false;
  const before = raft.commit;
  raft.commit = index;
  for (const placed of raft.log.configurationsBetween(before, index)) {
    raft.out.events.push({ type: "configuration", ...placed, committed: true });
  }
  return true;
}
