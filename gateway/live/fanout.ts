/**
 * Gives each event to all clients that want it. A client that takes events as they come gets them at
 * once; a slow one reads from the ring when it has room, and what the ring has dropped by then is counted
 * and told. So nobody waits for anybody, and a client costs the same memory however slow it is. Without
 * input and output: time is given.
 */

import { comparePositions, type EventPosition } from "./event_id.ts";
import { type LiveFilter, wants } from "./filter.ts";
import { type Group, GroupIndex } from "./group_index.ts";
import type { LiveLimits } from "./limits.ts";
import { type LiveRecord, missedRecord } from "./record.ts";
import { EventRing } from "./ring.ts";
import { type Sink, type StreamEnd, Subscriber } from "./subscriber.ts";

/** What has been counted. */
export interface FanoutCounts {
  readonly subscribers: number;
  readonly slow: number;
  readonly delivered: number;
  readonly missed: number;
  readonly ringEvents: number;
}

/** See the file's comment. */
export class Fanout {
  readonly ring: EventRing;
  readonly #limits: LiveLimits;
  readonly #groups = new GroupIndex();
  readonly #slow = new Set<Subscriber>();
  #subscribers = 0;
  #delivered = 0;
  #missed = 0;
  #missedEvents = 0;

  constructor(limits: LiveLimits) {
    this.#limits = limits;
    this.ring = new EventRing(limits);
  }

  get counts(): FanoutCounts {
    return {
      subscribers: this.#subscribers,
      slow: this.#slow.size,
      delivered: this.#delivered,
      missed: this.#missed,
      ringEvents: this.ring.end - this.ring.first,
    };
  }

  /** Clients that have to be looked at again. */
  get hasSlow(): boolean {
    return this.#slow.size > 0;
  }

