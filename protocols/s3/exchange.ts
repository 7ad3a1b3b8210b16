/** One request on `Env.net` and its answer: timeouts, abort, and failures of the network as our own. */

import { formatDuration } from "../../runtime/base/units.ts";
import type { Block, Env, NetRequest, NetResponse } from "../../runtime/env/env.ts";
import { NetError } from "../../runtime/env/errors.ts";
import { abortedError } from "../aborting.ts";
import { ProtocolError } from "../errors.ts";
import { Deadline } from "../deadline.ts";
import { protocolLimits } from "../limits.ts";
import { netFailure } from "../objects/net_failures.ts";

/** What a request is bounded by, and how it is called in messages. */
export interface ExchangeTerms {
  /** Verb and object. */
  readonly action: string;
  readonly signal: AbortSignal | null;
  readonly responseTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Whether it changes anything: then a broken connection says nothing about what happened. */
  readonly mutates: boolean;
}

/** A request that is under way; ends with {@link S3Exchange.end}. */
export class S3Exchange {
  readonly #terms: ExchangeTerms;
  readonly #controller = new AbortController();
  readonly #deadline: Deadline;
  readonly #onAbort: () => void;
  #url = "";
  #timedOut: Error | null = null;
  #response: NetResponse | null = null;
  #hasEnded = false;

  constructor(private readonly env: Env, terms: ExchangeTerms) {
    this.#terms = terms;
    this.#deadline = new Deadline(env, (reason) => {
      this.#timedOut = reason;
      this.#controller.abort(reason);
    });
    this.#onAbort = () => this.#controller.abort(terms.signal!.reason);
    terms.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get action(): string {
    return this.#terms.action;
  }

  get clock(): Env["clock"] {
    return this.env.clock;
  }

  /** Resolves with the head of the answer. */
  async send(request: Omit<NetRequest, "signal">): Promise<NetResponse> {
    this.#throwIfAborted();
    this.#url = request.url;
    const { responseTimeoutMs } = this.#terms;
    const bytes = request.body?.length ?? 0;
    const waitMs = responseTimeoutMs + bytes * 1_000 / protocolLimits.s3SlowestBytesPerSecond;
    this.#deadline.arm(waitMs, () => this.#timeout("no answer came", waitMs));
    try {
      const signal = this.#controller.signal;
      this.#response = await this.env.net.request({ ...request, signal });
    } catch (thrown) {
      throw this.#explained(thrown);
    } finally {
      this.#deadline.disarm();
    }
    this.#assertHeaderBytes(this.#response);
    return this.#response;
  }

  /** One read of the body under the idle timeout; `null` where the connection broke. */
  read(into: Uint8Array): Promise<number | null> {
    return this.#bounded(() => this.#response!.body.read(into));
  }

  /** The same into a block, where the network can do without a copy. */
  fill(block: Block, start: number, end: number): Promise<number | null> {
    const { body } = this.#response!;
    return this.#bounded(() =>
      body.fill?.(block, start, end) ?? body.read(block.bytes.subarray(start, end))
    );
  }

  /** The whole body, `mostBytes` at most; `null` where there is more. It may not come in drips. */
  async readAll(mostBytes: number): Promise<Uint8Array | null> {
    const announced = Number(this.#response!.headers.get("content-length") ?? NaN);
    if (announced > mostBytes) return null;
    let buffer = new Uint8Array(Number.isInteger(announced) ? announced + 1 : 16_384);
    const startMs = this.env.clock.monotonic();
    for (let length = 0;;) {
      this.#assertNotDripping(startMs, length);
      if (length === buffer.length) {
        if (length > mostBytes) return null;
        const larger = new Uint8Array(Math.min(mostBytes + 1, length * 2));
        larger.set(buffer);
        buffer = larger;
      }
      const count = await this.read(buffer.subarray(length));
      if (count === null) throw this.#broken();
      if (count === 0) return length > mostBytes ? null : buffer.subarray(0, length);
      length += count;
    }
  }

  /** Frees timer, listener and connection. Idempotent. */
  async end(): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#deadline.stop();
    this.#terms.signal?.removeEventListener("abort", this.#onAbort);
    await this.#response?.body.cancel();
  }

  async #bounded(step: () => Promise<number>): Promise<number | null> {
    this.#throwIfAborted();
    const { idleTimeoutMs, signal } = this.#terms;
    this.#deadline.arm(idleTimeoutMs, () => this.#timeout("no byte came", idleTimeoutMs));
    try {
      return await step();
    } catch (thrown) {
      const isBroken = thrown instanceof NetError &&
        (thrown.code === "reset" || thrown.code === "protocol" || thrown.code === "unreachable");
      if (isBroken && this.#timedOut === null && signal?.aborted !== true) return null;
      throw this.#explained(thrown);
    } finally {
      this.#deadline.disarm();
    }
  }

  #throwIfAborted(): void {
    const { signal, action } = this.#terms;
    if (signal?.aborted === true) throw abortedError(action, signal);
  }

  #assertHeaderBytes({ headers }: NetResponse): void {
    let bytes = 0;
    for (const [name, value] of headers) bytes += name.length + value.length;
    const most = protocolLimits.httpHeaderMaxBytes;
    if (bytes <= most) return;
    const message =
      `cannot ${this.#terms.action}: the answer's headers take more than ${most} bytes`;
    throw new ProtocolError("badResponse", message, { definite: !this.#terms.mutates });
  }

  #assertNotDripping(startMs: number, bytes: number): void {
    const tookMs = this.env.clock.monotonic() - startMs;
    const { idleTimeoutMs } = this.#terms;
    const mostMs = idleTimeoutMs + bytes * 1_000 / protocolLimits.s3SlowestBytesPerSecond;
    if (tookMs > mostMs) throw this.#timeout("the answer did not end", tookMs);
  }

  #broken(): ProtocolError {
    const { action, mutates } = this.#terms;
    const message = `cannot ${action}: the connection broke in the middle of the answer`;
    return new ProtocolError("unreachable", message, { definite: !mutates });
  }

  #timeout(what: string, waitMs: number): ProtocolError {
    const { action, mutates } = this.#terms;
    const message = `cannot ${action}: ${what} for ${formatDuration(Math.round(waitMs))}`;
    return new ProtocolError("timeout", message, { definite: !mutates });
  }

  #explained(thrown: unknown): unknown {
    const { action, signal, mutates } = this.#terms;
    if (this.#timedOut !== null) return this.#timedOut;
    if (signal?.aborted === true) return abortedError(action, signal, !mutates);
    if (!(thrown instanceof NetError)) return thrown;
    const { code, reason } = netFailure(thrown.code, this.#url);
    return new ProtocolError(code, `cannot ${action}: ${reason}`, {
      cause: thrown,
      retryable: thrown.retryable,
      definite: thrown.definite || !mutates,
      details: { net: thrown.code },
    });
  }
}
