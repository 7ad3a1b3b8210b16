/** The live feed of one gateway: one poll of the cluster, any number of clients. */

import type { LiveEvent } from "../../actors/desk/messages.ts";
import type { Env, TimerHandle } from "../../runtime/env/env.ts";
import { Problem } from "../problem.ts";
import { comparePositions, type EventPosition, positionOf } from "./event_id.ts";
import { Fanout, type FanoutCounts } from "./fanout.ts";
import type { LiveFilter } from "./filter.ts";
import { type LiveLimits, liveLimits } from "./limits.ts";
import { ProgressGate } from "./progress_gate.ts";
import { Puller } from "./puller.ts";
import { type LiveRecord, missedRecord, recordOf } from "./record.ts";
import type { EventPage, EventSource } from "./source.ts";
import type { Sink, Subscriber } from "./subscriber.ts";

/** Who subscribes to what. */
export interface SubscribeOptions {
  readonly keyId: string;
  readonly filter: LiveFilter;
  /** The id of the last event that the client has; null: it wants what comes from now on. */
  readonly after: string | null;
}

/** One client's stream. */
export interface Subscription {
  /** The client has room again. */
  drained(): void;
  /** The client has gone. Idempotent. */
  close(): void;
}

/** The event after which a client wants to go on. */
interface Wanted {
  readonly id: string;
  readonly position: EventPosition;
}

/** See the file's comment. It polls from the start; {@link close} ends everything. */
export class LiveHub {
  readonly limits: LiveLimits;
  readonly #env: Env;
  readonly #fanout: Fanout;
  readonly #gate: ProgressGate;
  readonly #puller: Puller;
  readonly #following: Promise<void>;
  readonly #keys = new Map<string, number>();
  /** Clients that want older events than the ring has. */
  readonly #wanting = new Map<Subscriber, Wanted>();
  #looking: Promise<void> | null = null;
  #lastId: string | null = null;
  #tick: TimerHandle | null = null;
  #heartbeat: TimerHandle;
  #gaps = 0;

  /** `sources`: the controllers as they are known now, the preferred one first. */
  constructor(
    env: Env,
    sources: () => readonly EventSource[],
    overrides: Partial<LiveLimits> = {},
  ) {
    this.#env = env;
    this.limits = liveLimits(overrides);
    this.#fanout = new Fanout(this.limits);
    this.#gate = new ProgressGate(this.limits);
    this.#puller = new Puller(env, sources, this.limits);
    this.#heartbeat = this.#beatLater();
    this.#following = this.#puller.follow((page) => this.#take(page));
  }

  /** What has been counted. */
  get counts(): FanoutCounts {
    return this.#fanout.counts;
  }

  /** Where a client that begins now may go on later; null before the first answer of a controller. */
  get lastId(): string | null {
    return this.#lastId;
  }

  /** Begins a stream. Problem `tooMany`, `malformedRequest`, `overloaded`. */
  subscribe({ keyId, filter, after }: SubscribeOptions, sink: Sink): Subscription {
    const wanted = after === null ? null : { id: after, position: readPosition(after) };
    this.#admit(keyId);
    const subscriber = this.#fanout.add(filter, sink, this.#env.clock.monotonic());
    this.#keys.set(keyId, (this.#keys.get(keyId) ?? 0) + 1);
    if (wanted === null) this.#fanout.begin(subscriber);
    else this.#beginAfter(subscriber, wanted);
    let isClosed = false;
    return {
      drained: () => {
        this.#fanout.drained(subscriber, this.#env.clock.now());
        this.#tickLater();
      },
      close: () => {
        if (isClosed) return;
        isClosed = true;
        this.#wanting.delete(subscriber);
        this.#fanout.remove(subscriber);
        this.#release(keyId);
      },
    };
  }

  /** Ends all streams, so that their clients go elsewhere, and the poll. */
  async close(): Promise<void> {
    this.#puller.stop();
    this.#tick?.cancel();
    this.#heartbeat.cancel();
    for (const subscriber of [...this.#fanout.all()]) this.#fanout.end(subscriber, "closing");
    await this.#following;
    await this.#looking;
  }

  #admit(keyId: string): void {
    if (this.#puller.isStopped) {
      throw new Problem(
        "overloaded",
        "cannot begin a stream: this gateway stops; ask another one",
        {
          retryable: true,
        },
      );
    }
    const { subscribers, subscribersPerKey } = this.limits;
    const tooMany = (whose: string, most: number) =>
      new Problem(
        "tooMany",
        `cannot begin a stream: ${whose} has ${most} already; end some, or ask another gateway`,
        { retryable: true, retryAfterMs: this.limits.heartbeatMs },
      );
    if (this.counts.subscribers >= subscribers) throw tooMany("this gateway", subscribers);
    if ((this.#keys.get(keyId) ?? 0) >= subscribersPerKey) {
      throw tooMany("this key", subscribersPerKey);
    }
  }

  #release(keyId: string): void {
    const left = (this.#keys.get(keyId) ?? 1) - 1;
    if (left > 0) this.#keys.set(keyId, left);
    else this.#keys.delete(keyId);
  }

  #take({ events, last, missed }: EventPage): void {
    const nowMs = this.#env.clock.now();
    const position = positionOf(last);
    if (position !== null && this.#fanout.ring.floor === null) {
      this.#fanout.ring.begin(this.#floorOf(events, position));
    }
    if (missed) {
      this.#gaps += 1;
      const gone = { why: "gone" as const, count: null, byType: {}, first: null, last: null };
      this.#fanout.publish(missedRecord(gone, nowMs, -this.#gaps), nowMs);
    }
    for (const event of events) this.#takeEvent(event, nowMs);
    this.#lastId = last;
    if (this.#wanting.size > 0) this.#look();
    this.#tickLater();
  }

  /** The first answer may bring events: what is before them is not here. */
  #floorOf(events: readonly LiveEvent[], last: EventPosition): EventPosition {
    const first = events.find((event) => event.type !== "progress");
    return (first === undefined ? null : positionOf(first.id)) ?? last;
  }

  #takeEvent(event: LiveEvent, nowMs: number): void {
    if (event.type !== "progress") {
      if (event.type === "job") this.#gate.forget(event.job.id);
      return this.#fanout.publish(recordOf(event), nowMs);
    }
    const passing = this.#gate.offer(event, this.#env.clock.monotonic());
    if (passing !== null) this.#fanout.progress(recordOf(passing), passing.jobId, nowMs);
  }

