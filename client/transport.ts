/**
 * One call of the API: sent to one of the gateways, repeated at another one where that is safe. It always
 * is: reads change nothing, and each write carries an `Idempotency-Key` that is made once per call.
 */

import { messageOf } from "../runtime/base/errors.ts";
import { MIB } from "../runtime/base/units.ts";
import { ClientError, errorOfAnswer } from "./errors.ts";
import type { Host } from "./host.ts";
import type { ClientLimits } from "./limits.ts";

/** What is asked. */
export interface Call {
  /** What is being done, to what: the beginning of each error's message. */
  readonly action: string;
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** From `/v1` on; ids in it are encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly body?: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses that are answers and no errors, beside those below 300. */
  readonly accept?: readonly number[];
}

/** A parameter: left out where undefined, repeated where it is a list. */
export type QueryValue = string | number | boolean | readonly string[] | undefined;

/** How a single call may differ. */
export interface CallOptions {
  /** Ends the call with `aborted`; whether it was done is unknown then. */
  readonly signal?: AbortSignal | undefined;
  /** The call is repeated so long, in ms; default `callMs`. */
  readonly withinMs?: number | undefined;
  /** The key of this write: one that was used before gives the answer it had. Default: a new one. */
  readonly idempotencyKey?: string | undefined;
}

/** An answer, read. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Where the gateways are and who asks. */
export interface TransportOptions {
  readonly urls: readonly string[];
  readonly key: string | null;
  readonly host: Host;
  readonly limits: ClientLimits;
}

/** See the file's comment. */
export class Transport {
  readonly #bases: readonly string[];
  readonly #key: string | null;
  readonly #host: Host;
  readonly #limits: ClientLimits;
  /** The gateway that worked last. */
  #turn = 0;

  constructor({ urls, key, host, limits }: TransportOptions) {
    this.#bases = urls.map(baseOf);
    if (this.#bases.length === 0) throw misused("no URL was given; name at least one gateway");
    // A header takes no other characters, and fetch would show them in its message.
    if (key !== null && !/^[\x21-\x7e]+$/.test(key)) {
      throw misused("the API key has characters that no key has; look for line ends and spaces");
    }
    this.#key = key;
    this.#host = host;
    this.#limits = limits;
  }

  /** Makes a call. ClientError. */
  async call(call: Call, options: CallOptions = {}): Promise<Answered> {
    const host = this.#host;
    const withinMs = options.withinMs ?? this.#limits.callMs + this.#largeMs(call);
    const endMs = host.monotonic() + withinMs;
    const headers = this.#headers(call, options);
    for (let tries = 1;; tries += 1) {
      const leftMs = endMs - host.monotonic();
      const tried = await this.#try(call, headers, Math.max(1, leftMs), options.signal);
      if (!(tried instanceof ClientError)) return tried;
      const waitMs = this.#waitMs(tried, tries);
      if (!tried.retryable || host.monotonic() + waitMs >= endMs) throw tried;
      await host.sleep(waitMs, options.signal ?? NEVER);
      if (options.signal?.aborted) throw aborted(call.action, tried.definite);
    }
  }

  /**
   * Opens a stream at a gateway, the next one each time it fails; the caller reads and ends it. Not
   * repeated: whoever follows a stream begins it again anyway.
   */
  async open(call: Call, signal: AbortSignal): Promise<Response> {
    let response: Response;
    try {
      response = await this.#fetch(call, this.#headers(call, {}), signal);
    } catch (thrown) {
      this.#turn += 1;
      if (signal.aborted) throw aborted(call.action, true);
      throw this.#unreachable(call.action, thrown);
    }
    if (response.ok && response.body !== null) return response;
    const text = await response.text().catch(() => "");
    if (response.status >= 500) this.#turn += 1;
    throw errorOfAnswer(call.action, response, text);
  }

  /** What a large body adds to the time of a call. */
  #largeMs({ body }: Call): number {
    return Math.floor((body?.length ?? 0) / MIB) * this.#limits.mebibyteMs;
  }

