/** Bandwidth and concurrency bounds for any protocol. */

import type { Env } from "../../runtime/env/env.ts";
import { KIB } from "../../runtime/base/units.ts";
import type { TransferProtocol } from "../contract.ts";
import { protocolLimits } from "../limits.ts";
import { intercepted, type InterceptedCall, type Interceptor } from "./intercept.ts";
import { Places } from "../places.ts";
import { ByteRate } from "./rate.ts";

const READ_LEAST_BYTES = 16 * KIB;

/** Bounds over everything that goes through one wrapped protocol; `null` is no bound. */
export interface TransferLimits {
  /** Bytes read from sources and written to sinks, together. */
  readonly bytesPerSecond: number | null;
  /**
   * Open readers, and apart from them open temporary files: a transfer holds one of each, and two that
   * held one and waited for the other would wait for ever.
   */
  readonly maxConcurrent: number | null;
}

/** `protocol` within `limits`; waiting ends with `aborted` when its signal fires or its handle is closed. */
export function limited(
  protocol: TransferProtocol,
  limits: TransferLimits,
  env: Env,
): TransferProtocol {
  return intercepted(protocol, new Limiter(limits, env));
}

class Limiter implements Interceptor {
  readonly readMaxBytes: number;
  readonly #rate: ByteRate | null;
  readonly #readers: Places | null;
  readonly #files: Places | null;
  /** What ends the waiting of each open handle. */
  readonly #open = new Map<object, AbortController>();

  constructor({ bytesPerSecond, maxConcurrent }: TransferLimits, env: Env) {
    this.#rate = bytesPerSecond === null ? null : new ByteRate(env, bytesPerSecond);
    this.#readers = maxConcurrent === null ? null : new Places(maxConcurrent);
    this.#files = maxConcurrent === null ? null : new Places(maxConcurrent);
    const burst = (bytesPerSecond ?? Infinity) * protocolLimits.limitedBurstMs / 1_000;
    this.readMaxBytes = Math.max(READ_LEAST_BYTES, Math.floor(burst));
  }

  around<T>(call: InterceptedCall, go: () => Promise<T>): Promise<T> {
    if (call.handle === null) return go();
    switch (call.operation) {
      case "open":
      case "create":
      case "reopen":
        return this.#opening(call, call.handle, go);
      case "close":
      case "publish":
        return this.#closing(call, call.handle, go);
      case "read":
        return call.side === "source" ? this.#reading(call, go) : go();
      case "write":
        return this.#writing(call, go);
      default:
        return go();
    }
  }

  #placesOf(call: InterceptedCall): Places | null {
    return call.side === "source" ? this.#readers : this.#files;
  }

  async #opening<T>(call: InterceptedCall, handle: object, go: () => Promise<T>): Promise<T> {
    const places = this.#placesOf(call);
    await places?.enter(call.signal);
    let opened: T | null = null;
    try {
      opened = await go();
      return opened;
    } finally {
      // `null`: it failed, or there was nothing to reopen.
      if (opened === null) places?.leave();
      else this.#open.set(handle, new AbortController());
    }
  }

  async #closing<T>(call: InterceptedCall, handle: object, go: () => Promise<T>): Promise<T> {
    this.#open.get(handle)?.abort(new Error("it was closed"));
    try {
      return await go();
    } finally {
      if (this.#open.delete(handle)) this.#placesOf(call)?.leave();
    }
  }

  async #reading<T>(call: InterceptedCall, go: () => Promise<T>): Promise<T> {
    await this.#rate?.ready(this.#endOf(call));
    const count = await go();
    if (typeof count === "number") this.#rate?.spend(count);
    return count;
  }

  async #writing<T>(call: InterceptedCall, go: () => Promise<T>): Promise<T> {
    await this.#rate?.ready(this.#endOf(call));
    this.#rate?.spend(call.bytes ?? 0);
    return await go();
  }

  #endOf({ handle, signal }: InterceptedCall): AbortSignal {
    const closed = handle === null ? undefined : this.#open.get(handle)?.signal;
    return AbortSignal.any([signal, closed].filter((one) => one !== null && one !== undefined));
  }
}
