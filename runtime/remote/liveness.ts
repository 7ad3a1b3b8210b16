/** Whether the other end of a link still lives, as far as its pings tell. */

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
