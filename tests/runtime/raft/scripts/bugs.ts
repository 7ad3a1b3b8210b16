/**
 * The 24 bugs that Raft's core, sessions and log are tried with: each patch puts one back, and a script
 * of `tests/golden/raft`, or a test, turns red. `deno run -A tests/mutants/raft.ts` tries them all.
 */

import { planted } from "../../../mutants/mutant.ts";

/** One bug. */
export interface RaftBug {
  readonly number: number;
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
  /** What stands there exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Another place of the same file. */
  readonly also?: { readonly find: string; readonly replace: string };
  /** A script without its ending, or a file of tests: it turns red. */
  readonly foundBy: { readonly script: string } | { readonly test: string };
  /**
   * What looks for it by chance. `core`, if nothing is said: `tests/simulation/raft/core`. `meshes`: links
   * that stay cut (`partial_mesh.ts`). `raft/kv`: whole members with their disks.
   */
  readonly exploredBy?: "core" | "meshes" | "raft/kv";
}

/** The text of `bug.file` with the bug in it; throws where its place is not there, or not alone. */
export function withBug(text: string, { name, file, find, replace, also }: RaftBug): string {
  const first = planted(text, { name, file, find, replace, scenario: "", seeds: 0 });
  return also === undefined
    ? first
    : planted(first, { name, file, ...also, scenario: "", seeds: 0 });
}

