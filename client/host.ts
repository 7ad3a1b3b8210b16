/**
 * What the client takes from where it runs: a browser, Deno, Node or Bun. The only file of the client that
 * touches globals; each can be given instead.
 */

/** `fetch`, as far as the client uses it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What a client may be given instead of globals. */
export interface HostOptions {
  readonly fetch?: Fetch;
  /** Milliseconds from an arbitrary start. */
  readonly monotonic?: () => number;
  /** Resolves after `ms`, or as soon as the signal aborts. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** A new UUID. */
  readonly uuid?: () => string;
  /** Unpredictable ones. */
  readonly randomBytes?: (length: number) => Uint8Array;
  readonly sha256?: (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;
}

/** The same, complete. */
export type Host = Required<HostOptions>;

/** The options, with globals where one is missing. */
export function hostOf(options: HostOptions): Host {
  return {
    fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
    monotonic: options.monotonic ?? (() => globalThis.performance.now()),
    sleep: options.sleep ?? sleep,
    random: options.random ?? (() => globalThis.Math.random()),
    uuid: options.uuid ?? (() => globalThis.crypto.randomUUID()),
    randomBytes: options.randomBytes ?? randomBytes,
    sha256: options.sha256 ?? sha256,
  };
}

function randomBytes(length: number): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(length));
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", bytes));
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = globalThis.setTimeout(resolve, ms);
  const ended = () => {
    globalThis.clearTimeout(timer);
    resolve();
  };
  signal.addEventListener("abort", ended, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", ended));
}
