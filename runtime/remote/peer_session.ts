/**
 * One association, driven: its links, its credit, what waits for a link, asks and watches in both
 * directions. It begins when a peer is dialled or has dialled, and ends once; a peer that comes back
 * after that gets a new one.
 */

import type { EndReason } from "../actor/definition.ts";
import { assert } from "../base/assert.ts";
import { QuorusError } from "../base/errors.ts";
import {
  Association,
  type AssociationEffect,
  type AssociationState,
  type EndCause,
} from "./association.ts";
import type { CreditWaiter } from "./credit_lane.ts";
import { packRecord, recordText } from "./frames.ts";
import type { Handover } from "./handover.ts";
import type { LinkKind } from "./handshake.ts";
import type { PeerWindows } from "./handshake_messages.ts";
import { Link } from "./link.ts";
import { LINK_CLOSE } from "./link_errors.ts";
import { Alarm } from "./peer_alarm.ts";
import { Asked, Cancels } from "./peer_asks.ts";
import { endError, tooManyWait } from "./peer_ends.ts";
import { RateGate } from "./peer_gate.ts";
import { Inbound } from "./peer_inbound.ts";
import { Lines, type Outgoing } from "./peer_lines.ts";
import { Outbound } from "./peer_outbound.ts";
import { Pulse } from "./peer_pulse.ts";
import { Replies } from "./peer_replies.ts";
import type { LinkView, SessionCounters, SessionEvents, SessionHost } from "./peer_session_host.ts";
import { Watches } from "./peer_watches.ts";
import { parseControlRecord, parseReplyRecord } from "./records.ts";
import {
  type ControlRecord,
  type Lane,
  MESSAGE_LANES,
  type MessageLane,
  type TargetCount,
} from "./wire.ts";

/** One association. */
export class Session {
  readonly node: string;
  readonly counters: SessionCounters = {
    messagesSent: 0,
    messagesReceived: 0,
    malformed: 0,
    wrongCredit: 0,
    reconnects: 0,
  };
  readonly asked: Asked;
  readonly watches: Watches;
  readonly #host: SessionHost;
  readonly #events: SessionEvents;
  readonly #association: Association;
  readonly #lines = new Lines();
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #replies = new Replies();
  readonly #cancels: Cancels;
  readonly #gate: RateGate;
  readonly #pulse: Pulse;
  readonly #grace: Alarm;
  readonly #accepted: Record<MessageLane, number> = { consensus: 0, message: 0, bulk: 0 };
  #dialled = false;
  #goodbye: (() => void) | null = null;

  constructor(host: SessionHost, node: string, events: SessionEvents) {
    const { dock, limits } = host;
    this.#host = host;
    this.node = node;
    this.#events = events;
    this.#association = new Association(limits, this.#nowMs());
    this.#outbound = new Outbound(limits);
    this.#gate = new RateGate(limits.malformedPerSecond);
    this.#inbound = this.#makeInbound();
    this.asked = new Asked(node, limits.asksPending);
    this.#cancels = new Cancels(limits.asksPending);
    this.watches = new Watches({
      node,
      dock,
      most: limits.watches,
      say: (body) => this.#run(this.#association.say(body)),
      accepted: () => ({ ...this.#accepted }),
    });
    this.#pulse = new Pulse(dock.deadlines, limits.pingMs, host.detector, {
      ping: (n) => this.#control({ c: "ping", n }),
      suspected: () => this.#lostMain("it answers no ping"),
    });
    this.#grace = new Alarm(dock.deadlines, () => this.#passed());
    this.#armGrace();
  }

