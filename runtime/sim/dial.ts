/** One attempt to connect: sent again while nothing answers, refused, or taken by a listener. */

import { limitValues } from "../base/limits.ts";
import type { TimerHandle } from "../env/env.ts";
import { SocketError, TLS_MIXED } from "../env/errors.ts";
import type {
  ConnectOptions,
  PeerCertificate,
  Socket,
  SocketErrorCode,
  SocketPeer,
} from "../env/sockets.ts";
import type { Incarnation } from "./incarnation.ts";
import { SIM_LIMITS } from "./limits.ts";
import type { SimListener, SimNetwork } from "./network.ts";
import type { Path } from "./path.ts";
import { type Item, Pipe } from "./pipe.ts";
import { SimSocket } from "./socket.ts";

const LIMITS = limitValues(SIM_LIMITS);

/** Who dials. */
export interface Dialler {
  readonly network: SimNetwork;
  readonly incarnation: Incarnation;
  readonly machine: string;
  readonly wallMs: () => number;
}

interface Target {
  readonly address: string;
  readonly machine: string;
  readonly port: number;
  readonly encrypted: boolean;
}

type Settle = (result: Socket | SocketError) => void;

/** Connects; never settles once the dialling life has ended. */
export function dial(dialler: Dialler, options: ConnectOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const settle: Settle = (result) => {
      if (result instanceof SocketError) reject(result);
      else resolve(result);
    };
    const target = targetOf(dialler, options.url);
    if (options.signal.aborted) reject(failure(options.url, "aborted", "it was aborted"));
    else if (target instanceof SocketError) {
      dialler.incarnation.after(0, `connect ${options.url} failed`, () => reject(target));
    } else new Dial(dialler, options, target, settle).begin();
  });
}

class Dial {
  readonly #dialler: Dialler;
  readonly #options: ConnectOptions;
  readonly #target: Target;
  readonly #settle: Settle;
  readonly #forth: Path;
  readonly #back: Path;
  readonly #number: number;
  readonly #timeout: TimerHandle;
  readonly #forgetEnd: () => void;
  readonly #abort: () => void;
  #next: TimerHandle | null = null;
  #retryMs = LIMITS.firstRetryMs;
  #isOver = false;