  /** The wait before the next try: what the gateway says, or ever longer, spread. */
  #waitMs(error: ClientError, tries: number): number {
    const { backoffMs, backoffMostMs } = this.#limits;
    const most = Math.min(backoffMostMs, backoffMs * 2 ** Math.min(tries - 1, 16));
    return Math.max(error.retryAfterMs ?? 0, most * (0.5 + this.#host.random() / 2));
  }

  async #try(
    call: Call,
    headers: Record<string, string>,
    leftMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Answered | ClientError> {
    if (signal?.aborted) throw aborted(call.action, true);
    const ended = new AbortController();
    const forward = () => ended.abort();
    signal?.addEventListener("abort", forward, { once: true });
    const timer = new AbortController();
    const limitMs = Math.min(leftMs, this.#limits.tryMs + this.#largeMs(call));
    this.#host.sleep(limitMs, timer.signal).then(() => ended.abort());
    try {
      const response = await this.#fetch(call, headers, ended.signal);
      const text = await readText(response, this.#limits.answerBytes, call.action);
      const { status } = response;
      if (status < 300 || call.accept?.includes(status)) {
        return { status, headers: response.headers, text };
      }
      const error = errorOfAnswer(call.action, response, text);
      if (error.retryable && status >= 500) this.#turn += 1;
      return error;
    } catch (thrown) {
      if (thrown instanceof ClientError) throw thrown;
      if (signal?.aborted) throw aborted(call.action, call.method === "GET");
      const where = this.#base;
      this.#turn += 1;
      if (!ended.signal.aborted) return this.#unreachable(call.action, thrown, where);
      return new ClientError("timed-out", `${call.action}: ${where} did not answer in time`, {
        retryable: true,
        definite: call.method === "GET",
      });
    } finally {
      timer.abort();
      signal?.removeEventListener("abort", forward);
    }
  }

  get #base(): string {
    return this.#bases[this.#turn % this.#bases.length] ?? "";
  }

  #fetch(call: Call, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const { method, path, query = {}, body } = call;
    return this.#host.fetch(`${this.#base}${path}${queryText(query)}`, {
      method,
      headers,
      signal,
      // A key is for the gateway that was named, and for nobody that it may point to.
      redirect: "error",
      ...(body === undefined ? {} : { body }),
    });
  }

  #headers(call: Call, options: CallOptions): Record<string, string> {
    const headers: Record<string, string> = { accept: "application/json", ...call.headers };
    if (this.#key !== null) headers.authorization = `Bearer ${this.#key}`;
    if (call.body !== undefined) headers["content-type"] = call.contentType ?? "application/json";
    if (call.method !== "GET") {
      headers["idempotency-key"] = options.idempotencyKey ?? this.#host.uuid();
    }
    return headers;
  }

  #unreachable(action: string, thrown: unknown, where = this.#base): ClientError {
    const others = this.#bases.length > 1 ? ` (one of ${this.#bases.length} gateways)` : "";
    return new ClientError(
      "unreachable",
      `${action}: ${where}${others} cannot be reached: ${this.#told(thrown)}`,
      { retryable: true, definite: false, cause: thrown },
    );
  }

  /** Whatever an error says, it does not say the key; fetch keeps its reason in the cause. */
  #told(thrown: unknown): string {
    const cause = thrown instanceof Error ? thrown.cause : undefined;
    const text = messageOf(cause instanceof Error ? cause : thrown)
      .replace(/^error sending request for url \([^)]*\): /, "");
    return this.#key === null ? text : text.replaceAll(this.#key, "[key]");
  }
}

const NEVER = new AbortController().signal;

/** The path of an id: whatever is in it stays one segment. */
export function segment(id: string): string {
  if (id === "" || id === "." || id === "..") throw misused(`"${id}" is no id`);
  return encodeURIComponent(id);
}

function queryText(query: Readonly<Record<string, QueryValue>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    if (typeof value === "object") { for (const one of value) parameters.append(name, one); }
    else parameters.append(name, String(value));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

/** Reads at most so many bytes. */
async function readText(response: Response, most: number, action: string): Promise<string> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > most) {
      await reader.cancel().catch(() => {});
      throw new ClientError("bad-answer", `${action}: the answer is longer than ${most} bytes`, {
        status: response.status,
        definite: false,
      });
    }
    text += decoder.decode(value, { stream: true });
  }
}

function baseOf(url: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw misused(`"${url}" is no URL; write http://HOST:PORT or https://HOST:PORT`);
  }
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") {
    throw misused(`a gateway is reached by http: or https:, not by ${parsed.protocol}`);
  }
  if (parsed.username !== "" || parsed.password !== "") {
    throw misused("the URL of a gateway holds no user or password; give the API key by itself");
  }
  return `${parsed.origin}${parsed.pathname.replace(/\/+$/, "")}`;
}

function misused(why: string): ClientError {
  return new ClientError("misused", `make a client: ${why}`);
}

function aborted(action: string, definite: boolean): ClientError {
  return new ClientError("aborted", `${action}: the caller has given up`, { definite });
}
