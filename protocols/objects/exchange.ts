/**
 * One request to an object store and its answer, on `Env.net` only: timeouts, abort, and the failures
 * of the network as our own. Redirects are answers: no store is followed to another host.
 */

import { formatDuration } from "../../runtime/base/units.ts";
import type { Block, Env, NetResponse, TlsOptions } from "../../runtime/env/env.ts";
import { NetError } from "../../runtime/env/errors.ts";
import { ProtocolError } from "../errors.ts";
import { Deadline } from "../deadline.ts";
import { parseContentLength } from "../http/fields.ts";
import { protocolLimits } from "../limits.ts";
import { netFailure } from "./net_failures.ts";

/** What requests of one place have in common. */
export interface Link {
  readonly env: Pick<Env, "net" | "clock" | "timers">;
  readonly tls: TlsOptions | null;
  readonly responseTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** One request. Header fields and query may hold secrets: never log one. */
export interface ObjectRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Verb and object, for messages. */
  readonly action: string;
}

/** Failures that come before a request is on its way: it certainly had no effect. */
const NEVER_SENT: ReadonlySet<NetError["code"]> = new Set(["refused", "dns", "blocked", "tls"]);

/** Methods that change nothing. */
const LOOKING: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/** One request and its answer; ends with {@link ObjectExchange.end}. */
export class ObjectExchange {
  readonly link: Link;
  readonly #request: ObjectRequest;
  readonly #signal: AbortSignal | null;
  readonly #controller = new AbortController();
  readonly #deadline: Deadline;
  readonly #onAbort: () => void;
  #timedOut: Error | null = null;
  #response: NetResponse | null = null;
  #ended = false;

