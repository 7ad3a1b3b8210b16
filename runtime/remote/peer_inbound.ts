/** What comes from one peer for our actors: given to the dock, its credit returned when processed. */

import type { AskSettling, Dock, InboundMessage, Receipt } from "../actor/bridge.ts";
import { ActorError } from "../actor/errors.ts";
import { ReceiveCredit, type Source } from "./credit_receive.ts";
import { packRecord } from "./frames.ts";
import type { RemoteLimits } from "./limits.ts";
import { Alarm } from "./peer_alarm.ts";
import { Answering } from "./peer_asks.ts";
import { toWireError } from "./peer_errors.ts";
import type { Outgoing } from "./peer_lines.ts";
import { parseMessageRecord } from "./records.ts";
import {
  type ControlRecord,
  MESSAGE_LANES,
  type MessageLane,
  type MessageRecord,
  type ReplyRecord,
  type TargetCount,
} from "./wire.ts";

/** A message of a reliable producer. */
export type NumberedRecord = MessageRecord & { readonly producer: string; readonly seq: number };

/** A link and the lanes that it carries. */
export interface CreditWay {
  readonly lanes: readonly MessageLane[];
  say(record: ControlRecord): void;
}

/** What inbound messages need of their association. */
export interface InboundWay {
  /** The node at the other end. */
  readonly node: string;
  readonly dock: Pick<Dock, "tell" | "ask" | "deadlines">;
  readonly limits: RemoteLimits;
  /** Gives a message on with `deliver`, once and in order, or drops it. */
  reliable(message: NumberedRecord, receipt: Receipt, deliver: (receipt: Receipt) => void): void;
  isUp(): boolean;
  isOver(): boolean;
  /** Longest reply. */
  messageBytes(): number;
  /** The links that stand, and the lanes whose credit each of them carries. */
  creditWays(): readonly CreditWay[];
  /** Sends a reply and calls `left` when a socket has it, or nobody will. */
  reply(item: Outgoing, left: () => void): void;
  /** A record that is none. */
  malformed(error: unknown): void;
  /** It has sent more beyond its windows than a mistake would explain. */
  brokeWindows(): void;
  /** Reads the sockets, or does not. */
  pace(isReading: boolean): void;
}

interface AnswerWay extends InboundWay {
  readonly answering: Answering;
}

/** Inbound messages of one association. */
export class Inbound {
  readonly answering: Answering;
  readonly #way: AnswerWay;
  readonly #credit: ReceiveCredit;
  readonly #delay: Alarm;
  /** The names of the last message: most are followed by one of the same type. */
  #names = namesOf("/");
  #beyondWindow = 0;
  #isReading = true;

  constructor(way: InboundWay) {
    this.answering = new Answering(way.limits.asksPending);
    this.#way = { ...way, answering: this.answering };
    this.#credit = new ReceiveCredit(way.limits);
    this.#delay = new Alarm(way.dock.deadlines, () => this.#sayCredit());
  }

  /** Messages beyond the windows that we had granted. */
  get beyondWindow(): number {
    return this.#beyondWindow;
  }

  /** How much of theirs waits unprocessed. */
  get pending(): { readonly messages: number; readonly bytes: number } {
    let messages = 0;
    let bytes = 0;
    for (const lane of MESSAGE_LANES) {
      const pending = this.#credit.pending(lane);
      messages += pending.messages;
      bytes += pending.bytes;
    }
    return { messages, bytes };
  }

  /** What a resume says of these lanes. */
  resume(lanes: readonly MessageLane[]): TargetCount[] {
    return this.#credit.resume(lanes);
  }

  /** The link is gone. */
  interrupted(): void {
    this.#delay.cancel();
    this.#isReading = true;
  }