  #tickLater(): void {
    if (this.#puller.isStopped || (!this.#fanout.hasSlow && !this.#gate.hasPending)) return;
    this.#tick ??= this.#env.timers.after(this.limits.tickMs, () => {
      this.#tick = null;
      const nowMs = this.#env.clock.now();
      for (const event of this.#gate.due(this.#env.clock.monotonic())) {
        this.#fanout.progress(recordOf(event), event.jobId, nowMs);
      }
      this.#fanout.tick(nowMs);
      this.#tickLater();
    });
  }

  #beatLater(): TimerHandle {
    return this.#env.timers.after(this.limits.heartbeatMs, () => {
      const nowMs = this.#env.clock.monotonic();
      for (const subscriber of [...this.#fanout.all()]) {
        if (nowMs - subscriber.openedMs > this.limits.sessionMs) {
          this.#fanout.end(subscriber, "session");
        } else if (!subscriber.sink.isCongested) {
          const isUpToDate = subscriber.cursor === null && subscriber.ahead === null;
          subscriber.sink.heartbeat(isUpToDate ? this.#lastId : null);
        }
      }
      this.#heartbeat = this.#beatLater();
    });
  }

  #beginAfter(subscriber: Subscriber, wanted: Wanted): void {
    const { floor } = this.#fanout.ring;
    if (floor !== null && comparePositions(wanted.position, floor) >= 0) {
      this.#fanout.beginAfter(subscriber, wanted.position, this.#env.clock.now());
      return this.#tickLater();
    }
    this.#wanting.set(subscriber, wanted);
    this.#look();
  }

  /** Gets older events once for all that want some; those whose events are gone are told. */
  #look(): void {
    if (this.#fanout.ring.floor === null || this.#looking !== null) return;
    this.#looking = this.#lookBack().finally(() => {
      this.#looking = null;
      if (this.#wanting.size > 0 && !this.#puller.isStopped) this.#look();
    });
  }

  async #lookBack(): Promise<void> {
    const { ring } = this.#fanout;
    const asked = [...this.#wanting];
    const oldest = asked.map(([, wanted]) => wanted)
      .reduce((a, b) => comparePositions(a.position, b.position) <= 0 ? a : b);
    const before = ring.floor;
    if (before !== null && comparePositions(oldest.position, before) < 0) {
      await this.#extend(oldest, before);
    }
    for (const [subscriber, { position }] of asked) {
      this.#wanting.delete(subscriber);
      if (subscriber.isOpen) {
        this.#fanout.beginAfter(subscriber, position, this.#env.clock.now());
      }
    }
    this.#tickLater();
  }

  async #extend(from: Wanted, to: EventPosition): Promise<void> {
    const older: LiveRecord[] = [];
    let floor = from.position;
    let after = from.id;
    while (!this.#puller.isStopped) {
      const page = await this.#puller.page(after);
      if (page === null) return;
      if (page.missed) {
        older.length = 0;
        floor = this.#floorOf(page.events, to);
      }
      for (const event of page.events) {
        if (event.type === "progress") continue;
        const record = recordOf(event);
        if (record.position !== null && comparePositions(record.position, to) <= 0) {
          older.push(record);
        }
      }
      if (older.length > this.limits.ringEvents) {
        const dropped = older.splice(0, older.length - this.limits.ringEvents);
        floor = dropped.at(-1)?.position ?? floor;
      }
      after = page.last;
      const reached = positionOf(after);
      if (reached === null || comparePositions(reached, to) >= 0) break;
    }
    // While this was asked, the ring may have dropped what comes right after: then it does not fit.
    const { floor: now } = this.#fanout.ring;
    if (now !== null && comparePositions(now, to) === 0) this.#fanout.ring.prepend(older, floor);
  }
}

function readPosition(id: string): EventPosition {
  const position = positionOf(id);
  if (position !== null) return position;
  const detail = "the id is not one of this feed; leave it out to begin now";
  throw new Problem("malformedRequest", `cannot go on after this event: ${detail}`, {
    errors: [{ detail, header: "Last-Event-ID" }],
  });
}