  get state(): AssociationState {
    return this.#association.state;
  }
  get rttMs(): number | null {
    return this.#pulse.rttMs;
  }
  get phi(): number {
    return this.#pulse.phi;
  }
  /** Records that have not been given to a socket. */
  get queued(): number {
    return this.#lines.queued;
  }
  /** What of our credit is held. */
  get held(): TargetCount[] {
    return this.#outbound.targets();
  }
  /** What of theirs waits here unprocessed, asks that we answer, system messages under way. */
  get pending(): {
    readonly messages: number;
    readonly answering: number;
    readonly system: number;
    readonly heldBack: number;
    readonly beyondWindow: number;
  } {
    const { beyondWindow, answering } = this.#inbound;
    const { messages } = this.#inbound.pending;
    const { unacknowledged: system, heldBack } = this.#association;
    return { messages, answering: answering.size, system, heldBack, beyondWindow };
  }
  /** Longest record that the peer takes. */
  get messageBytes(): number {
    return this.#outbound.messageBytes;
  }
  /** The links that stand, and what they have carried. */
  get links(): LinkView[] {
    const { main, bulk } = this.#lines;
    return [
      ...(main === null ? [] : [{ kind: "main" as const, ...main.metrics }]),
      ...(bulk === null ? [] : [{ kind: "bulk" as const, ...bulk.metrics }]),
    ];
  }
  get hasBulk(): boolean {
    return this.#lines.bulk !== null;
  }

  /** The main link's handshake is done. An older link of the same association is replaced. */
  connect(handover: Handover, windows: PeerWindows, dialled: boolean): void {
    this.#detachMain();
    if (this.#outbound.isOpen) this.counters.reconnects += 1;
    else this.#outbound.open(windows);
    this.#dialled = dialled;
    const link = this.#makeLink("main", handover);
    this.#lines.attachMain(link, handover.socket.peer.own);
    this.#grace.cancel();
    this.#run(this.#association.connected(this.#inbound.resume(this.#lines.mainLanes)));
    for (const id of this.#cancels.again(this.#pulse.next)) this.#control({ c: "cancel", id });
    this.#lines.flush();
    this.#pulse.start(handover.socket.peer.own ? this.#host.threadDetector : undefined);
    link.start();
    this.#askForBulk();
  }

  /** The bulk link's handshake is done. */
  connectBulk(handover: Handover): void {
    assert(this.state === "up", "a bulk link belongs to an association that is up");
    this.#detachBulk();
    const link = this.#makeLink("bulk", handover);
    this.#lines.attachBulk(link);
    const resume = this.#association.resume(this.#inbound.resume(["bulk"]));
    link.push("control", packRecord(resume));
    this.#lines.flush(["bulk"]);
    link.start();
  }

  /** Queues a message within credit, or says that there is none. */
  tell(lane: MessageLane, item: Outgoing): "accepted" | "full" | "unreachable" {
    if (this.state === "ended") return "unreachable";
    if (!this.#outbound.take(lane, item.to, item.bytes)) return "full";
    this.#push(lane, item);
    return "accepted";
  }

  /** Queues a message when there is credit; gives what leaves the line, `null` if it is too long. */
  wait(lane: MessageLane, item: Outgoing, waiter: CreditWaiter): (() => void) | null {
    return this.#outbound.wait(lane, item.to, item.bytes, {
      granted: () => {
        this.#push(lane, item);
        waiter.granted();
      },
      abandoned: () => waiter.abandoned(),
    });
  }

  /** Sends the ask whose id is in `item`; gives what gives it up. */
  ask(lane: MessageLane, item: Outgoing, id: number): () => void {
    let isSent = false;
    const refused = (): void => this.asked.fail(id, tooManyWait(this.node));
    const granted = (): void => void (isSent = true);
    const leave = this.wait(lane, item, { granted, abandoned: refused });
    if (leave === null) refused();
    return () => {
      leave?.();
      if (this.asked.forget(id) && isSent) this.#cancel(id);
    };
  }

  /** Watches an actor of the peer. */
  watch(path: string, told: (reason: EndReason, error: unknown) => void): () => void {
    return this.watches.add(path, told);
  }

  /** Says something that needs no answer, if a link stands. */
  say(record: ControlRecord): void {
    if (this.state === "up") this.#control(record);
  }

  /** The links are of no use any more: they are closed, and the peer counts as down. */
  drop(why: string): void {
    this.#lostMain(why);
  }

  /** Whether the peer answers a ping within the time. */
  probe(withinMs: number): Promise<boolean> {
    return this.state === "up" ? this.#pulse.probe(withinMs) : Promise.resolve(false);
  }

  /** Ends it; with `bye` the peer is told, and the returned promise settles when its link has closed. */
  end(cause: EndCause, bye: string | null = null): Promise<void> {
    const { main } = this.#lines;
    const goodbye = Promise.withResolvers<void>();
    if (bye !== null && this.state === "up" && main !== null) {
      this.#goodbye = goodbye.resolve;
      this.#control({ c: "bye", reason: bye });
      main.close(LINK_CLOSE.normal, bye);
    } else goodbye.resolve();
    this.#run(this.#association.end(cause));
    return goodbye.promise;
  }

  #push(lane: MessageLane, item: Outgoing): void {
    this.#accepted[lane] += 1;
    this.counters.messagesSent += 1;
    this.#lines.push(lane, item);
    if (lane === "bulk") this.#askForBulk();
  }

