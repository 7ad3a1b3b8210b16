/** Who published and who heard what on a topic: numbers that must add up. */

import { z } from "zod";
import type { Subscription } from "../../../runtime/cluster/subscriber.ts";
import type { Topic } from "../../../runtime/cluster/topic.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import type { ClusterLife } from "./cluster_mesh.ts";

/** One message: the publisher's life and its number there, from 1 on. */
export const said = z.object({
  life: z.string(),
  node: z.string(),
  number: z.number(),
  isLast: z.boolean(),
  filling: z.string(),
});
export type Said = z.infer<typeof said>;

/** What one life of a node publishes on one topic. */
export class Publisher {
  readonly key: string;
  readonly about: string;
  /** The number of its last message. */
  count = 0;
  readonly #life: ClusterLife;
  readonly #topic: Topic<typeof said>;

  constructor(life: ClusterLife, about: Topic<typeof said>, all: Map<string, Publisher>) {
    this.key = `${life.life} ${about.name}`;
    this.about = about.name;
    this.#life = life;
    this.#topic = about;
    all.set(this.key, this);
  }

  /** Its process has ended. */
  get isOver(): boolean {
    return !this.#life.env.alive;
  }

  publish(size: number, isLast: boolean): void {
    const { life, name, cluster } = this.#life;
    this.count += 1;
    const filling = "x".repeat(size);
    cluster.topics.publish(this.#topic, { life, node: name, number: this.count, isLast, filling });
  }
}

/** Where a reading stands with one publisher. */
interface Place {
  /** The number before the first message that could come, if that is known. */
  readonly base: number | null;
  first: number;
  last: number;
  heard: number;
}

interface ReadingOf {
  readonly life: string;
  readonly about: string;
  /** One node publishes on it, so that gaps are known to be of that node. */
  readonly isOwn: boolean;
  readonly isActor: boolean;
  /** It is meant to stand to the end of the run. */
  readonly stands: boolean;
}

/** One subscription, and what came of it. */
export class Reading {
  readonly stands: boolean;
  subscription: Subscription | null = null;
  isOver = false;
  readonly #sim: Simulation;
  readonly #of: ReadingOf;
  readonly #publishers: ReadonlyMap<string, Publisher>;
  readonly #bases = new Map<string, number>();
  readonly #places = new Map<string, Place>();
  #lastKey: string | null = null;
  #heard = 0;
  #told = 0;
  #toldSince = 0;
  #hasEnded: (() => void) | null = null;

  constructor(sim: Simulation, of: ReadingOf, publishers: ReadonlyMap<string, Publisher>) {
    this.#sim = sim;
    this.#of = of;
    this.#publishers = publishers;
    this.stands = of.stands;
    // What its own node publishes reaches it from now on.
    const own = publishers.get(`${of.life} ${of.about}`);
    if (own !== undefined) this.#bases.set(own.key, own.count);
  }

  /** What happens when it is ended. */
  set atEnd(hasEnded: () => void) {
    this.#hasEnded = hasEnded;
  }

  /** Every publisher that there is has heard of it, and has published nothing before. */
  standsFromFirst(): void {
    for (const { key } of this.#ofTopic()) this.#bases.set(key, 0);
  }

  end(): void {
    this.isOver = true;
    this.subscription?.end();
    this.#hasEnded?.();
  }

  hears({ life, node, number }: Said, from: string): void {
    if (this.#isLate(`${life}: ${number}`)) return;
    this.#check("the publisher is named", from === node, `${from} is not ${node}`);
    const key = `${life} ${this.#of.about}`;
    const known = this.#places.get(key);
    const place = known ?? { base: this.#bases.get(key) ?? null, first: number, last: 0, heard: 0 };
    const isNext = number > place.last && number <= this.#publishers.get(key)!.count;
    this.#check("at most once and in order", isNext, `${key}: ${number} after ${place.last}`);
    if (this.#of.isOwn) this.#judge(key, number, known === undefined ? place.base : place.last);
    place.last = number;
    place.heard += 1;
    this.#places.set(key, place);
    this.#heard += 1;
    this.#lastKey = key;
    this.#toldSince = 0;
    this.#notTooMuch();
  }

  misses(count: number): void {
    if (this.#isLate(`${count} missed`)) return;
    this.#check(
      "what was missed is a number",
      Number.isSafeInteger(count) && count > 0,
      `${count}`,
    );
    this.#told += count;
    this.#toldSince += count;
    this.#notTooMuch();
  }

  /** Living publishers whose messages from that number on have not come yet. */
  waitsFor(since: ReadonlyMap<string, number>): string[] {
    return this.#ofTopic().filter((one) => {
      const last = this.#places.get(one.key)?.last ?? 0;
      return !one.isOver && last <= since.get(one.key)!;
    }).map(({ key }) => `${this.#name} does not hear ${key}`);
  }

  /** Nothing is published and nothing is under way any more: what was missed makes up the difference. */
  sumsUp(): void {
    if (this.isOver) return;
    const all = this.#ofTopic();
    const known = all.map((one) => ({ one, place: this.#places.get(one.key) }));
    let least = 0;
    let isExact = true;
    for (const { one, place } of known) {
      const base = this.#bases.get(one.key) ?? null;
      isExact &&= base !== null && !one.isOver;
      if (one.isOver) least += place?.heard ?? 0;
      else least += one.count - (base ?? (place === undefined ? one.count : place.first - 1));
    }
    const most = all.reduce((sum, { count }) => sum + count, 0);
    const had = this.#heard + this.#told;
    const details = `${this.#heard} heard and ${this.#told} missed, of ${least} to ${most}`;
    this.#check("heard and missed are all that was published", had >= least, details);
    if (isExact) this.#check("heard and missed are what was published", had === least, details);
  }

  /** On a topic of one node: between two messages of one life exactly those between were missed. */
  #judge(key: string, number: number, before: number | null): void {
    const isAfterAnother = this.#lastKey !== null && this.#lastKey !== key;
    if (before === null || isAfterAnother) return;
    const gap = number - before - 1;
    const isExact = this.#toldSince === gap;
    const details = `${key}: ${number} after ${before}, told of ${this.#toldSince} missed`;
    this.#check("every gap is told exactly", isExact, details);
    const isLocal = key.startsWith(`${this.#of.life} `);
    this.#sim.sometimes("a full queue of a subscriber", gap > 0 && isLocal);
    this.#sim.sometimes("messages missed while a publisher lived on", gap > 0 && !isLocal);
  }

  #notTooMuch(): void {
    const most = this.#ofTopic().reduce((sum, { count }) => sum + count, 0);
    const had = this.#heard + this.#told;
    this.#check("nothing is missed that was not published", had <= most, `${had} of ${most}`);
  }

  /** An actor may find in its mailbox what came before the end. */
  #isLate(what: string): boolean {
    if (this.isOver) this.#check("nothing comes after the end", this.#of.isActor, what);
    return this.isOver;
  }

  #ofTopic(): Publisher[] {
    return [...this.#publishers.values()].filter(({ about }) => about === this.#of.about);
  }

  get #name(): string {
    return `${this.#of.life} on ${this.#of.about}`;
  }

  #check(name: string, holds: boolean, details: string): void {
    this.#sim.check(name, holds, `${this.#name}: ${details}`);
  }
}
