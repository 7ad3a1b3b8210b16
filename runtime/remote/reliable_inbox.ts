/**
 * Reliable messages of other nodes as they arrive: each is given to its actor once and in order, however
 * often it comes, and its producer is told how far its messages were processed.
 *
 * What is known of a producer lives as long as this process, through new links and associations.
 */

import type { Deadlines } from "../actor/deadlines.ts";
import type { Outcome, Receipt } from "../actor/bridge.ts";
import type { RemoteLimits } from "./limits.ts";
import { Alarm } from "./peer_alarm.ts";
import type { ConfirmRecord } from "./reliable_stream.ts";
import type { FailedOutcome } from "./wire.ts";

/** Of a message record, what counts here. */
export interface Numbered {
  readonly producer: string;
  readonly seq: number;
  readonly confirmed?: number;
}

/** What an inbox needs of its node. */
export interface InboxWay {
  readonly deadlines: Deadlines;
  readonly limits: RemoteLimits;
  /** Says it over the link to that node; false if there is none now. */
  say(node: string, record: ConfirmRecord): boolean;
}

/** What is known of one producer: `confirmed <= said <= processed <= received`. */
class Producer {
  /** The producer knows that everything up to here was processed. */
  confirmed = 0;
  /** The producer was told so, on this link. */
  said = 0;
  processed = 0;
  received = 0;
  /** What was processed before others that came first. */
  readonly done = new Set<number>();
  readonly failed = new Map<number, FailedOutcome>();
  usedAtMs = 0;
  /** A message is missing and was asked for. */
  askedAtMs = -Infinity;
  again = 0;

  constructor(readonly name: string) {}

  /** The producer has forgotten everything up to `seq`, and so may we. */
  confirm(seq: number): void {
    if (seq <= this.confirmed) return;
    this.confirmed = seq;
    this.said = Math.max(this.said, seq);
    this.received = Math.max(this.received, seq);
    if (seq > this.processed) this.#processedTo(seq);
    for (const one of this.failed.keys()) if (one <= seq) this.failed.delete(one);
  }

  settled(seq: number, outcome: Outcome): void {
    if (seq <= this.processed) return;
    if (outcome !== "handled") this.failed.set(seq, outcome);
    this.done.add(seq);
    this.#processedTo(this.processed);
  }

  #processedTo(seq: number): void {
    for (const one of this.done) if (one <= seq) this.done.delete(one);
    this.processed = seq;
    while (this.done.delete(this.processed + 1)) this.processed += 1;
  }

  /** What is to be said. */
  record(): ConfirmRecord {
    const failed = [...this.failed].filter(([seq]) => this.said < seq && seq <= this.processed);
    return {
      c: "confirm",
      producer: this.name,
      seq: this.processed,
      ...(failed.length === 0 ? {} : { failed }),
      ...(this.again === 0 ? {} : { again: this.again }),
    };
  }
}

/** The producers of one node; the one that was silent longest comes first. */
class PeerInbox {
  readonly producers = new Map<string, Producer>();
  readonly owing = new Set<Producer>();
  readonly delay: Alarm;

  constructor(deadlines: Deadlines, due: (inbox: PeerInbox) => void) {
    this.delay = new Alarm(deadlines, () => due(this));
  }
}

/** See the head of this file. */
export class ReliableInbox {
  readonly #way: InboxWay;
  readonly #peers = new Map<string, PeerInbox>();

  constructor(way: InboxWay) {
    this.#way = way;
  }

  /** How many producers of that node are known. */
  producers(node: string): number {
    return this.#peers.get(node)?.producers.size ?? 0;
  }

