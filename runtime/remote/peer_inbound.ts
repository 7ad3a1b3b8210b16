/** What comes from one peer for our actors: given to the dock, its credit returned when processed. */

import type { AskSettling, Dock, InboundMessage, Receipt } from "../actor/bridge.ts";
import { ActorError } from "../actor/errors.ts";
import { ReceiveCredit } from "./credit_receive.ts";
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
    const { to, id, budgetMs } = record;
    const processed = this.#received(lane, to, bytes);
    if (id !== undefined) return takeAsk(this.#way, record, id, budgetMs ?? 0, processed);
    const deliver = (receipt: Receipt): void => this.#way.dock.tell(inbound(record), receipt);
    if (isNumbered(record)) this.#way.reliable(record, { processed }, deliver);
    else deliver({ processed });
  }

  /** Its sender holds credit for a malformed message all the same, and waits for an answer to an ask. */
  #refuse(lane: MessageLane, error: ActorError, bytes: number): void {
    this.#way.malformed(error);
    const { to, id } = error.details;
    const processed = typeof to === "string" ? this.#received(lane, to, bytes) : () => {};
    if (typeof id !== "number") return processed();
    const reply = packRecord({ re: id, error: toWireError(error) });
    this.#way.reply({ ...reply, to: "" }, processed);
  }

  /** Counts a message; gives what says that it was processed. */
  #received(lane: MessageLane, to: string, bytes: number): () => void {
    if (!this.#credit.received(lane, to, bytes)) this.#beyondWindow += 1;
    this.#pace();
    return () => {
      if (this.#way.isOver()) return;
      const isDue = this.#credit.processed(lane, to, bytes);
      this.#pace();
      if (isDue) this.#sayCredit();
      else if (!this.#delay.isSet && this.#way.isUp()) {
        this.#delay.set(this.#way.limits.creditDelayMs);
      }
    };
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
    const isReading = this.pending.bytes <= this.#way.limits.inboundBytes;
    if (isReading === this.#isReading) return;
    this.#isReading = isReading;
    this.#way.pace(isReading);
  }
}

/** The credit of an ask comes back when it was processed and its reply has left. */
function takeAsk(
  way: AnswerWay,
  record: MessageRecord,
  id: number,
  budgetMs: number,
  processed: () => void,
): void {
  if (!way.answering.begin(id)) return processed();
  let open = 2;
  const part = (): void => {
    open -= 1;
    if (open === 0) processed();
  };
  let settled = false;
  const answer = (reply: ReplyRecord): void => {
    if (settled) return;
    const packed = packRecord(reply);
    if (packed.bytes > way.messageBytes()) throw tooLong(record, packed.bytes);
    settled = true;
    way.answering.done(id);
    way.reply({ ...packed, to: "" }, part);
  };
  const settling: AskSettling = {
    reply: (body) => answer({ re: id, body }),
    fail: (error) => answer({ re: id, error: toWireError(error) }),
  };
  const cancel = way.dock.ask(inbound(record), budgetMs, settling, { processed: part });
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

function inbound({ v, type, to, from, trace, body }: MessageRecord): InboundMessage {
  const slash = type.indexOf("/");
  return {
    path: to,
    protocol: type.slice(0, slash),
    version: v,
    tag: type.slice(slash + 1),
    body,
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
