/** Dials one peer until it is linked, and again when the link is lost. */

import type { Deadlines } from "../actor/deadlines.ts";
import { errorData } from "../base/errors.ts";
import type { Env, TlsOptions } from "../env/env.ts";
import { SocketError } from "../env/errors.ts";
import type { Socket } from "../env/sockets.ts";
import { Handover } from "./handover.ts";
import type { HandshakePeer, HandshakeSelf, LinkKind } from "./handshake.ts";
import { type Call, ClientHandshake } from "./handshake_client.ts";
import { Shaking } from "./handshake_driver.ts";
import {
  expiredCertificate,
  isFinal,
  type Refusal,
  refusedByUs,
  RemoteError,
  unknownAuthority,
} from "./handshake_refusals.ts";
import type { Partings } from "./hub_partings.ts";
import type { RemoteLimits } from "./limits.ts";
import { Alarm } from "./peer_alarm.ts";

/** What a dial needs of the hub. */
export interface DialWay {
  readonly env: Pick<Env, "sockets" | "random">;
  readonly deadlines: Deadlines;
  readonly limits: RemoteLimits;
  /** Read at each attempt. */
  tls(): TlsOptions | undefined;
  readonly node: string;
  readonly partings: Partings;
  self(socket: Socket): HandshakeSelf;
  /** Whom to call, read at each attempt; `null` if there is nothing to dial for any more. */
  call(dial: Dial): Call | null;
  decide(dial: Dial, other: HandshakePeer, address: string): Promise<Refusal | null>;
  /** Whether the peer could be linked; things may have changed since it was decided. */
  linked(dial: Dial, other: HandshakePeer, handover: Handover): boolean;
  /** An attempt has failed; `again` says whether another one follows. */
  failed(dial: Dial, error: RemoteError | SocketError, again: boolean): void;
  /** The peer has proved itself and says that it has given us up. */
  givenUp(dial: Dial): void;
}

/** One URL. */
export class Dial {
  readonly url: string;
  readonly kind: LinkKind;
  /** Goes on after refusals that are final, as somebody may mend what was wrong. */
  readonly isConfigured: boolean;
  /** Which node is there; learned from the first handshake where it was not given. */
  node: string | null;
  readonly #way: DialWay;
  readonly #pause: Alarm;
  readonly #late: Alarm;
  #attempt: AbortController | null = null;
  #shaking: Shaking | null = null;
  /** Since when it fails, `null` if the last attempt succeeded. */
  failingSinceMs: number | null = null;
  #isCommitted = false;
  #isStopped = false;
  #failures = 0;
  #waiting: (() => void)[] = [];

  constructor(
    way: DialWay,
    options: { url: string; kind: LinkKind; node: string | null; isConfigured: boolean },
  ) {
    this.#way = way;
    this.url = options.url;
    this.kind = options.kind;
    this.node = options.node;
    this.isConfigured = options.isConfigured;
    this.#pause = new Alarm(way.deadlines, () => this.#dial());
    this.#late = new Alarm(way.deadlines, () => this.#attempt?.abort());
  }

  /** Its proof is under way. */
  get isCommitted(): boolean {
    return this.#isCommitted;
  }

  /** An attempt runs or is planned. */
  get isActive(): boolean {
    return this.isTrying || this.#pause.isSet;
  }

  /** An attempt runs. */
  get isTrying(): boolean {
    return this.#attempt !== null || this.#shaking !== null;
  }

