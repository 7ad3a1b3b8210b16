/** Shakes hands over a socket, within a bound of time. */

import { WheelEntry } from "../actor/wheel.ts";
import type { Deadlines } from "../actor/deadlines.ts";
import type { SocketEnd, SocketEvents } from "../env/sockets.ts";
import type { Handover } from "./handover.ts";
import type { HandshakeOutcome, HandshakePeer, HandshakeStep } from "./handshake.ts";
import { ClientHandshake } from "./handshake_client.ts";
import { type Refusal, RemoteError } from "./handshake_refusals.ts";
import type { ServerHandshake } from "./handshake_server.ts";

/** Close codes of our own (RFC 6455, section 7.4.2). */
export const CLOSE_CODE = {
  goingAway: 1001,
  malformed: 4400,
  refused: 4403,
  timeout: 4408,
} as const;

/** What becomes of a peer that has proved itself; a client's refusal is proved to the server. */
export type Decision = { readonly refuse: Refusal | null };

/** Who is told, exactly once of the two. */
export interface HandshakeEvents {
  /** The peer has proved itself: may it be linked with? */
  decide(peer: HandshakePeer): Decision | Promise<Decision>;
  /** Takes the socket over before this returns, or the next frame is lost. */
  accepted(peer: HandshakePeer): void;
  /** The socket is closed, or closing. */
  refused(outcome: Extract<HandshakeOutcome, { kind: "refused" }>): void;
}

/** One handshake in progress. */
export class Shaking extends WheelEntry implements SocketEvents {
  readonly #handover: Handover;
  readonly #machine: ClientHandshake | ServerHandshake;
  readonly #deadlines: Deadlines;
  readonly #events: HandshakeEvents;
  readonly #withinMs: number;
  readonly #ended = Promise.withResolvers<void>();
  #over = false;

  constructor(
    handover: Handover,
    machine: ClientHandshake | ServerHandshake,
    deadlines: Deadlines,
    withinMs: number,
    events: HandshakeEvents,
  ) {
    super();
    this.#handover = handover;
    this.#machine = machine;
    this.#deadlines = deadlines;
    this.#withinMs = withinMs;
    this.#events = events;
  }

  /** Resolves when the socket of a handshake that came to nothing has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Begins; the client speaks first. */
  start(): void {
    this.#deadlines.set(this, this.#withinMs);
    this.#handover.take(this);
    if (this.#machine instanceof ClientHandshake) this.#do(this.#machine.start());
  }

  /** Gives up, with a word to the other side; idempotent. */
  abort(refusal: Refusal): void {
    if (!this.#over) this.#do(this.#machine.refuse(refusal));
  }

  /** Gives up without a word; nobody is told. */
  drop(): void {
    this.#finish();
    this.#handover.socket.destroy();
  }

  /** @inheritdoc */
  frame(bytes: Uint8Array): void {
    if (!this.#over) this.#do(this.#machine.receive(bytes));
  }

  /** @inheritdoc */
  drained(): void {}

  /** @inheritdoc */
  closed(end: SocketEnd): void {
    this.#ended.resolve();
    const said = end.reason === "" ? "" : ` "${end.reason}"`;
    this.#fail(
      "LinkLost",
      `shake hands with ${this.#address}: the connection ended (code ${end.code}${said}); it is tried again`,
    );
  }

  /** @inheritdoc */
  override expire(): void {
    this.#fail(
      "HandshakeTimeout",
      `shake hands with ${this.#address}: not done within ${this.#withinMs} ms; is the other end a Quorus node, and not overloaded?`,
    );
    this.#handover.socket.close(CLOSE_CODE.timeout, "handshake timeout");
    this.#handover.socket.destroy();
  }

  get #address(): string {
    return this.#handover.socket.peer.address;
  }

  #do({ send, outcome, decide }: HandshakeStep): void {
    // A port moves what it sends, and the proofs are made over what was said.
    for (const frame of send) this.#handover.socket.send(frame.slice());
    if (decide !== null) this.#decide(decide);
    if (outcome === null) return;
    this.#finish();
    if (outcome.kind === "accepted") this.#events.accepted(outcome.peer);
    else {
      this.#close(outcome.error);
      this.#events.refused(outcome);
    }
  }

  #decide(peer: HandshakePeer): void {
    const decision = this.#events.decide(peer);
    if (!(decision instanceof Promise)) return this.#decided(decision);
    // What comes meanwhile waits its turn: a peer that speaks before the welcome is malformed.
    decision.then((decided) => {
      if (!this.#over) this.#decided(decided);
    }).catch((cause) => {
      if (this.#over) return;
      this.#fail("LinkLost", `decide about ${this.#address}: ${cause}; it is tried again`, cause);
      this.#handover.socket.destroy();
    });
  }

  #decided({ refuse }: Decision): void {
    if (this.#over) return;
    if (refuse === null) this.#do(this.#machine.admit());
    else if (this.#machine instanceof ClientHandshake) {
      this.#do(this.#machine.refuseProved(refuse));
    } else this.#do(this.#machine.refuse(refuse));
  }

  #close(error: RemoteError): void {
    const malformed = error.code === "Malformed";
    const code = malformed ? CLOSE_CODE.malformed : CLOSE_CODE.refused;
    this.#handover.socket.close(code, malformed ? "no handshake message" : error.code);
  }

  #fail(code: "LinkLost" | "HandshakeTimeout", message: string, cause?: unknown): void {
    if (this.#over) return;
    this.#finish();
    const error = new RemoteError(code, message, { retryable: true, cause });
    this.#events.refused({ kind: "refused", error, theirs: false, proved: false, peer: null });
  }

  #finish(): void {
    this.#over = true;
    this.#deadlines.cancel(this);
  }
}
