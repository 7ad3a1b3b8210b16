/** Whether the other end of a link still lives, as far as its pings tell. */

import type { LimitTable } from "../base/limits.ts";

/** A failure detector of one link: the larger `phi`, the surer that the peer is gone. */
export interface Detector {
  /** The peer has answered a ping. */
  heartbeat(nowMs: number): void;
  /** -log10 of the chance that the peer still lives (Hayashibara 2004). */
  phi(nowMs: number): number;
}

/** Makes the detector of a link that is up since `nowMs`, and says from which phi on it is given up. */
export interface DetectorFactory {
  readonly suspectPhi: number;
  create(nowMs: number): Detector;
}

/** The bounds of the default detector. */
export const LIVENESS_LIMITS = {
  silentMs: { unit: "ms", value: 5_000, why: "a peer that answers no ping for this long is gone" },
} as const satisfies LimitTable;

/** A plain timeout, for links of nodes that are given no better detector. */
export function silenceDetector(
  silentMs: number = LIVENESS_LIMITS.silentMs.value,
): DetectorFactory {
  return {
    suspectPhi: 1,
    create: (createdMs) => {
      let lastMs = createdMs;
      return {
        heartbeat: (nowMs) => {
          lastMs = nowMs;
        },
        phi: (nowMs) => (nowMs - lastMs >= silentMs ? Infinity : 0),
      };
    },
  };
}