  constructor(link: Link, request: ObjectRequest, signal: AbortSignal | null) {
    this.link = link;
    this.#request = request;
    this.#signal = signal;
    this.#deadline = new Deadline(link.env, (reason) => {
      this.#timedOut = reason;
      this.#controller.abort(reason);
    });
    this.#onAbort = () => this.#controller.abort(signal?.reason);
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get action(): string {
    return this.#request.action;
  }

  get clock(): Env["clock"] {
    return this.link.env.clock;
  }

  /** Sends, and resolves to the answer of whatever status. */
  async send(): Promise<NetResponse> {
    const { action, method, url, headers, body } = this.#request;
    const { link } = this;
    if (this.#isAborted) throw this.#aborted(true);
    const uploadMs = (body?.length ?? 0) * 1_000 / protocolLimits.objectUploadLeastBytesPerSecond;
    const waitMs = link.responseTimeoutMs + Math.ceil(uploadMs);
    this.#deadline.arm(waitMs, () => this.#timeout("no answer came", waitMs));
    try {
      this.#response = await link.env.net.request({
        method,
        url,
        headers: { "user-agent": "quorus", ...headers },
        signal: this.#controller.signal,
        ...(body === undefined ? {} : { body }),
        ...(link.tls === null ? {} : { tls: link.tls }),
      });
    } catch (thrown) {
      throw this.#explained(thrown);
    } finally {
      this.#deadline.disarm();
    }
    assertHeaderBytes(action, this.#response);
    return this.#response;
  }

  /** One read of the body under the idle timeout; `null` where the connection broke. */
  read(into: Uint8Array): Promise<number | null> {
    return this.#bounded((body) => body.read(into));
  }

  /** The same into a block, where the network can do without a copy. */
  fill(block: Block, start: number, end: number): Promise<number | null> {
    return this.#bounded((body) =>
      body.fill?.(block, start, end) ?? body.read(block.bytes.subarray(start, end))
    );
  }

  async #bounded(step: (body: NetResponse["body"]) => Promise<number>): Promise<number | null> {
    if (this.#isAborted) throw this.#aborted(true);
    const waitMs = this.link.idleTimeoutMs;
    this.#deadline.arm(waitMs, () => this.#timeout("no byte came", waitMs));
    try {
      return await step(this.#response!.body);
    } catch (thrown) {
      const broken = thrown instanceof NetError &&
        (thrown.code === "reset" || thrown.code === "protocol" || thrown.code === "unreachable");
      if (broken && this.#timedOut === null && !this.#isAborted) return null;
      throw this.#explained(thrown);
    } finally {
      this.#deadline.disarm();
    }
  }

  /** The whole body as text, `badResponse` if it has more bytes than `most` or breaks off. */
  async text(most: number = protocolLimits.xmlMaxBytes): Promise<string> {
    // It announces what a GET would bring, and brings nothing.
    if (this.#request.method === "HEAD") return "";
    const announced = parseContentLength(this.#response!.headers.get("content-length") ?? "");
    if (announced !== null && announced > most) throw this.#tooMuch(most);
    const buffer = new Uint8Array(Math.min(most + 1, 65_536));
    const { clock } = this.link.env;
    const startedMs = clock.monotonic();
    const decoder = new TextDecoder();
    let text = "";
    for (let bytes = 0;;) {
      const count = await this.read(buffer);
      if (count === null) {
        const message = `cannot ${this.action}: the answer broke off`;
        throw new ProtocolError("badResponse", message, { definite: this.#isLooking });
      }
      if (count === 0) break;
      bytes += count;
      if (bytes > most) throw this.#tooMuch(most);
      // In drips it would never be idle, and never end.
      const drippingMs = bytes * 1_000 / protocolLimits.objectUploadLeastBytesPerSecond;
      const allowedMs = this.link.responseTimeoutMs + Math.ceil(drippingMs);
      if (clock.monotonic() - startedMs > allowedMs) {
        throw this.#timeout("the answer is not complete", allowedMs);
      }
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
    return text + decoder.decode();
  }

  #tooMuch(most: number): ProtocolError {
    const message = `cannot ${this.action}: the answer takes more than ${most} bytes`;
    return new ProtocolError("badResponse", message, {
      retryable: false,
      definite: this.#isLooking,
    });
  }

  /** Frees timer, listener and connection. Idempotent. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#deadline.stop();
    this.#signal?.removeEventListener("abort", this.#onAbort);
    await this.#response?.body.cancel();
  }

  get #isAborted(): boolean {
    return this.#signal?.aborted === true;
  }

  get #isLooking(): boolean {
    return LOOKING.has(this.#request.method);
  }

  #aborted(definite: boolean): ProtocolError {
    const message = `stopped while trying to ${this.action}: it was aborted`;
    return new ProtocolError("aborted", message, { cause: this.#signal?.reason, definite });
  }

  #timeout(what: string, waitMs: number): ProtocolError {
    const message = `cannot ${this.action}: ${what} for ${formatDuration(waitMs)}`;
    const facts = { details: { waitMs }, definite: this.#isLooking };
    return new ProtocolError("timeout", message, facts);
  }

  /** The text of a network error may quote a URL with its signature: it is not repeated. */
  #explained(thrown: unknown): unknown {
    if (this.#timedOut !== null) return this.#timedOut;
    if (this.#isAborted) return this.#aborted(this.#isLooking);
    if (!(thrown instanceof NetError)) return thrown;
    const { code, retryable } = thrown;
    const failure = netFailure(code, this.#request.url);
    return new ProtocolError(failure.code, `cannot ${this.action}: ${failure.reason}`, {
      cause: thrown,
      retryable,
      definite: this.#isLooking || NEVER_SENT.has(code),
      details: { net: code },
    });
  }
}

function assertHeaderBytes(action: string, { headers }: NetResponse): void {
  const most = protocolLimits.httpHeaderMaxBytes;
  let bytes = 0;
  headers.forEach((value, name) => bytes += name.length + value.length);
  if (bytes <= most) return;
  const message = `cannot ${action}: the response headers take more than ${most} bytes`;
  throw new ProtocolError("badResponse", message, { definite: false });
}

/** Ends `exchange` and rethrows what `act` throws; on success the caller owns the exchange. */
export async function guarded<T>(exchange: ObjectExchange, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (thrown) {
    await exchange.end();
    throw thrown;
  }
}

/** What came of a request whose answer is short. */
export interface ShortAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

/** Sends, reads the whole answer and ends the exchange. */
export async function shortAnswer(exchange: ObjectExchange, most?: number): Promise<ShortAnswer> {
  try {
    const { status, headers } = await exchange.send();
    return { status, headers, text: await exchange.text(most) };
  } finally {
    await exchange.end();
  }
}
