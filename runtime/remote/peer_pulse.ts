/** Pings of one link: is the peer there, and how far away. */

import type { Deadlines } from "../actor/deadlines.ts";
import type { Detector, DetectorFactory } from "./liveness.ts";
import { Alarm } from "./peer_alarm.ts";

/** Weight of the newest round trip in the smoothed one (RFC 6298, section 2). */
const NEWEST = 1 / 8;
/** Round trips that are measured at once; a probe may come between two pings. */
const OPEN_PINGS = 64;

/** What pings need. */
export interface PulseEvents {
  ping(n: number): void;
  /** The detector has given the link up. */
  suspected(): void;
}

/** Beats while its link stands. */
export class Pulse {
  readonly #deadlines: Deadlines;
  readonly #pingMs: number;
  #factory: DetectorFactory;
  readonly #events: PulseEvents;
  readonly #beat: Alarm;
  readonly #sentAtMs = new Map<number, number>();
  readonly #probes = new Map<number, (alive: boolean) => void>();
  #detector: Detector | null = null;
  #n = 0;
  #rttMs: number | null = null;

  constructor(
    deadlines: Deadlines,
    pingMs: number,
    factory: DetectorFactory,
    events: PulseEvents,
  ) {
    this.#deadlines = deadlines;
    this.#pingMs = pingMs;
    this.#factory = factory;
    this.#events = events;
    this.#beat = new Alarm(deadlines, () => this.#tick());
  }

  /** Smoothed round trip; `null` before the first. */
  get rttMs(): number | null {
    return this.#rttMs;
  }

  /** How sure it is that the peer is gone; 0 where no link stands. */
  get phi(): number {
    return this.#detector?.phi(this.#deadlines.now()) ?? 0;
  }

  /** The number of the next ping. */
  get next(): number {
    return this.#n + 1;
  }

  /** The link stands; `factory`: how it is judged, if not like the others. */
  start(factory = this.#factory): void {
    this.#factory = factory;
    this.#detector = this.#factory.create(this.#deadlines.now());
    this.#tick();
  }

  /** The link is gone; probes fail. */
  stop(): void {
    this.#beat.cancel();
    this.#detector = null;
    this.#sentAtMs.clear();
    const probes = [...this.#probes.values()];
    this.#probes.clear();
    for (const settle of probes) settle(false);
  }

  /** A pong has come. */
  answered(n: number): void {
    const sentAtMs = this.#sentAtMs.get(n);
    if (sentAtMs === undefined) return;
    this.#sentAtMs.delete(n);
    const nowMs = this.#deadlines.now();
    const rttMs = nowMs - sentAtMs;
    this.#rttMs = this.#rttMs === null ? rttMs : this.#rttMs + NEWEST * (rttMs - this.#rttMs);
    this.#detector?.heartbeat(nowMs);
    this.#probes.get(n)?.(true);
  }

  /** Whether a ping of now is answered within the time. */
  probe(withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const n = this.#ping();
      const settle = (alive: boolean): void => {
        late.cancel();
        this.#probes.delete(n);
        resolve(alive);
      };
      const late = new Alarm(this.#deadlines, () => settle(false));
      late.set(withinMs);
      this.#probes.set(n, settle);
    });
  }

  #tick(): void {
    if (this.phi >= this.#factory.suspectPhi) return this.#events.suspected();
    this.#ping();
    this.#beat.set(this.#pingMs);
  }

  #ping(): number {
    this.#n += 1;
    this.#sentAtMs.set(this.#n, this.#deadlines.now());
    const tooOld = this.#n - OPEN_PINGS;
    this.#sentAtMs.delete(tooOld);
    this.#events.ping(this.#n);
    return this.#n;
  }
}
