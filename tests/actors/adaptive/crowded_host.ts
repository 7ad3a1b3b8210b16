/** A host that refuses readers beyond a number, as many servers do; around any protocol. */

import type { TransferProtocol } from "../../../protocols/contract.ts";
import { ProtocolError, type ProtocolErrorCode } from "../../../protocols/errors.ts";
import { intercepted, type InterceptedCall } from "../../../protocols/wrappers/intercept.ts";
import type { Clock } from "../../../runtime/env/env.ts";

/** What it is told. */
export interface CrowdedHostOptions {
  /** Readers at a time; more are refused. */
  readonly most: () => number;
  readonly clock: Pick<Clock, "monotonic">;
  readonly code?: ProtocolErrorCode;
}

/** See the head of this file. */
export class CrowdedHost {
  /** Readers at a time, at most so far. */
  peak = 0;
  /** When somebody was refused. */
  readonly refusedMs: number[] = [];
  readonly #options: CrowdedHostOptions;
  readonly #open = new Set<object>();

  constructor(options: CrowdedHostOptions) {
    this.#options = options;
  }

  /** Readers now. */
  get open(): number {
    return this.#open.size;
  }

  /** Stretches of `ms` in which somebody was refused. */
  refusedLooks(ms: number): number {
    return new Set(this.refusedMs.map((atMs) => Math.floor(atMs / ms))).size;
  }

  around(protocol: TransferProtocol): TransferProtocol {
    return intercepted(protocol, { around: (call, go) => this.#around(call, go) });
  }

  async #around<T>(call: InterceptedCall, go: () => Promise<T>): Promise<T> {
    const { side, operation, handle } = call;
    if (side !== "source" || handle === null) return await go();
    if (operation === "open") return await this.#opening(handle, go);
    if (operation !== "close") return await go();
    try {
      return await go();
    } finally {
      this.#open.delete(handle);
    }
  }

  async #opening<T>(handle: object, go: () => Promise<T>): Promise<T> {
    const { most, clock, code = "rateLimited" } = this.#options;
    if (this.#open.size >= most()) {
      this.refusedMs.push(clock.monotonic());
      throw new ProtocolError(code, `cannot open: ${most()} are read already`, { definite: true });
    }
    this.#open.add(handle);
    this.peak = Math.max(this.peak, this.#open.size);
    try {
      return await go();
    } catch (error) {
      this.#open.delete(handle);
      throw error;
    }
  }
}
