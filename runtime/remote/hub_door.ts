/** Where a node listens, and the handshakes that are under way there. */

import type { Env } from "../env/env.ts";
import type { ListenTls, Socket, SocketListener } from "../env/sockets.ts";
import type { Shaking } from "./handshake_driver.ts";
import { CLOSE_CODE } from "./handshake_driver.ts";
import type { HubListen } from "./hub_options.ts";
import { tlsRefusal } from "./hub_tls_alert.ts";
import type { RemoteLimits } from "./limits.ts";
import { RateGate } from "./peer_gate.ts";

/** Listeners of one node. */
export class HubDoor {
  readonly #env: Pick<Env, "sockets" | "clock" | "log">;
  readonly #limits: RemoteLimits;
  readonly #accept: (socket: Socket) => void;
  readonly #listeners: SocketListener[] = [];
  readonly #gate: RateGate;
  readonly #shaking = new Set<Shaking>();
  #opening: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(
    env: Pick<Env, "sockets" | "clock" | "log">,
    limits: RemoteLimits,
    accept: (socket: Socket) => void,
  ) {
    this.#env = env;
    this.#limits = limits;
    this.#gate = new RateGate(limits.malformedPerSecond);
    this.#accept = accept;
  }

  get urls(): readonly string[] {
    return this.#listeners.map((listener) => listener.url);
  }

  /** Listens everywhere, or rejects with the SocketError of the first place where it cannot. */
  open(places: readonly HubListen[]): Promise<void> {
    this.#opening = Promise.all(places.map((place) => this.#listen(place))).then(() => {});
    return this.#opening;
  }

  /** Shows another certificate to who comes from now on, wherever it listens with TLS. */
  secure(tls: ListenTls): void {
    for (const listener of this.#listeners) {
      if (listener.url.startsWith("wss:")) listener.secure(tls);
    }
  }

  /** A handshake begins. */
  shaking(shaking: Shaking): void {
    this.#shaking.add(shaking);
  }

  /** It is over. */
  shaken(shaking: Shaking): void {
    this.#shaking.delete(shaking);
  }

  /** Gives up all handshakes. */
  drop(): void {
    this.#isClosed = true;
    for (const shaking of this.#shaking) shaking.drop();
    this.#shaking.clear();
  }

  /** Listens no more. */
  async close(): Promise<void> {
    this.drop();
    await this.#opening.catch(() => {});
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }

  async #listen({ hostname, port, tls }: HubListen): Promise<void> {
    const { frameBytes, lowBytes } = this.#limits;
    const listener = await this.#env.sockets.listen({
      hostname,
      port,
      ...(tls === undefined ? {} : { tls }),
      bounds: { frameBytes, lowBytes }, // of strangers: a link takes longer ones
      failed: (address, reason) => this.#failed(address, reason),
    }, (socket) => this.#take(socket));
    this.#listeners.push(listener);
  }

  /** Anybody can fail at this, and as often as they like. */
  #failed(address: string, reason: string): void {
    if (!this.#gate.pass(this.#env.clock.monotonic())) return;
    this.#env.log.write("warn", "no link", { address, ...tlsRefusal(address, reason) });
  }

  /** Strangers are few: who comes when too many knock is sent away. */
  #take(socket: Socket): void {
    if (this.#isClosed) return socket.close(CLOSE_CODE.goingAway, "closed");
    if (this.#shaking.size < this.#limits.handshakesPending) return this.#accept(socket);
    socket.destroy();
  }
}
