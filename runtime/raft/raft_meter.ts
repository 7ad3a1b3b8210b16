/** What a member counts: elections, votes, heartbeats, leaders. */

import { Histogram, type HistogramData } from "../telemetry/histogram.ts";
import type { MemberId } from "./core/entry.ts";
import type { RaftEvent } from "./core/outputs.ts";

/** Upper bounds of the duration of an election, in ms. */
const ELECTION_BOUNDS_MS = [10, 25, 50, 100, 200, 400, 800, 1_600, 3_200, 6_400];

/** The counts of one member since it started. */
export interface RaftCounts {
  /** Real elections this member has begun; pre-votes disturb nobody and are not counted. */
  readonly elections: number;
  /** From its own campaign to its leading, in ms. */
  readonly electionDurationMs: HistogramData;
  readonly leaderChanges: number;
  readonly voteRequestsSent: number;
  readonly voteRequestsReceived: number;
  /** Answers to its own requests; what is missing of those sent was lost, or is still awaited. */
  readonly votesGranted: number;
  readonly votesRefused: number;
  readonly heartbeatsMissed: ReadonlyMap<MemberId, number>;
  readonly term: number;
}

/** See the head of this file. */
export class RaftMeter {
  readonly #durations = new Histogram(ELECTION_BOUNDS_MS);
  readonly #missed = new Map<MemberId, number>();
  #elections = 0;
  #campaignMs: number | null = null;
  #leader: MemberId | null = null;
  #leaderChanges = 0;
  #sent = 0;
  #received = 0;
  #granted = 0;
  #refused = 0;
  #term = 0;

  /** Whatever is no vote is passed over. */
  sent({ type }: { readonly type: string }): void {
    if (type === "vote") this.#sent += 1;
  }

  received(message: { readonly type: string; readonly granted?: boolean }): void {
    if (message.type === "vote") this.#received += 1;
    if (message.type !== "voteReply") return;
    if (message.granted === true) this.#granted += 1;
    else this.#refused += 1;
  }

  happened(event: RaftEvent, nowMs: number): void {
    switch (event.type) {
      case "campaign":
        this.#campaignMs ??= nowMs;
        if (!event.pre) this.#elections += 1;
        return;
      case "role":
        return this.#role(event.role, nowMs);
      case "leader":
        if (event.leader !== null && event.leader !== this.#leader) {
          this.#leader = event.leader;
          this.#leaderChanges += 1;
        }
        return;
      case "term":
        this.#term = event.term;
        return;
      case "heartbeatMissed":
        this.#missed.set(event.member, (this.#missed.get(event.member) ?? 0) + 1);
    }
  }

  counts(): RaftCounts {
    return {
      elections: this.#elections,
      electionDurationMs: this.#durations.data(),
      leaderChanges: this.#leaderChanges,
      voteRequestsSent: this.#sent,
      voteRequestsReceived: this.#received,
      votesGranted: this.#granted,
      votesRefused: this.#refused,
      heartbeatsMissed: new Map(this.#missed),
      term: this.#term,
    };
  }

  #role(role: string, nowMs: number): void {
    if (role === "leader" && this.#campaignMs !== null) {
      this.#durations.add(nowMs - this.#campaignMs);
    }
    if (role === "leader" || role === "follower") this.#campaignMs = null;
  }
}