  /** All clients. */
  *all(): Iterable<Subscriber> {
    for (const { members } of this.#groups.all()) yield* members;
  }

  /** A new client, which gets nothing before {@link begin} or {@link beginAfter}. */
  add(filter: LiveFilter, sink: Sink, nowMs: number): Subscriber {
    const subscriber = new Subscriber(filter, sink, nowMs);
    this.#groups.add(subscriber);
    this.#subscribers += 1;
    // Until it begins, its place is one that nothing ever reaches.
    subscriber.cursor = Infinity;
    return subscriber;
  }

  /** It gets what comes from now on. */
  begin(subscriber: Subscriber): void {
    subscriber.cursor = null;
  }

  /** It gets what came after `position`, as far as it is kept, and then what comes. */
  beginAfter(subscriber: Subscriber, position: EventPosition, nowMs: number): void {
    const { floor } = this.ring;
    if (floor === null || comparePositions(position, floor) < 0) {
      subscriber.hasGap = true;
    }
    subscriber.ahead = position;
    subscriber.cursor = this.ring.after(position);
    this.#slow.add(subscriber);
    this.drained(subscriber, nowMs);
  }

  /** The client has gone, or is ended. Idempotent. */
  remove(subscriber: Subscriber): void {
    if (!subscriber.isOpen) return;
    subscriber.isOpen = false;
    this.#slow.delete(subscriber);
    this.#subscribers -= 1;
    this.#groups.remove(subscriber);
  }

  /** Ends the stream of a client. */
  end(subscriber: Subscriber, why: StreamEnd): void {
    if (!subscriber.isOpen) return;
    this.remove(subscriber);
    subscriber.sink.end(why);
  }

  /** Takes a new event that is kept. */
  publish(record: LiveRecord, nowMs: number): void {
    this.ring.append(record, (dropped, number) => this.#dropped(dropped, number));
    const number = this.ring.end - 1;
    for (const { members } of this.#groupsOf(record)) {
      for (const subscriber of members) {
        if (subscriber.cursor !== null) continue;
        if (subscriber.sink.isCongested) this.#falls(subscriber, number, nowMs);
        else this.#send(subscriber, record);
      }
    }
  }

  /** Takes progress, which is not kept: a slow client gets the newest of each job. */
  progress(record: LiveRecord, jobId: string, nowMs: number): void {
    for (const { members } of this.#groupsOf(record)) {
      for (const subscriber of members) {
        if (subscriber.cursor === null && !subscriber.sink.isCongested) {
          this.#send(subscriber, record);
          continue;
        }
        if (subscriber.cursor === Infinity) continue;
        if (subscriber.cursor === null) this.#falls(subscriber, this.ring.end, nowMs);
        this.#keepProgress(subscriber, record, jobId);
      }
    }
  }

  /** A slow client may have room again. */
  drained(subscriber: Subscriber, nowMs: number): void {
    if (!this.#slow.has(subscriber) || subscriber.sink.isCongested) return;
    subscriber.stuckSinceMs = null;
    if (subscriber.hasGap) this.#tellMissed(subscriber, nowMs, "gone");
    subscriber.hasGap = false;
    if (!subscriber.missed.isEmpty) this.#tellMissed(subscriber, nowMs, "slow");
    let cursor = subscriber.cursor ?? this.ring.end;
    while (cursor < this.ring.end && !subscriber.sink.isCongested) {
      const record = this.ring.at(cursor);
      cursor += 1;
      if (record.facts === null || wants(subscriber.filter, record.facts)) {
        this.#send(subscriber, record);
      }
    }
    subscriber.cursor = cursor;
    if (cursor < this.ring.end) return;
    for (const [jobId, record] of subscriber.progress) {
      if (subscriber.sink.isCongested) return;
      subscriber.progress.delete(jobId);
      this.#send(subscriber, record);
    }
    subscriber.cursor = null;
    this.#slow.delete(subscriber);
  }

  /** Looks at all slow clients; ends those that have been stuck for too long. */
  tick(nowMs: number): void {
    for (const subscriber of this.#slow) {
      this.drained(subscriber, nowMs);
      if (!this.#slow.has(subscriber) || !subscriber.sink.isCongested) continue;
      subscriber.stuckSinceMs ??= nowMs;
      if (nowMs - subscriber.stuckSinceMs > this.#limits.clientStuckMs) {
        this.end(subscriber, "stuck");
      }
    }
  }

  *#groupsOf({ facts }: LiveRecord): Iterable<Group> {
    if (facts === null) return yield* this.#groups.all();
    for (const group of this.#groups.of(facts)) if (wants(group.filter, facts)) yield group;
  }

  #falls(subscriber: Subscriber, number: number, nowMs: number): void {
    subscriber.cursor = number;
    subscriber.stuckSinceMs = nowMs;
    this.#slow.add(subscriber);
  }

  #keepProgress(subscriber: Subscriber, record: LiveRecord, jobId: string): void {
    const { progress, missed } = subscriber;
    if (!progress.has(jobId) && progress.size >= this.#limits.pendingProgress) {
      missed.add(record);
      this.#missed += 1;
    } else progress.set(jobId, record);
  }

  #dropped(record: LiveRecord, number: number): void {
    for (const subscriber of this.#slow) {
      if (subscriber.cursor === null || subscriber.cursor > number) continue;
      subscriber.cursor = number + 1;
      if (record.facts !== null && !wants(subscriber.filter, record.facts)) continue;
      subscriber.missed.add(record);
      this.#missed += 1;
    }
  }

  #tellMissed(subscriber: Subscriber, nowMs: number, why: "slow" | "gone"): void {
    this.#missedEvents += 1;
    const missed = why === "slow"
      ? subscriber.missed.take()
      : { why, count: null, byType: {}, first: null, last: null };
    this.#send(subscriber, missedRecord(missed, nowMs, this.#missedEvents));
  }

  #send(subscriber: Subscriber, record: LiveRecord): void {
    const { ahead } = subscriber;
    if (ahead !== null && record.position !== null) {
      if (comparePositions(record.position, ahead) <= 0) return;
      subscriber.ahead = null;
    }
    this.#delivered += 1;
    subscriber.sink.send(record);
  }
}
