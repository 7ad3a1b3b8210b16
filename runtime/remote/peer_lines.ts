/**
 * What goes to one peer, over whichever links stand: records of a lane keep their order, and what no
 * socket was given waits here for the next link.
 */

import { Mailbox } from "../actor/mailbox.ts";
import type { Packed } from "./frames.ts";
import type { Link } from "./link.ts";
import type { Lane, MessageLane, TargetCount } from "./wire.ts";
import { MESSAGE_LANES } from "./wire.ts";

/** Lanes that wait for a link; control records do not, a resume says all that they said. */
export type WaitingLane = Exclude<Lane, "control">;

const WAITING_LANES: readonly WaitingLane[] = ["reply", ...MESSAGE_LANES];

const WITHOUT_BULK: readonly MessageLane[] = ["consensus", "message"];
const BULK: readonly MessageLane[] = ["bulk"];

/** A record to be sent; `to` holds its credit, replies hold none. */
export interface Outgoing extends Packed {
  readonly to: string;
}

/** A link and what it was given. */
class Wire {
  readonly pushed: Record<WaitingLane, number> = { reply: 0, consensus: 0, message: 0, bulk: 0 };

  constructor(readonly link: Link) {}
}

/** How many records of each lane have left with a lost link, arrived or not. */
export type Left = Readonly<Record<WaitingLane, number>>;

/** The links to one peer, and the queue before them. */
export class Lines {
  #waiting: Record<WaitingLane, Mailbox<Outgoing>> = {
    reply: new Mailbox(),
    consensus: new Mailbox(),
    message: new Mailbox(),
    bulk: new Mailbox(),
  };
  #main: Wire | null = null;
  #bulk: Wire | null = null;
  /** Bulk shares the main link. */
  #shared = false;
  /** There has been a bulk link: credit of its lane may be open. */
  #usesBulk = false;

  get main(): Link | null {
    return this.#main?.link ?? null;
  }
  get bulk(): Link | null {
    return this.#bulk?.link ?? null;
  }

  /** The links that stand, each with the message lanes that it carries. */
  ways(): { readonly link: Link; readonly lanes: readonly MessageLane[] }[] {
    const ways: { link: Link; lanes: readonly MessageLane[] }[] = [];
    if (this.main !== null) ways.push({ link: this.main, lanes: this.mainLanes });
    if (this.bulk !== null) ways.push({ link: this.bulk, lanes: BULK });
    return ways;
  }

  /** The message lanes of the main link. */
  get mainLanes(): readonly MessageLane[] {
    return this.#shared ? MESSAGE_LANES : WITHOUT_BULK;
  }

  /** How many records wait for a link or in one. */
  get queued(): number {
    let count = 0;
    for (const lane of WAITING_LANES) {
      count += this.#waiting[lane].depth + (this.#wire(lane)?.link.queuedMessages(lane) ?? 0);
    }
    return count;
  }

  /** Bulk records wait for a link, or what became of earlier ones is to be said on one. */
  get wantsBulk(): boolean {
    if (this.#main === null || this.#wire("bulk") !== null) return false;
    return this.#usesBulk || this.#waiting.bulk.depth > 0;
  }

  /** Stands from now on; with `shared` bulk records take it too. */
  attachMain(link: Link, shared: boolean): void {
    this.#main = new Wire(link);
    this.#shared = shared;
  }

  /** Stands from now on. */
  attachBulk(link: Link): void {
    this.#bulk = new Wire(link);
    this.#usesBulk = true;
  }

  /** Sends, or keeps for the next link. */
  push(lane: WaitingLane, item: Outgoing): void {
    const wire = this.#wire(lane);
    // A link that is closing takes nothing, and what it would drop could not be told from what left.
    const isTaken = wire?.link.isOpen === true && this.#waiting[lane].depth === 0;
    if (isTaken) this.#give(wire, lane, item);
    else this.#waiting[lane].push(item);
  }

  /** Sends what has waited for these lanes' link. */
  flush(lanes: readonly WaitingLane[] = WAITING_LANES): void {
    for (const lane of lanes) {
      const wire = this.#wire(lane);
      const waiting = this.#waiting[lane];
      while (wire?.link.isOpen === true && waiting.depth > 0) {
        this.#give(wire, lane, waiting.shift()!);
      }
    }
  }

  /** The main link is gone, and the bulk link with it. */
  detachMain(): Left {
    const bulk = this.detachBulk();
    const main = this.#detach(this.#main, WAITING_LANES);
    this.#main = null;
    return { ...main, bulk: main.bulk + bulk };
  }

  /** The bulk link is gone; gives how many records left with it. */
  detachBulk(): number {
    const left = this.#detach(this.#bulk, ["bulk"]);
    this.#bulk = null;
    return left.bulk;
  }

  /** What has certainly not left, as far as it holds credit. */
  kept(lanes: readonly MessageLane[]): TargetCount[] {
    const counts: TargetCount[] = [];
    for (const lane of lanes) {
      for (const { to, bytes } of this.#takeAll(lane)) {
        counts.push({ lane, to, messages: 1, bytes });
      }
    }
    return counts;
  }

  /** Takes out everything that waits. */
  drain(): { readonly lane: MessageLane; readonly item: Outgoing }[] {
    const all: { lane: MessageLane; item: Outgoing }[] = [];
    for (const lane of MESSAGE_LANES) {
      for (const item of this.#takeAll(lane)) all.push({ lane, item });
      this.#waiting[lane] = new Mailbox();
    }
    this.#waiting.reply = new Mailbox();
    return all;
  }

  /** All that waits, left where it is. */
  #takeAll(lane: MessageLane): Outgoing[] {
    const items: Outgoing[] = [];
    const again = new Mailbox<Outgoing>();
    for (let item = this.#waiting[lane].shift(); item; item = this.#waiting[lane].shift()) {
      items.push(item);
      again.push(item);
    }
    this.#waiting[lane] = again;
    return items;
  }

  #give(wire: Wire, lane: WaitingLane, item: Outgoing): void {
    wire.pushed[lane] += 1;
    wire.link.push(lane, item);
  }

  #wire(lane: WaitingLane): Wire | null {
    return lane === "bulk" && !this.#shared ? this.#bulk : this.#main;
  }

  /** Ends a link and takes back, to the front, what it gave to no socket. */
  #detach(wire: Wire | null, lanes: readonly WaitingLane[]): Left {
    const left = { reply: 0, consensus: 0, message: 0, bulk: 0 };
    if (wire === null) return left;
    if (wire.link.isOpen) wire.link.destroy(); // one that says goodbye may finish
    for (const lane of lanes) {
      const back = wire.link.takeBack(lane) as Outgoing[];
      left[lane] = wire.pushed[lane] - back.length;
      if (back.length === 0) continue;
      const whole = new Mailbox<Outgoing>();
      for (const item of back) whole.push(item);
      const later = this.#waiting[lane];
      for (let item = later.shift(); item; item = later.shift()) whole.push(item);
      this.#waiting[lane] = whole;
    }
    return left;
  }
}
