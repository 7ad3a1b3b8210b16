/** The client side of a simulated network: requests are answered by the handlers of the world. */

import type { Net, NetBody, NetRequest, NetResponse, NetUpload } from "../env/env.ts";
import { NetError } from "../env/errors.ts";
import type { SimHandler, SimHosts, SimReply } from "./hosts.ts";
import type { DelayMs, Incarnation } from "./incarnation.ts";

const READ_MS: DelayMs = { low: 0.05, high: 0.5 };
const CONNECT_MS: DelayMs = { low: 0.2, high: 2 };

/** Rejects as soon as the signal aborts; what comes later is dropped. */
function unlessAborted<T>(work: Promise<T>, request: NetRequest, host: string): Promise<T> {
  const { signal } = request;
  return new Promise((resolve, reject) => {
    const abort = () =>
      reject(
        new NetError("aborted", `${request.method} ${host} was aborted`, {
          cause: signal.reason,
          definite: false,
        }),
      );
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

class SimBody implements NetBody {
  readonly #incarnation: Incarnation;
  readonly #request: NetRequest;
  readonly #host: string;
  readonly #reply: SimReply;
  readonly #bytes: Uint8Array;
  #position = 0;
  #cancelled = false;

  constructor(incarnation: Incarnation, request: NetRequest, host: string, reply: SimReply) {
    this.#incarnation = incarnation;
    this.#request = request;
    this.#host = host;
    this.#reply = reply;
    this.#bytes = request.method === "HEAD" ? new Uint8Array() : reply.body ?? new Uint8Array();
  }

  read(into: Uint8Array): Promise<number> {
    const label = `net.read ${this.#host}`;
    const read = this.#incarnation.call(label, READ_MS, () => this.#take(into));
    return unlessAborted(read, this.#request, this.#host);
  }

  cancel(): Promise<void> {
    this.#cancelled = true;
    return Promise.resolve();
  }

  #take(into: Uint8Array): number {
    if (this.#cancelled) {
      throw new NetError("aborted", `the body of ${this.#host} was cancelled`);
    }
    const cut = this.#reply.cutAfterBytes ?? Infinity;
    if (this.#position >= cut) {
      throw new NetError(
        "reset",
        `cannot read the body of an answer of ${this.#host}: the connection broke; try again`,
        { definite: false },
      );
    }
    const end = Math.min(
      this.#bytes.length,
      cut,
      this.#position + Math.min(into.length, this.#reply.pieceBytes ?? Infinity),
    );
    into.set(this.#bytes.subarray(this.#position, end));
    const count = end - this.#position;
    this.#position = end;
    return count;
  }
}

/** A body as the server gets it: each piece takes its time, and a failure ends the whole request. */
class SimUpload implements NetUpload {
  readonly length: number | null;
  /** Never resolves; rejects once the body has broken off. */
  readonly broken = Promise.withResolvers<never>();
  readonly #incarnation: Incarnation;
  readonly #inner: NetUpload;
  readonly #host: string;
  #left: number;
  #isOver = false;

  constructor(incarnation: Incarnation, inner: NetUpload, host: string) {
    this.broken.promise.catch(() => {});
    this.length = inner.length;
    this.#left = inner.length ?? Infinity;
    this.#incarnation = incarnation;
    this.#inner = inner;
    this.#host = host;
  }

  async read(into: Uint8Array): Promise<number> {
    await this.#incarnation.call(`net.send ${this.#host}`, READ_MS, () => {});
    if (this.#left === 0) return 0;
    if (this.#isOver) throw this.#failed("reset", "the request is over");
    let count: number;
    try {
      count = await this.#inner.read(into.subarray(0, Math.min(into.length, this.#left)));
    } catch (cause) {
      throw this.#failed("aborted", "making its body failed", cause);
    }
    this.#left -= count;
    if (count > 0 || this.#left === Infinity) return count;
    throw this.#failed("protocol", `its body ended ${this.#left} bytes before its announced end`);
  }

  /** The request has settled: nobody is asked for more. */
  end(): void {
    this.#isOver = true;
  }

  #failed(code: "aborted" | "protocol" | "reset", reason: string, cause?: unknown): NetError {
    const message = `sending to ${this.#host} was broken off: ${reason}`;
    const error = new NetError(code, message, {
      definite: false,
      retryable: false,
      ...(cause === undefined ? {} : { cause }),
    });
    this.broken.reject(error);
    return error;
  }
}

/** What the handler makes of the request; it may answer before it has read the body. */
async function replyTo(
  incarnation: Incarnation,
  handler: SimHandler,
  request: NetRequest,
  host: string,
): Promise<SimReply> {
  const { body } = request;
  if (body === undefined || body instanceof Uint8Array) return await handler(request);
  const upload = new SimUpload(incarnation, body, host);
  const end = () => upload.end();
  request.signal.addEventListener("abort", end, { once: true });
  try {
    const reply = Promise.resolve(handler({ ...request, body: upload }));
    return await Promise.race([reply, upload.broken.promise]);
  } finally {
    request.signal.removeEventListener("abort", end);
    end();
  }
}

async function exchange(
  incarnation: Incarnation,
  hosts: SimHosts,
  request: NetRequest,
): Promise<NetResponse> {
  const host = URL.parse(request.url)?.host ?? "an invalid URL";
  const label = `net.request ${request.method} ${host}`;
  const handler = await incarnation.call(label, CONNECT_MS, () => hosts.get(host));
  if (handler === undefined) {
    throw new NetError(
      "refused",
      `cannot ${request.method} ${host}: the connection was refused; serve it in the world`,
    );
  }
  const reply = await replyTo(incarnation, handler, request, host);
  const delay = reply.delayMs ?? 0;
  await incarnation.call(`net.answer ${host}`, { low: delay, high: delay }, () => {});
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(reply.headers ?? {})) {
    headers.set(name.toLowerCase(), value);
  }
  return { status: reply.status, headers, body: new SimBody(incarnation, request, host, reply) };
}

/** The network as one simulated process sees it. */
export function simNet(incarnation: Incarnation, hosts: SimHosts): Net {
  return {
    request: (request) => {
      const host = URL.parse(request.url)?.host ?? "an invalid URL";
      return unlessAborted(exchange(incarnation, hosts, request), request, host);
    },
    close: () => {},
  };
}
