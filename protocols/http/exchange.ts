/** The I/O of one request: redirects, timeouts, abort, and the errors of the network as our own. */

import type { Block, Env, NetRequest, NetResponse, NetUpload } from "../../runtime/env/env.ts";
import { NetError } from "../../runtime/env/errors.ts";
import { formatDuration } from "../../runtime/base/units.ts";
import type { ProtocolError, ProtocolErrorCode } from "../errors.ts";
import type { HttpLimits } from "./settings.ts";
import { Deadline } from "../deadline.ts";
import type { Hop } from "./endpoint.ts";
import { failure, type Place } from "./failure.ts";
import { LoginProof } from "./login.ts";
import { parseContentLength } from "./fields.ts";
import { isRedirect, nextHop } from "./redirect.ts";
import { assertRepeatable } from "./repeat.ts";
import { statusError } from "./status.ts";

/** What requests of one source have in common. */
export interface Client {
  readonly env: Env;
  readonly limits: HttpLimits;
  readonly responseTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

const NET_CODES: Readonly<Record<NetError["code"], ProtocolErrorCode>> = {
  refused: "unreachable",
  unreachable: "unreachable",
  dns: "unreachable",
  blocked: "unreachable",
  reset: "unreachable",
  tls: "tls",
  aborted: "aborted",
  protocol: "badResponse",
};

const NET_REASONS: Readonly<Record<NetError["code"], string>> = {
  refused: "the connection was refused; is the server running, and is the port right?",
  unreachable: "the host cannot be reached; check the network and the host's name",
  dns: "the host's name does not resolve; check its spelling",
  blocked: "this process may not send it: fetch allows no requests to this port, or Deno was not " +
    "granted the host; use another port, or add the host to --allow-net",
  reset: "the connection ended before the answer came",
  tls: "the TLS handshake failed; check the server's name and certificate, the declared CA and " +
    "the client certificate",
  aborted: "stopped",
  protocol: "the answer is not HTTP; check the scheme and the port",
};

/** One request and its answer; ends with {@link Exchange.end}. */
export class Exchange {
  readonly #controller = new AbortController();
  readonly #deadline: Deadline;
  readonly #onAbort: () => void;
  #timedOut: Error | null = null;
  #hop: Hop;
  #response: NetResponse | null = null;
  #proof: LoginProof | null = null;
  #ended = false;

  constructor(
    readonly client: Client,
    readonly method: string,
    hop: Hop,
    private readonly signal: AbortSignal,
  ) {
    this.#hop = hop;
    this.#deadline = new Deadline(client.env, (reason) => {
      this.#timedOut = reason;
      this.#controller.abort(reason);
    });
    this.#onAbort = () => this.#controller.abort(signal.reason);
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Where the answer came from, redirects followed. */
  get hop(): Hop {
    return this.#hop;
  }

  get place(): Place {
    return { method: this.method, label: this.#hop.label };
  }

  get response(): NetResponse {
    return this.#response!;
  }

  /**
   * Sends, follows redirects and says who asks, and resolves to the first other answer. A body that is made while it is
   * sent may be waited for as long as it takes; the server may not.
   */
  async send(
    extra: Readonly<Record<string, string>>,
    body: NetRequest["body"] = undefined,
  ): Promise<NetResponse> {
    const trail = [this.#hop];
    if (isStreamed(body)) await this.#introduce();
    while (true) {
      const response = await this.#sendOnce(extra, trail.at(-2), body);
      if (await this.#isChallenged(response, body)) continue;
      if (!isRedirect(response.status)) return response;
      const location = response.headers.get("location");
      this.#hop = nextHop(trail, location, this.method, this.client.limits.httpRedirectsMax);
      assertRepeatable(this.method, response.status, trail[trail.length - 1]!, this.#hop, body);
      trail.push(this.#hop);
      await this.discard();
    }
  }

  /** What is made while it is sent can be sent once only: the server has to have asked before. */
  async #introduce(): Promise<void> {
    const { login } = this.#hop;
    if (login === null || login.isFresh) return;
    const exchange = new Exchange(this.client, "HEAD", this.#hop, this.signal);
    await guarded(exchange, async () => {
      const response = await exchange.send({});
      await exchange.discard();
      await exchange.end();
      if (response.status === 401) throw this.#unauthenticated(response);
    });
  }

  /** The server wants to know who asks, and the request may be made again with the answer. */
  async #isChallenged(response: NetResponse, body: NetRequest["body"]): Promise<boolean> {
    const proof = this.#proof;
    if (proof === null) return false;
    if (response.status !== 401) {
      proof.accepted(response.headers);
      return false;
    }
    const verdict = proof.refused(response.headers);
    if (verdict.kind === "wrong") return false;
    if (verdict.kind === "otherwise") {
      const reason = `status 401: the server asks for ${verdict.schemes}, and not for digest ` +
        "authentication with SHA-256 or MD5 and qop auth; declare what it takes";
      throw failure("unauthenticated", this.place, reason, { retryable: false });
    }
    if (verdict.kind === "restless") {
      const reason = "status 401: the server takes each answer to its challenge for too old; " +
        "try again later, with fewer transfers at once";
      throw failure("unauthenticated", this.place, reason, { retryable: true });
    }
    if (isStreamed(body)) {
      const reason = "status 401: the server has asked who asks after the body had begun; " +
        "begun again it is told at once";
      throw failure("unauthenticated", this.place, reason, { retryable: true });
    }
    await this.discard();
    return true;
  }

  #unauthenticated(response: NetResponse): ProtocolError {
    const { env, limits } = this.client;
    return statusError(this.place, response, env.clock.now(), limits.httpRetryAfterMaxMs);
  }

  async #sendOnce(
    extra: Readonly<Record<string, string>>,
    from: Hop | undefined,
    body: NetRequest["body"],
  ): Promise<NetResponse> {
    const { url, headers, tls, login } = this.#hop;
    if (login === null) this.#proof = null;
    else this.#proof ??= new LoginProof(login);
    this.#throwIfAborted();
    const waitMs = this.client.responseTimeoutMs;
    this.#deadline.arm(waitMs, () => this.#timeout("no answer came", waitMs));
    let response: NetResponse;
    try {
      response = await this.client.env.net.request({
        method: this.method,
        url: url.href,
        headers: { ...headers, ...extra, ...this.#proof?.headers(this.method, url) },
        signal: this.#controller.signal,
        ...(tls === null ? {} : { tls }),
        ...(from === undefined ? {} : { redirectedFrom: from.url.href }),
        ...(body === undefined ? {} : {
          body: body instanceof Uint8Array ? body : this.#paced(body),
        }),
      });
    } catch (thrown) {
      throw this.#explained(thrown);
    } finally {
      this.#deadline.disarm();
    }
    this.#response = response;
    this.#checkHeaderBytes(response);
    return response;
  }

  /** While the next bytes are being made nobody is late; once they are there the server has to take them. */
  #paced(body: NetUpload): NetUpload {
    const { idleTimeoutMs, responseTimeoutMs } = this.client;
    let left = body.length ?? Infinity;
    return {
      length: body.length,
      read: async (into) => {
        this.#deadline.disarm();
        const count = await body.read(into);
        left -= count;
        if (count === 0 || left === 0) {
          this.#deadline.arm(
            responseTimeoutMs,
            () => this.#timeout("no answer came", responseTimeoutMs),
          );
        } else {
          this.#deadline.arm(
            idleTimeoutMs,
            () => this.#timeout("no byte was taken", idleTimeoutMs),
          );
        }
        return count;
      },
    };
  }

