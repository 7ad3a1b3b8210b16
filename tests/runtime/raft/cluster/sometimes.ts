/** Rare states that a long run must have reached. */

/** Every name that {@link Sometimes} counts. */
export const RARE_STATES = [
  "election won",
  "election lost to a split vote",
  "witness vote decided an election",
  "leader heard of a higher term",
  "leader stepped down by itself",
  "uncommitted entries overwritten",
  "configuration entry overwritten",
  "joint configuration",
  "joint configuration left by another leader",
  "learner promoted",
  "catch-up too slow",
  "replace done",
  "member removed",
  "leader removed itself",
  "transfer done",
  "transfer timed out",
  "priority handed the lead over",
  "snapshot installed",
  "snapshot refused or replaced on the way",
  "snapshot to a witness",
  "restart from a snapshot",
  "torn write",
  "unconfirmed write survived",
  "unconfirmed write lost",
  "log compacted",
  "read answered by the leader",
  "read answered for a follower",
  "read by clock",
  "read given up",
  "all: on every voter",
  "all: content with a quorum",
  "leader: durable on the leader",
  "command overloaded",
  "command refused for a skewed clock",
  "outcome unknown",
  "degraded",
  "would lose quorum",
  "change before a commit of the term",
  "change while another is pending",
  "heartbeat missed",
  "served across a bridge",
] as const;

/** A name of {@link RARE_STATES}. */
export type RareState = typeof RARE_STATES[number];

/** Counts how often each rare state was seen. */
export class Sometimes {
  readonly counts = new Map<RareState, number>(RARE_STATES.map((name) => [name, 0]));

  saw(name: RareState): void {
    this.counts.set(name, this.counts.get(name)! + 1);
  }

  add(others: Sometimes): void {
    for (const [name, count] of others.counts) {
      this.counts.set(name, this.counts.get(name)! + count);
    }
  }

  never(): RareState[] {
    return RARE_STATES.filter((name) => this.counts.get(name) === 0);
  }
}
