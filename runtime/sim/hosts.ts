/** The servers of a world: a table of handlers by host. */

import type { NetRequest } from "../env/env.ts";

/** What a simulated server answers, and how badly. */
export interface SimReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Virtual time until the headers arrive. */
  readonly delayMs?: number;
  /** The connection breaks after this many bytes of the body. */
  readonly cutAfterBytes?: number;
  /** At most this many bytes arrive at once; each read takes a delay of its own. */
  readonly pieceBytes?: number;
}

/** Answers a request; throw a `NetError` for what fails below HTTP. */
export type SimHandler = (request: NetRequest) => SimReply | Promise<SimReply>;

/** Handlers by host. */
export class SimHosts {
  readonly #handlers = new Map<string, SimHandler>();

  set(host: string, handler: SimHandler): void {
    this.#handlers.set(host, handler);
  }

  get(host: string): SimHandler | undefined {
    return this.#handlers.get(host);
  }
}