  constructor(dialler: Dialler, options: ConnectOptions, target: Target, settle: Settle) {
    const { network, incarnation, machine } = dialler;
    this.#dialler = dialler;
    this.#options = options;
    this.#target = target;
    this.#settle = settle;
    this.#forth = network.path(machine, target.machine);
    this.#back = network.path(target.machine, machine);
    this.#number = network.nextConnection();
    this.#timeout = incarnation.after(
      LIMITS.connectMs,
      `connect ${target.address} timed out`,
      () => this.#fail("unreachable", `nothing answered for ${LIMITS.connectMs} ms`),
    );
    this.#forgetEnd = incarnation.onEnd(() => this.#finish());
    this.#abort = () => {
      if (incarnation.alive) this.#fail("aborted", "it was aborted", options.signal.reason);
    };
  }

  begin(): void {
    this.#options.signal.addEventListener("abort", this.#abort, { once: true });
    // There and back for TCP, there for the request: the answer goes back as the first item.
    const roundTripMs = this.#forth.latencyMs() + this.#back.latencyMs();
    this.#call(roundTripMs + this.#forth.latencyMs());
  }

  /** A call on its way; one that meets nobody is made again, later each time. */
  #call(delayMs: number): void {
    const { incarnation } = this.#dialler;
    const { from, to } = this.#forth;
    const label = `net ${from} -> ${to} #${this.#number} connect ${this.#target.port}`;
    this.#next = incarnation.world.schedule(delayMs, label, () => {
      if (this.#forth.isBlocked || this.#back.isBlocked) return this.#callAgain();
      if (this.#forth.cloggedMs > 0) return this.#call(this.#forth.cloggedMs);
      const { machine, port } = this.#target;
      const listener = this.#dialler.network.listenerOf(from, machine, port);
      if (listener === undefined) this.#answer("refused", "nobody listens there");
      else this.#meet(listener);
    });
  }

  #callAgain(): void {
    const waitMs = this.#retryMs;
    this.#retryMs *= 2;
    this.#call(waitMs);
  }

  #meet(listener: SimListener): void {
    const refusal = this.#refusalOf(listener);
    if (refusal === null) {
      const leave = listener.incarnation.onEnd((kind) => {
        if (kind === "process") this.#answer("refused", "the process that listened there ended");
      });
      listener.incarnation.turn(`accept #${this.#number}`, () => {
        leave();
        this.#accept(listener);
      });
      return;
    }
    const { failed } = listener.options;
    const said = refusal.called ?? refusal.message;
    listener.incarnation.turn("refuse", () => failed?.(this.#callerAddress(), said));
    this.#answer(refusal.code, refusal.message, refusal.details);
  }

  /** Why the two ends cannot even shake hands. */
  #refusalOf(listener: SimListener): {
    readonly code: SocketErrorCode;
    readonly message: string;
    /** What the listener is told, if that is something else. */
    readonly called?: string;
    readonly details?: { problem: string };
  } | null {
    const { tls } = listener.options;
    if (this.#target.encrypted !== (tls !== undefined)) {
      const { plainListener, plainCaller } = TLS_MIXED;
      const { called, calling } = this.#target.encrypted ? plainListener : plainCaller;
      return { code: "tls", message: calling, called };
    }
    const problem = this.#serverCertificate(listener)?.problem ?? null;
    if (problem === null) return null;
    const message = `the certificate of the other end proves nothing: ${problem}`;
    return { code: "certificate", message, details: { problem } };
  }

  #serverCertificate(listener: SimListener): PeerCertificate | null {
    const { tls } = listener.options;
    if (tls === undefined) return null;
    const { network, wallMs } = this.#dialler;
    return network.certificates.seen(tls.cert, this.#options.tls?.caCerts ?? [], wallMs());
  }

  #clientCertificate(listener: SimListener): PeerCertificate | null {
    const caCerts = listener.options.tls?.caCerts ?? [];
    const cert = this.#options.tls?.cert;
    if (caCerts.length === 0 || cert === undefined) return null;
    return this.#dialler.network.certificates.seen(cert, caCerts, listener.wallMs());
  }

  /** In a turn of the listener: its end exists from now on, ours when the answer arrives. */
  #accept(listener: SimListener): void {
    const { incarnation: { world }, network } = this.#dialler;
    const label = `#${this.#number}`;
    let gone = 0;
    const countGone = () => {
      gone += 1;
      if (gone === 2) forget();
    };
    const server = new SimSocket({
      incarnation: listener.incarnation,
      label,
      peer: peer(this.#callerAddress(), this.#target, this.#clientCertificate(listener)),
      bounds: listener.options.bounds,
      path: this.#back,
      gone: countGone,
    });
    let client: SimSocket | null = null;
    let isRefused = false;
    const forth: Pipe = new Pipe(world, this.#forth, this.#back, label, {
      arrived: (item) => server.arrive(item),
      left: () => client?.left(),
      gaveUp: () => client?.lose(),
    });
    const back = new Pipe(world, this.#back, this.#forth, label, {
      arrived: (item) => {
        if (client !== null) return client.arrive(item);
        if (isRefused) return;
        client = this.#answered(item, listener, forth, back, countGone);
        isRefused = client === null;
      },
      left: () => server.left(),
      gaveUp: () => server.lose(),
    });
    const forget = network.connected({
      between: [this.#forth.from, this.#forth.to],
      reset: () => {
        server.lose();
        client?.lose();
      },
    });
    server.join(back, forth);
    back.send({ kind: "accepted" });
    listener.accept(server);
  }

  /** The first item is here: our end exists from now on. */
  #answered(
    item: Item,
    listener: SimListener,
    forth: Pipe,
    back: Pipe,
    gone: () => void,
  ): SimSocket | null {
    if (this.#isOver || item.kind !== "accepted") {
      if (item.kind !== "reset") forth.reset();
      gone();
      this.#fail("unreachable", "the other end broke the connection before it stood");
      return null;
    }
    const client = new SimSocket({
      incarnation: this.#dialler.incarnation,
      label: `#${this.#number}`,
      peer: peer(this.#target.address, this.#target, this.#serverCertificate(listener)),
      bounds: this.#options.bounds,
      path: this.#forth,
      gone,
    });
    client.join(forth, back);
    this.#finish();
    const label = `connected ${this.#target.address}`;
    this.#dialler.incarnation.turn(label, () => this.#settle(client));
    return client;
  }

  /** The other end's machine says no. */
  #answer(code: SocketErrorCode, reason: string, details?: Record<string, unknown>): void {
    if (this.#isOver) return;
    const { from, to } = this.#back;
    const label = `net ${from} -> ${to} #${this.#number} ${code}`;
    const delayMs = this.#back.latencyMs() + this.#back.cloggedMs;
    this.#next = this.#dialler.incarnation.world.schedule(delayMs, label, () => {
      if (this.#back.isBlocked) this.#callAgain();
      else this.#fail(code, reason, undefined, details);
    });
  }

  #fail(
    code: SocketErrorCode,
    reason: string,
    cause?: unknown,
    details: Record<string, unknown> = {},
  ): void {
    if (this.#isOver) return;
    this.#finish();
    const { address } = this.#target;
    const error = failure(address, code, reason, { details, cause });
    this.#dialler.incarnation.turn(`connect ${address} ${code}`, () => this.#settle(error));
  }

  #finish(): void {
    this.#isOver = true;
    this.#next?.cancel();
    this.#timeout.cancel();
    this.#forgetEnd();
    this.#options.signal.removeEventListener("abort", this.#abort);
  }

  #callerAddress(): string {
    return `${this.#forth.from}:${LIMITS.firstFreePort + this.#number}`;
  }
}

function peer(
  address: string,
  target: Target,
  certificate: PeerCertificate | null,
): SocketPeer {
  return { address, encrypted: target.encrypted, own: false, certificate };
}

function targetOf({ network, machine }: Dialler, text: string): Target | SocketError {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "ws:" && url.protocol !== "wss:")) {
    return failure(text, "protocol", "only ws: and wss: are spoken here");
  }
  const encrypted = url.protocol === "wss:";
  const port = url.port === "" ? (encrypted ? 443 : 80) : Number(url.port);
  const found = network.resolve(machine, url.hostname);
  if (found === undefined) return failure(text, "dns", "no machine of the world has that name");
  return { address: `${url.hostname}:${port}`, machine: found, port, encrypted };
}

function failure(
  where: string,
  code: SocketErrorCode,
  reason: string,
  facts: { readonly details?: Record<string, unknown>; readonly cause?: unknown } = {},
): SocketError {
  return new SocketError(code, `cannot connect to ${where}: ${reason} (simulated)`, facts);
}