  /** Gives a message on with `deliver`, once and in order, or drops it. */
  take(node: string, message: Numbered, receipt: Receipt, deliver: (r: Receipt) => void): void {
    const inbox = this.#peer(node);
    const producer = this.#producer(inbox, message.producer);
    producer.confirm(message.confirmed ?? 0);
    const { seq } = message;
    const { limits } = this.#way;
    const isNext = seq === producer.received + 1;
    if (isNext && seq <= producer.processed + limits.reliableMessages) {
      producer.received = seq;
      return deliver({
        processed: (outcome) => this.#processed(node, producer, seq, outcome, receipt),
      });
    }
    receipt.processed("dropped");
    if (seq > producer.received + 1) this.#missing(producer);
    // It has not heard of what it sends again, so it is told once more.
    if (seq <= producer.processed) producer.said = Math.min(producer.said, seq - 1);
    if (seq <= producer.processed || producer.again > 0) this.#owe(node, producer, false);
  }

  /** A new link begins: what was said on the last one may be lost. */
  relinking(node: string): void {
    for (const producer of this.#peers.get(node)?.producers.values() ?? []) {
      producer.said = producer.confirmed;
      producer.askedAtMs = -Infinity;
    }
  }

  /** The new link stands. */
  linked(node: string): void {
    for (const producer of this.#peers.get(node)?.producers.values() ?? []) {
      if (producer.processed > producer.said) this.#owe(node, producer, false);
    }
  }

  /** Says nothing any more. */
  close(): void {
    for (const { delay } of this.#peers.values()) delay.cancel();
    this.#peers.clear();
  }

  #processed(node: string, producer: Producer, seq: number, outcome: Outcome, receipt: Receipt) {
    receipt.processed(outcome);
    producer.settled(seq, outcome);
    if (this.#peers.get(node)?.producers.get(producer.name) !== producer) return; // forgotten
    const { reliableMessages, creditParts } = this.#way.limits;
    const isMuch = (producer.processed - producer.said) * creditParts >= reliableMessages;
    const isAll = producer.processed === producer.received && outcome === "handled";
    if (producer.processed > producer.said) this.#owe(node, producer, isMuch || isAll);
  }

  /** Asks for it, unless that was done a moment ago. */
  #missing(producer: Producer): void {
    const nowMs = this.#way.deadlines.now();
    if (nowMs - producer.askedAtMs < this.#way.limits.reliableResendMs / 2) return;
    producer.askedAtMs = nowMs;
    producer.again = producer.received + 1;
  }

  #owe(node: string, producer: Producer, isDue: boolean): void {
    const inbox = this.#peer(node);
    inbox.owing.add(producer);
    if (isDue) this.#say(node, inbox, producer);
    else if (!inbox.delay.isSet) inbox.delay.set(this.#way.limits.creditDelayMs);
  }

  #say(node: string, inbox: PeerInbox, producer: Producer): void {
    inbox.owing.delete(producer);
    const isSaid = this.#way.say(node, producer.record());
    if (isSaid) producer.said = producer.processed;
    producer.again = 0;
  }

  #peer(node: string): PeerInbox {
    let inbox = this.#peers.get(node);
    if (inbox === undefined) {
      inbox = new PeerInbox(this.#way.deadlines, (due) => {
        for (const producer of [...due.owing]) this.#say(node, due, producer);
      });
      this.#peers.set(node, inbox);
    }
    return inbox;
  }

  #producer({ producers, owing }: PeerInbox, name: string): Producer {
    const known = producers.get(name);
    const producer = known ?? new Producer(name);
    const nowMs = this.#way.deadlines.now();
    if (known === undefined) {
      for (const oldest of producers.values()) {
        if (!this.#isForgotten(oldest, producers.size, nowMs)) break;
        producers.delete(oldest.name);
        owing.delete(oldest);
      }
    } else producers.delete(name);
    producers.set(name, producer);
    producer.usedAtMs = nowMs;
    return producer;
  }

  #isForgotten({ usedAtMs, processed, received }: Producer, count: number, nowMs: number): boolean {
    const { reliableProducers, reliableIdleMs } = this.#way.limits;
    if (count >= reliableProducers) return true;
    return processed === received && nowMs - usedAtMs > reliableIdleMs;
  }
}
