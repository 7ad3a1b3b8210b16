/** Where messages of other nodes come in: found, checked, put into a mailbox, answered for. */

import type { AskSettling, Dock, InboundMessage, Receipt } from "./bridge.ts";
import { formatAddress } from "./address.ts";
import type { Cell } from "./cell.ts";
import type { Core } from "./core.ts";
import type { EndReason } from "./definition.ts";
import type { DeadLetter } from "./dead_letters.ts";
import type { Deadlines } from "./deadlines.ts";
import { EndedNote, Envelope, InboundNote, PendingAsk } from "./envelope.ts";
import { ActorError, actorStopped, cancelled, handlerFailed, noSuchActor } from "./errors.ts";
import { admitInbound } from "./inbound.ts";
import { admitAsk } from "./intake.ts";
import { parseBody } from "./protocol.ts";
import { isTraceparent } from "./trace.ts";

/** An inbound message that may go into a mailbox, or why not. */
type Found =
  | { readonly cell: Cell; readonly body: unknown }
  | { readonly error: ActorError; readonly reason: DeadLetter["reason"] };

/** The dock of one node. */
export class NodeDock implements Dock {
  readonly #core: Core<Cell>;

  constructor(core: Core<Cell>) {
    this.#core = core;
  }

  get node(): string {
    return this.#core.id;
  }
  get deadlines(): Deadlines {
    return this.#core.deadlines;
  }

  dead(address: string, tag: string, body: unknown): void {
    this.#core.deadLetters.add({ address, tag, body, reason: "unreachable" });
  }

  tell(message: InboundMessage, receipt: Receipt): void {
    const found = this.#find(message, "tell");
    if ("error" in found) {
      this.#refuse(message, found);
      return receipt.processed("dead");
    }
    const note = this.#noteOf(message, receipt);
    const stamp = this.#core.scheduler.stampNow();
    admitInbound(found.cell, new Envelope(message.tag, found.body, note, stamp), note);
  }

  ask(
    message: InboundMessage,
    budgetMs: number,
    settling: AskSettling,
    receipt: Receipt,
  ): (reason: Error) => void {
    const found = this.#find(message, "ask");
    if ("error" in found) {
      settling.fail(found.error);
      receipt.processed("dead");
      return () => {};
    }
    const { cell, body } = found;
    const asked = this.#pending(cell, message, settling, receipt);
    this.#core.deadlines.set(asked, this.#boundedMs(budgetMs));
    admitAsk(cell, new Envelope(message.tag, body, asked, this.#core.scheduler.stampNow()), asked);
    return (reason) => asked.giveUp(cancelled(cell.address, message.tag, reason));
  }

  watch(path: string, ended: (reason: EndReason, error: unknown) => void): () => void {
    const cell = this.#core.cells.get(path);
    if (cell === undefined) {
      ended("unreachable", noSuchActor(this.#address(path), "nothing has that name"));
      return () => {};
    }
    const note = new EndedNote(path, cell.ref, ({ reason, error }) => ended(reason, error));
    (cell.rarely().watchers ??= new Set()).add(note);
    return () => void cell.rare?.watchers?.delete(note);
  }

  #pending(
    cell: Cell,
    message: InboundMessage,
    settling: AskSettling,
    receipt: Receipt,
  ): PendingAsk {
    const note = this.#noteOf(message, receipt);
    const reply = (value: unknown): void => {
      try {
        settling.reply(value);
      } catch (error) { // it cannot be carried: the handler's fault, as with a local ask
        settling.fail(handlerFailed(cell.address, message.tag, error));
        throw error;
      }
    };
    const fail = (error: Error): void => settling.fail(error);
    const { deadlines } = this.#core;
    return new PendingAsk(cell, message.tag, null, deadlines, reply, fail, note.trace, note);
  }

  #noteOf(message: InboundMessage, receipt: Receipt): InboundNote {
    const trace = message.trace !== null && isTraceparent(message.trace) ? message.trace : null;
    if (trace !== null) this.#core.startTracing();
    return new InboundNote(message.node, message.from, trace, receipt);
  }

  #find(message: InboundMessage, kind: "tell" | "ask"): Found {
    const { path, tag, version } = message;
    if (!this.#core.admit(message)) {
      return { error: notAdmitted(this.#address(path), tag, message.node), reason: "notAdmitted" };
    }
    const cell = this.#core.cells.get(path);
    if (cell === undefined) {
      const error = noSuchActor(this.#address(path), "nothing has that name");
      return { error, reason: "noSuchActor" };
    }
    const { protocol } = cell.definition;
    if (protocol.name !== message.protocol) {
      const speaks = `it speaks ${protocol.name}, not ${message.protocol}`;
      return { error: noSuchActor(this.#address(path), speaks), reason: "noSuchActor" };
    }
    if (protocol.version !== version) {
      const what = `${protocol.name} here has version ${protocol.version}, the message ${version}`;
      return { error: badMessage(this.#address(path), tag, what), reason: "badMessage" };
    }
    if (!cell.open) {
      return { error: actorStopped(this.#address(path), tag, true), reason: "stopped" };
    }
    try {
      const body = parseBody(protocol, tag, message.body);
      if (protocol.messages[tag]!.kind === kind) return { cell, body };
      const error = badMessage(this.#address(path), tag, `it is no message to ${kind}`);
      return { error, reason: "badMessage" };
    } catch (error) {
      return { error: error as ActorError, reason: "badMessage" };
    }
  }

  #refuse(message: InboundMessage, { error, reason }: Extract<Found, { error: ActorError }>): void {
    const { tag, body } = message;
    const address = this.#address(message.path);
    const isShown = this.#core.deadLetters.add({ address, tag, body, reason });
    if ((reason !== "badMessage" && reason !== "notAdmitted") || !isShown) return;
    const facts = { actor: address, tag, node: message.node, from: message.from, error };
    const what = reason === "badMessage" ? "bad message" : "message not admitted";
    this.#core.env.log.write("warn", what, facts);
  }

  #boundedMs(budgetMs: number): number {
    return Math.min(Math.max(0, budgetMs), this.#core.limits.remoteAskMs);
  }

  #address(path: string): string {
    return formatAddress(this.#core.id, path);
  }
}

function notAdmitted(address: string, tag: string, node: string): ActorError {
  return new ActorError(
    "NotAdmitted",
    `message "${tag}" to ${address}: node ${node} may not send it; give that node the role for it`,
  );
}

function badMessage(address: string, tag: string, what: string): ActorError {
  return new ActorError("BadMessage", `message "${tag}" to ${address}: ${what}; update one side`);
}