  /** Dials now, unless it does already. */
  start(): void {
    if (this.#isStopped || this.isTrying) return;
    this.#pause.cancel();
    this.#dial();
  }

  /** Dials after a pause, unless it does already. */
  again(): void {
    if (!this.#isStopped && !this.isActive) this.#later();
  }

  /** The peer is linked by another connection: nothing to do until {@link again}. */
  rest(): void {
    this.#failures = 0;
    this.failingSinceMs = null;
    this.#drop();
  }

  /** Gives the attempt up for a connection of the peer; tries again later if that comes to nothing. */
  yield(): void {
    this.#drop();
    this.#later();
  }

  /** For good. */
  stop(): void {
    this.#isStopped = true;
    this.#drop();
  }

  /** Settles when the present attempt has. */
  settled(): Promise<void> {
    if (this.#attempt === null && this.#shaking === null) return Promise.resolve();
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  #drop(): void {
    this.#pause.cancel();
    this.#late.cancel();
    this.#attempt?.abort();
    this.#shaking?.drop();
    this.#over();
  }

  #over(): void {
    this.#attempt = null;
    this.#shaking = null;
    this.#isCommitted = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const settled of waiting) settled();
  }

  /** Full jitter: anything up to a bound that doubles (Brooker 2015). */
  #later(): void {
    const { backoffMinMs, backoffMaxMs } = this.#way.limits;
    const bound = Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(this.#failures, 30));
    this.#pause.set(this.#way.env.random.next() * bound);
  }

  #dial(): void {
    const call = this.#way.call(this);
    if (call === null) return;
    const attempt = new AbortController();
    this.#attempt = attempt;
    const { bulkFrameBytes, lowBytes, connectMs } = this.#way.limits;
    this.#late.set(connectMs);
    const tls = this.#way.tls();
    this.#way.env.sockets.connect({
      url: this.url,
      ...(tls === undefined || !this.url.startsWith("wss:") ? {} : { tls }),
      bounds: { frameBytes: bulkFrameBytes, lowBytes },
      signal: attempt.signal,
    }).then(
      (socket) => {
        if (this.#attempt === attempt) this.#shake(socket, call);
        else socket.destroy();
      },
      (error) => {
        if (this.#attempt === attempt) this.#failed(this.#connectError(error));
      },
    );
  }

  #shake(socket: Socket, call: Call): void {
    this.#late.cancel();
    this.#attempt = null;
    const handover = new Handover(socket);
    const machine = new ClientHandshake(this.#way.self(socket), socket.peer, call);
    const { deadlines, limits } = this.#way;
    const shaking: Shaking = new Shaking(handover, machine, deadlines, limits.handshakeMs, {
      decide: async (other) => {
        const refuse = await this.#way.decide(this, other, socket.peer.address);
        if (refuse === null && this.#shaking === shaking) this.#isCommitted = true;
        return { refuse };
      },
      accepted: (other) => {
        this.#failures = 0;
        this.failingSinceMs = null;
        this.node = other.node;
        this.#over();
        if (!this.#way.linked(this, other, handover)) this.again();
      },
      refused: ({ error, theirs, proved, peer }) => {
        this.#way.partings.add(shaking.ended);
        if (proved && peer !== null) this.node ??= peer.node;
        if (error.code === "Quarantined" && theirs && proved) this.#way.givenUp(this);
        this.#failed(error);
      },
    });
    this.#shaking = shaking;
    shaking.start();
  }

  #failed(error: RemoteError | SocketError): void {
    this.#late.cancel();
    this.#over();
    if (this.#isStopped) return;
    this.failingSinceMs ??= this.#way.deadlines.now();
    const isRefused = error instanceof RemoteError && isFinal(error.code);
    const goesOn = !isRefused || this.isConfigured;
    // Only time mends what was refused for good; nobody gains from asking often.
    this.#failures += isRefused ? 30 : 1;
    if (goesOn) this.#later();
    else this.#isStopped = true;
    this.#way.failed(this, error, goesOn);
  }

  #connectError(thrown: unknown): RemoteError | SocketError {
    if (!(thrown instanceof SocketError)) {
      const { message } = errorData(thrown);
      const text = `dial ${this.url}: ${message}; it is tried again`;
      return new RemoteError("LinkLost", text, { retryable: true, cause: thrown });
    }
    if (thrown.code !== "certificate") return thrown;
    const address = this.url;
    const parties = { self: this.#way.node, peer: this.node ?? "unknown", address };
    const problem = thrown.details["problem"];
    const refusal = problem === "expired" || problem === "notYetValid"
      ? expiredCertificate(parties, "the day that it names", problem === "notYetValid")
      : unknownAuthority(parties);
    return refusedByUs(refusal, address);
  }
}