/** By number; some come in more than one place. */
export const RAFT_BUGS: readonly RaftBug[] = [
  {
    number: 1,
    name: "an entry of an earlier term is committed by counting",
    file: "runtime/raft/core/leader.ts",
    find: `if (index <= raft.commit || raft.log.termAt(index) !== raft.term) return;`,
    replace: `if (index <= raft.commit) return;`,
    foundBy: { script: "bug_01_commit_by_counting" },
  },
  {
    number: 2,
    name: "a vote is said before it is durable",
    file: "runtime/raft/core/election.ts",
    find: `  const reply: VoteReply = { type: "voteReply", from, to: request.from, term, granted };
  sendDurable(raft, reply, "vote");`,
    replace:
      `  const reply: VoteReply = { type: "voteReply", from, to: request.from, term, granted };
  send(raft, reply);`,
    foundBy: { script: "bug_02_vote_not_durable" },
  },
  {
    number: 3,
    name: "late completions count the own vote again",
    file: "runtime/raft/core/election.ts",
    find: `  if (raft.role !== "candidate" || !raft.persistence.voteIsDurable) return;
  raft.votes.set(raft.id, true);`,
    replace: `  if (raft.role !== "candidate") return;
  const own = [raft.id, ...others(raft)].find((id) => !raft.votes.has(id)) ?? raft.id;
  raft.votes.set(own, true);`,
    foundBy: { script: "bug_03_own_vote_twice" },
  },
  {
    number: 4,
    name: "the longer log is taken for the newer one",
    file: "runtime/raft/core/log.ts",
    find: `return term > this.lastTerm || (term === this.lastTerm && index >= this.lastIndex);`,
    replace: `return term >= 0 && index >= this.lastIndex;`,
    foundBy: { script: "bug_04_wrong_up_to_date" },
  },
  {
    number: 5,
    name: "an append cuts what stands behind it although it matches",
    file: "runtime/raft/core/log.ts",
    find: `    if (first === undefined) return null;`,
    replace: `    if (first === undefined) {
      const after = (entries.at(-1)?.index ?? this.lastIndex) + 1;
      if (after > this.lastIndex) return null;
      this.#truncate(after);
      return after;
    }`,
    foundBy: { script: "bug_05_matching_suffix_cut" },
  },
  {
    number: 6,
    name: "a late snapshot is installed over what was applied",
    file: "runtime/raft/core/follower.ts",
    find: `    if (index > raft.commit) install(raft, receiving);`,
    replace: `    install(raft, receiving);`,
    also: {
      find: `  if (snapshot.index <= raft.commit) return confirm(raft, message, raft.commit);`,
      replace: ``,
    },
    foundBy: { script: "bug_06_snapshot_races_apply" },
  },
  {
    number: 7,
    name: "compaction forgets the configuration whose entry it removes",
    file: "runtime/raft/core/log.ts",
    find: `this.#configurations.filter((placed) => placed.index >= inForce.index);`,
    replace: `this.#configurations.filter((placed, place) =>
      place === 0 || placed.index > Math.max(index, inForce.index)
    );`,
    foundBy: { script: "bug_07_membership_lost_by_compaction" },
  },
  {
    number: 8,
    name: "a configuration changes before an entry of the term is committed",
    file: "runtime/raft/core/membership.ts",
    find: `  if (raft.commit < leading.termStart) {`,
    replace: `  if (raft.commit < leading.termStart && raft.commit < 0) {`,
    foundBy: { script: "bug_08_change_before_commit" },
  },
  {
    number: 9,
    name: "only who entered a joint configuration leaves it",
    file: "runtime/raft/core/membership.ts",
    find: `  if (raft.configuration.outgoing !== null) {
    return append`,
    replace: `  if (raft.configuration.outgoing !== null && raft.change !== null) {
    return append`,
    foundBy: { script: "bug_09_joint_never_left" },
  },
  {
    number: 10,
    name: "a restart forgets that the configuration is joint",
    file: "runtime/raft/core/raft.ts",
    find: `    voters: votersOf(configuration),`,
    replace: `    voters: votersOf({ ...configuration, outgoing: null }),`,
    foundBy: { script: "bug_10_restart_forgets_joint" },
  },
  {
    number: 11,
    name: "a promoted learner refuses to vote",
    file: "runtime/raft/core/election.ts",
    find: `  const granted = isFree(raft, request) && isUpToDate(raft, request);`,
    replace: `  const isVoter = raft.self?.role === "voter";
  const granted = isVoter && isFree(raft, request) && isUpToDate(raft, request);`,
    foundBy: { script: "bug_11_promoted_learner_refuses" },
  },
  {
    number: 12,
    name: "a removed member disrupts: no pre-vote, and those that hear a leader elect another",
    file: "runtime/raft/core/election.ts",
    find: `  if (isLoyal(raft) && !request.transfer) return;`,
    replace: ``,
    also: { find: `return askBefore(raft);`, replace: `return campaign(raft, false);` },
    foundBy: { script: "bug_12_removed_member_disrupts" },
  },
  {
    number: 13,
    name: "livelock under partial connectivity: a leader without a quorum leads on",
    file: "runtime/raft/core/leader.ts",
    find: `  if (!hearsQuorum(raft, leading)) return becomeFollower(raft, raft.term, null, null);`,
    replace: `  if (!hearsQuorum(raft, leading) && raft.term < 0) {
    return becomeFollower(raft, raft.term, null, null);
  }`,
    foundBy: { script: "bug_13_partial_connectivity" },
    exploredBy: "meshes",
  },
  {
    number: 14,
    name: "reads are answered before an entry of the term is committed",
    file: "runtime/raft/core/reading.ts",
    find: `  if (commit < leading.termStart) return reads.postpone(context, from);`,
    replace: ``,
    foundBy: { script: "bug_14_read_before_first_commit" },
  },
  {
    number: 15,
    name: "late answers to an earlier round confirm a read",
    file: "runtime/raft/core/reading.ts",
    find: `  reads.add({ context, from, index: commit, round: lease.round + 1 });`,
    replace: `  reads.add({ context, from, index: commit, round: lease.round });`,
    foundBy: { script: "bug_15_old_round_answers_read" },
  },
  {
    number: 16,
    name: "reads by clock survive a transfer",
    file: "runtime/raft/core/handover.ts",
    find: `  leading.lease.end();`,
    replace: ``,
    foundBy: { script: "bug_16_clock_read_after_transfer" },
  },
  {
    number: 17,
    name: "reads by clock know of no drift",
    file: "runtime/raft/core/lease.ts",
    find: `electionMs * (1 - clockDrift)`,
    replace: `electionMs * (1 - 0 * clockDrift)`,
    foundBy: { script: "bug_17_clock_drift" },
  },
  {
    number: 18,
    name: "a single member acknowledges before its disk has it",
    file: "runtime/raft/core/peers.ts",
    find: `  return id === raft.id ? raft.persistence.durableIndex : `,
    replace: `  return id === raft.id ? raft.log.lastIndex : `,
    foundBy: { script: "bug_18_single_member_before_fsync" },
  },
  {
    number: 18,
    name: "the driver confirms a write before the disk has it",
    file: "runtime/raft/persist_line.ts",
    find: `    if (this.#timer === null) this.#offer(order);`,
    replace: `    if (this.#timer === null) this.#offer(order);
    this.#events.persisted(order.number);`,
    foundBy: { test: "tests/runtime/raft/persist_line_test.ts" },
    exploredBy: "raft/kv",
  },
  {
    number: 18,
    name: "the log confirms a write before fsync",
    file: "runtime/raft/wal/segment_writer.ts",
    find: `      await this.#writePart(part, position > 0);
      await this.#sync();`,
    replace: `      await this.#writePart(part, position > 0);`,
    foundBy: { test: "tests/runtime/raft/wal/log_crash_test.ts" },
    exploredBy: "raft/kv",
  },
  {
    number: 19,
    name: "a failed fsync is tried again and taken for success",
    file: "runtime/raft/wal/segment_writer.ts",
    find: `    await this.#openFile().syncData();`,
    replace: `    await this.#openFile().syncData().catch(() => this.#openFile().syncData());`,
    foundBy: { test: "tests/runtime/raft/wal/failed_sync_test.ts" },
    exploredBy: "raft/kv",
  },
  {
    number: 20,
    name: "damage in the middle is cut like a torn end",
    file: "runtime/raft/wal/scan.ts",
    find: `    if (provesDurable(bytes, endOffset, record, bytes.length, this.#env.hash.crc32)) {`,
    replace:
      `    if (record < 0 && provesDurable(bytes, endOffset, record, 0, this.#env.hash.crc32)) {`,
    foundBy: { test: "tests/runtime/raft/wal/log_test.ts" },
    exploredBy: "raft/kv",
  },
  {
    number: 20,
    name: "a torn end is refused like damage",
    file: "runtime/raft/wal/scan.ts",
    find: `    if (isZero(bytes, endOffset)) return false;`,
    replace: `    if (isZero(bytes, endOffset)) return false;
    if (endOffset > 0) throw this.#corrupt(path, endOffset, "it is torn");`,
    foundBy: { test: "tests/runtime/raft/wal/log_crash_test.ts" },
    exploredBy: "raft/kv",
  },
  {
    number: 21,
    name: "a command that comes again after a change of leader is applied again",
    file: "runtime/raft/sessions.ts",
    find:
      `    if (answer !== null) return { state: withSession(state, run.session, session), result: answer };`,
    replace: `    if (answer?.kind === "refused") return { state, result: answer };`,
    foundBy: { test: "tests/runtime/raft/sessions_test.ts" },
    exploredBy: "raft/kv",
  },
  {
    number: 22,
    name: "late answers to an earlier membership count",
    file: "runtime/raft/core/replicate.ts",
    find: `  if (peer === undefined || peer.session !== reply.session) return null;`,
    replace: `  if (peer === undefined) return null;`,
    foundBy: { script: "bug_22_stale_catch_up" },
  },
  {
    number: 23,
    name: "a transfer outlives its term",
    file: "runtime/raft/core/roles.ts",
    find: `  // A flag that outlived its term would wedge this member when it leads again.
  raft.transfer = null;`,
    replace: ``,
    foundBy: { script: "bug_23_transfer_flag_stays" },
  },
  {
    number: 24,
    name: "a completed write of an old term counts for what replaced it",
    file: "runtime/raft/core/persistence.ts",
    find:
      `    for (const order of this.#outstanding) order.lastIndex = Math.min(order.lastIndex, from - 1);`,
    replace: ``,
    foundBy: { script: "bug_24_write_of_an_old_term" },
  },
];
