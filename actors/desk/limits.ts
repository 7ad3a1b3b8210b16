/** The limits of what a controller keeps for those who ask. */

import type { LimitTable } from "../../runtime/base/limits.ts";

export const DESK_LIMITS = {
  eventsKept: {
    unit: "count",
    value: 20_000,
    why: "events that a gateway may be behind before it is told that it has missed some",
  },
  partBytes: {
    unit: "bytes",
    value: 524_288,
    why: "a run that is tried again comes in commands of so much: an eighth of what one may have",
  },
  eventsWaitMs: {
    unit: "ms",
    value: 2_000,
    why: "how long a question for events waits when there are none; its asker asks again",
  },
  eventsGatherMs: {
    unit: "ms",
    value: 50,
    why: "pause after the first event, so that many travel together",
  },
  progressPerAnswer: {
    unit: "count",
    value: 500,
    why: "jobs whose progress one answer tells; the others are told with the next",
  },
  viewTexts: {
    unit: "count",
    value: 8_192,
    why: "jobs and runs whose JSON is kept for the next who asks, at about 1 KiB each",
  },
  writeMs: {
    unit: "ms",
    value: 8_000,
    why: "how long a write may take, an election included, before its outcome is called unknown",
  },
  readMs: { unit: "ms", value: 3_000, why: "how long a linearizable read may wait for the quorum" },
  changeMs: { unit: "ms", value: 25_000, why: "how long a change of the controllers may take" },
  voterSilentMs: {
    unit: "ms",
    value: 2_000,
    why: "a voter that was silent for so long is not counted on when another one is to be removed",
  },
  successorLagEntries: {
    unit: "count",
    value: 10_000,
    why:
      "a controller that lacks more is given no leadership: nobody could write until it has them",
  },
  passOnMs: {
    unit: "ms",
    value: 60_000,
    why: "how long the leader may take with a change that was passed on: longer than two changes",
  },
  askLeaderMs: {
    unit: "ms",
    value: 1_000,
    why: "how long the leader may take to say how far the others are; it is left out then",
  },
  certificateSoonMs: {
    unit: "ms",
    value: 14 * 86_400_000,
    why: "a certificate that ends sooner is told of: two weeks are enough to issue another one",
  },
  damageShownMs: {
    unit: "ms",
    value: 86_400_000,
    why: "damage of an archive is told of for so long, though it was mended: its disk is in doubt",
  },
  againMs: { unit: "ms", value: 100, why: "pause before a handover is looked at again" },
  retryAfterMs: {
    unit: "ms",
    value: 1_000,
    why: "after so long somebody may ask again who was refused for want of a quorum",
  },
} as const satisfies LimitTable;