  #checkHeaderBytes(response: NetResponse): void {
    const most = this.client.limits.httpHeaderMaxBytes;
    let bytes = 0;
    response.headers.forEach((value, name) => bytes += name.length + value.length);
    if (bytes <= most) return;
    throw failure("badResponse", this.place, `the response headers take more than ${most} bytes`);
  }

  /** One read of the body under the idle timeout; `null` where the connection broke. */
  async read(into: Uint8Array): Promise<number | null> {
    return await this.#bounded(() => this.response.body.read(into));
  }

  /** The same into a block, where the network can do without a copy. */
  async fill(block: Block, start: number, end: number): Promise<number | null> {
    const { body } = this.response;
    return await this.#bounded(() =>
      body.fill?.(block, start, end) ?? body.read(block.bytes.subarray(start, end))
    );
  }

  async #bounded(step: () => Promise<number>): Promise<number | null> {
    this.#throwIfAborted();
    const waitMs = this.client.idleTimeoutMs;
    this.#deadline.arm(waitMs, () => this.#timeout("no byte came", waitMs));
    try {
      return await step();
    } catch (thrown) {
      const broken = thrown instanceof NetError &&
        (thrown.code === "reset" || thrown.code === "protocol" || thrown.code === "unreachable");
      if (broken && this.#timedOut === null && !this.signal.aborted) return null;
      throw this.#explained(thrown);
    } finally {
      this.#deadline.disarm();
    }
  }

  /** Gets rid of a body that nobody wants: a short one is read, so that its connection lives on. */
  async discard(): Promise<void> {
    const response = this.response;
    const length = parseContentLength(response.headers.get("content-length") ?? "");
    const most = this.client.limits.httpDrainMaxBytes;
    if (this.method === "HEAD" || (length !== null && length <= most)) {
      const into = new Uint8Array(Math.max(1, Math.min(length ?? 1, most)));
      let left = most;
      while (left > 0) {
        const count = await this.read(into);
        if (count === null || count === 0) return;
        left -= count;
      }
    }
    await response.body.cancel();
  }

  /** Frees timer, listener and connection. Idempotent. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#deadline.stop();
    this.signal.removeEventListener("abort", this.#onAbort);
    await this.#response?.body.cancel();
  }

  #throwIfAborted(): void {
    if (this.signal.aborted) throw this.#aborted();
  }

  #aborted(): ProtocolError {
    return failure("aborted", this.place, "stopped on request", { cause: this.signal.reason });
  }

  #timeout(what: string, waitMs: number): ProtocolError {
    return failure("timeout", this.place, `${what} for ${formatDuration(waitMs)}`, {
      details: { waitMs },
    });
  }

  /** The message of a network error may quote the whole URL: it stays a cause and is not repeated. */
  #explained(thrown: unknown): unknown {
    if (this.#timedOut !== null) return this.#timedOut;
    if (this.signal.aborted) return this.#aborted();
    if (!(thrown instanceof NetError)) return thrown;
    const reason = NET_REASONS[thrown.code];
    return failure(NET_CODES[thrown.code], this.place, reason, {
      cause: thrown,
      retryable: thrown.retryable,
      details: { net: thrown.code },
    });
  }
}

/** Made while it is sent: gone once it was. */
function isStreamed(body: NetRequest["body"]): boolean {
  return body !== undefined && !(body instanceof Uint8Array);
}

/** Ends `exchange` and rethrows what `act` throws; on success the caller owns the exchange. */
export async function guarded<T>(exchange: Exchange, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (thrown) {
    await exchange.end();
    throw thrown;
  }
}