  /** Takes one record of a message lane. */
  take(lane: MessageLane, raw: unknown, bytes: number): void {
    let record: MessageRecord;
    try {
      record = parseMessageRecord(raw);
    } catch (error) {
      return this.#refuse(lane, error as ActorError, bytes);
    }
    const { type, to, id, budgetMs } = record;
    const held = this.#received(lane, to, bytes);
    if (type !== this.#names.type) this.#names = namesOf(type);
    const message = inbound(record, this.#names, this.#way.node);
    if (id !== undefined) return takeAsk(this.#way, record, message, id, budgetMs ?? 0, held);
    const { dock } = this.#way;
    if (!isNumbered(record)) dock.tell(message, held);
    else this.#way.reliable(record, held, (receipt) => dock.tell(message, receipt));
  }

  /** A message was processed, or never will be. */
  settled(source: Source, bytes: number): void {
    if (this.#way.isOver()) return;
    const isDue = this.#credit.settled(source, bytes);
    this.#pace();
    if (isDue) this.#sayCredit();
    else if (!this.#delay.isSet && this.#way.isUp()) {
      this.#delay.set(this.#way.limits.creditDelayMs);
    }
  }

  /** Its sender holds credit for a malformed message all the same, and waits for an answer to an ask. */
  #refuse(lane: MessageLane, error: ActorError, bytes: number): void {
    this.#way.malformed(error);
    const { to, id } = error.details;
    const held = typeof to === "string" ? this.#received(lane, to, bytes) : null;
    if (typeof id !== "number") return held?.processed();
    const reply = packRecord({ re: id, error: toWireError(error) });
    this.#way.reply({ ...reply, to: "" }, () => held?.processed());
  }

  /** Counts a message; gives what is to be told that it was processed. */
  #received(lane: MessageLane, to: string, bytes: number): HeldCredit {
    const source = this.#credit.source(lane, to);
    if (!this.#credit.arrived(source, bytes)) this.#beyond();
    this.#pace();
    return new HeldCredit(this, source, bytes);
  }

  #beyond(): void {
    this.#beyondWindow += 1;
    if (this.#beyondWindow > this.#way.limits.beyondWindowMessages) this.#way.brokeWindows();
  }

  #sayCredit(): void {
    this.#delay.cancel();
    if (!this.#way.isUp() || !this.#credit.isOwing) return;
    for (const { lanes, say } of this.#way.creditWays()) {
      const processed = this.#credit.collect(lanes);
      if (processed.length > 0) say({ c: "credit", processed });
    }
  }

  /** A peer that breaks its windows is not read until enough of it was processed. */
  #pace(): void {
    const isReading = this.#credit.pendingBytes <= this.#way.limits.inboundBytes;
    if (isReading === this.#isReading) return;
    this.#isReading = isReading;
    this.#way.pace(isReading);
  }
}

/** What one message holds until it was processed. */
class HeldCredit implements Receipt {
  readonly #inbound: Inbound;
  readonly #source: Source;
  readonly #bytes: number;

  constructor(inbound: Inbound, source: Source, bytes: number) {
    this.#inbound = inbound;
    this.#source = source;
    this.#bytes = bytes;
  }

  processed(): void {
    this.#inbound.settled(this.#source, this.#bytes);
  }
}

/** The credit of an ask comes back when it was processed and its reply has left. */
function takeAsk(
  way: AnswerWay,
  record: MessageRecord,
  message: InboundMessage,
  id: number,
  budgetMs: number,
  held: HeldCredit,
): void {
  if (!way.answering.begin(id)) return held.processed();
  let open = 2;
  const part = (): void => {
    open -= 1;
    if (open === 0) held.processed();
  };
  let settled = false;
  const answer = (reply: ReplyRecord): void => {
    if (settled) return;
    let packed = packRecord(reply);
    // Who asks has said what it takes: no fault of the actor, which must not pay for it.
    if (packed.bytes > way.messageBytes() && !("error" in reply)) {
      packed = packRecord({ re: id, error: toWireError(tooLong(record, packed.bytes)) });
    }
    settled = true;
    way.answering.done(id);
    way.reply({ ...packed, to: "" }, part);
  };
  const settling: AskSettling = {
    reply: (body) => answer({ re: id, body }),
    fail: (error) => answer({ re: id, error: toWireError(error) }),
  };
  const cancel = way.dock.ask(message, budgetMs, settling, { processed: part });
  if (settled) return;
  way.answering.running(id, (reason) => {
    if (!settled) {
      settled = true;
      part();
    }
    cancel(reason);
  });
}

function isNumbered(record: MessageRecord): record is NumberedRecord {
  return record.producer !== undefined;
}

/** The two names in the type of a message. */
interface Names {
  readonly type: string;
  readonly protocol: string;
  readonly tag: string;
}

function namesOf(type: string): Names {
  const slash = type.indexOf("/");
  return { type, protocol: type.slice(0, slash), tag: type.slice(slash + 1) };
}

function inbound(
  { v, to, from, trace, body }: MessageRecord,
  { protocol, tag }: Names,
  node: string,
): InboundMessage {
  return {
    path: to,
    protocol,
    version: v,
    tag,
    body,
    node,
    from: from ?? null,
    trace: trace ?? null,
  };
}

function tooLong({ type, to }: MessageRecord, bytes: number): ActorError {
  return new ActorError(
    "NotEncodable",
    `reply to "${type}" of ${to}: ${bytes} bytes are more than the asking node takes; send it in parts`,
  );
}