  #cancel(id: number): void {
    this.#cancels.add(id, this.#pulse.next);
    this.#control({ c: "cancel", id });
  }

  #askForBulk(): void {
    if (!this.#lines.wantsBulk) return;
    if (this.#dialled) this.#events.wantsBulk();
    else this.#control({ c: "bulk" });
  }

  #control(record: ControlRecord): void {
    this.#lines.main?.push("control", packRecord(record));
  }

  #makeLink(kind: LinkKind, handover: Handover): Link {
    const { env, limits } = this.#host;
    const highBytes = kind === "bulk" ? limits.bulkHighBytes : limits.highBytes;
    const link: Link = new Link(env, handover, { ...limits, highBytes }, {
      records: (lane, records, bytes) => {
        if (this.#isCurrent(link)) this.#records(kind, lane, records, bytes);
      },
      sent: (lane, records) => {
        if (lane === "reply" && this.#isCurrent(link)) this.#replies.left(records);
      },
      drained: () => {},
      closed: ({ code, reason }, cause) => {
        if (kind === "main") this.#goodbye?.();
        if (!this.#isCurrent(link)) return;
        const why = cause?.message ?? `its socket ended (code ${code}${reason && `: ${reason}`})`;
        if (kind === "main") this.#lostMain(why);
        else this.#lostBulk(why);
      },
    });
    return link;
  }

  #isCurrent(link: Link): boolean {
    return link === this.#lines.main || link === this.#lines.bulk;
  }

  #records(kind: LinkKind, lane: Lane, records: unknown[], bytes: number[]): void {
    for (const [index, raw] of records.entries()) {
      if (this.state !== "up") return;
      if (lane === "control" || lane === "reply") this.#takeOwn(kind, lane, raw);
      else this.#inbound.take(lane, raw, bytes[index]!);
    }
    if (lane === "control" || lane === "reply") return;
    this.counters.messagesReceived += records.length;
    this.#run(this.#association.arrived(lane, records.length));
  }

  #takeOwn(kind: LinkKind, lane: "control" | "reply", raw: unknown): void {
    try {
      if (lane === "control") this.#takeControl(kind, parseControlRecord(raw));
      else this.asked.settle(parseReplyRecord(raw));
    } catch (error) {
      if (!(error instanceof QuorusError)) throw error;
      this.#malformed(error);
      const { re } = error.details;
      if (typeof re === "number") this.asked.fail(re, error);
    }
  }

  #takeControl(kind: LinkKind, record: ControlRecord): void {
    switch (record.c) {
      case "ping":
        return this.#control({ c: "pong", n: record.n });
      case "pong":
        this.#cancels.confirmed(record.n);
        return this.#pulse.answered(record.n);
      case "credit":
        return this.#countWrong(this.#outbound.give(record.processed));
      case "cancel":
        return this.#inbound.answering.cancel(record.id);
      case "system":
        return this.#run(this.#association.took(record.seq, record.body));
      case "acknowledge":
        return this.#run(this.#association.acknowledged(record.seq));
      case "resume": {
        const bulk = ["bulk"] as const;
        const credited = kind === "main" ? this.#lines.mainLanes : bulk;
        this.#countWrong(this.#outbound.resumed(record.pending, credited));
        // Bulk went down with the main link: what had not arrived then never will.
        const arrived = kind === "main" ? MESSAGE_LANES : bulk;
        return this.#run(this.#association.resumed(record, arrived));
      }
      case "bulk":
        if (this.#dialled && !this.hasBulk) this.#events.wantsBulk();
        return;
      case "bye":
        return void this.end("bye");
      case "confirm":
        if (this.#host.reliable.confirmed(this.node, record)) return;
        return this.#malformed(`it confirms what was not sent (producer ${record.producer})`);
    }
  }

  #run(effects: readonly AssociationEffect[]): void {
    for (const effect of effects) {
      switch (effect.do) {
        case "send":
          this.#control(effect.record);
          break;
        case "tell":
          if (!this.watches.heard(effect.body)) this.end("systemOverflow");
          break;
        case "end":
          this.#over(effect.cause);
      }
    }
  }

  #lostMain(why: string): void {
    if (this.state !== "up") return;
    this.#detachMain();
    this.#armGrace();
    this.#events.lost("main", why);
  }

  #lostBulk(why: string): void {
    this.#detachBulk();
    this.#events.lost("bulk", why);
    // What left with it is settled by the resume of the next one, and an `ended` may wait for that.
    if (this.state === "up") this.#askForBulk();
  }

  #detachMain(): void {
    if (this.#lines.main === null) return;
    this.#pulse.stop();
    this.#inbound.interrupted();
    const left = this.#lines.detachMain();
    for (const lane of MESSAGE_LANES) this.#association.left(lane, left[lane]);
    this.#outbound.interrupted(this.#lines.kept(MESSAGE_LANES));
    this.#association.disconnected(this.#nowMs());
  }

  #detachBulk(): void {
    if (this.#lines.bulk === null) return;
    this.#association.left("bulk", this.#lines.detachBulk());
    this.#outbound.interrupted(this.#lines.kept(["bulk"]), ["bulk"]);
  }

  #armGrace(): void {
    const { dueMs } = this.#association;
    if (dueMs !== null) this.#grace.set(Math.max(0, dueMs - this.#nowMs()));
  }

  #passed(): void {
    this.#run(this.#association.passed(this.#nowMs()));
    if (this.#association.dueMs !== null && !this.#grace.isSet) this.#armGrace();
  }

  /** Everyone who waits for the peer is told, and nothing of it is left. */
  #over(cause: EndCause): void {
    const error = endError(this.node, cause);
    this.#grace.cancel();
    this.#inbound.interrupted();
    this.#pulse.stop();
    this.#lines.detachMain();
    for (const { item } of this.#lines.drain()) this.#dead(item);
    this.asked.failAll(error);
    this.#outbound.abandon();
    this.#inbound.answering.cancelAll(error);
    this.watches.end(error);
    this.#events.ended(cause);
  }

  #dead(item: Outgoing): void {
    const { to } = item;
    const { type, body, id } = JSON.parse(recordText(item)) as {
      type: string;
      body: unknown;
      id?: number;
    };
    if (id !== undefined) return; // an ask is told so
    const tag = type.slice(type.indexOf("/") + 1);
    this.#host.dock.dead(`quorus://${this.node}/${to}`, tag, body);
  }

  #makeInbound(): Inbound {
    const { dock, limits, reliable } = this.#host;
    return new Inbound({
      node: this.node,
      dock,
      limits,
      reliable: (message, receipt, deliver) => reliable.take(this.node, message, receipt, deliver),
      isUp: () => this.state === "up",
      isOver: () => this.state === "ended",
      messageBytes: () => this.messageBytes,
      creditWays: () =>
        this.#lines.ways().map(({ link, lanes }) => ({
          lanes,
          say: (record) => link.push("control", packRecord(record)),
        })),
      reply: (item, left) => {
        if (this.state === "ended") return;
        this.#replies.add(left);
        this.#lines.push("reply", item);
      },
      malformed: (error) => this.#malformed(error),
      brokeWindows: () => void this.end("windowsBroken"),
      pace: (isReading) => {
        for (const link of [this.#lines.main, this.#lines.bulk]) {
          if (isReading) link?.resume();
          else link?.pause();
        }
      },
    });
  }

  #countWrong(count: number): void {
    this.counters.wrongCredit += count;
  }

  #malformed(error: unknown): void {
    this.counters.malformed += 1;
    if (!this.#gate.pass(this.#nowMs())) return;
    const reason = error instanceof Error ? error.message : String(error);
    const facts = { peer: this.node, reason, malformed: this.counters.malformed };
    this.#host.env.log.write("warn", "malformed record of a peer", facts);
  }

  #nowMs(): number {
    return this.#host.dock.deadlines.now();
  }
}
