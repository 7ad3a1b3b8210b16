/** The live feed as an async iterator that begins again where it was cut. */

import { ClientError } from "./errors.ts";
import { EventParser } from "./event_parser.ts";
import type { Host } from "./host.ts";
import type { ClientLimits } from "./limits.ts";
import { type LiveEvent, liveEvent } from "./schemas.ts";
import type { Call, Transport } from "./transport.ts";

/** What is followed; several values of one are alternatives, all that are given must hold. */
export interface WatchOptions {
  readonly tenants?: readonly string[];
  readonly runs?: readonly string[];
  readonly jobs?: readonly string[];
  readonly types?: readonly LiveEvent["type"][];
  /** A label selector: `tier=gold, zone in (a, b)`. */
  readonly labels?: string | undefined;
  /** The id of the last event that is known; default: from now on. */
  readonly after?: string | undefined;
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal | undefined;
  /** Told when a gateway has answered: what is read after this is not older than what is missing. */
  readonly onOpen?: (() => void) | undefined;
  /** Told each time the stream was lost and is begun again. */
  readonly onLost?: ((error: ClientError) => void) | undefined;
}

/** What the iteration works with. */
export interface WatchParts {
  readonly transport: Transport;
  readonly host: Host;
  readonly limits: ClientLimits;
}

/**
 * Events as they come, for as long as they are asked for. Where the stream breaks it is begun again after
 * the last event; what could not be had comes as `dev.quorus.missed`. ClientError for what will not change
 * by itself (a key, a filter), and once no gateway has answered for `lostMs`.
 */
export async function* watchEvents(
  { transport, host, limits }: WatchParts,
  options: WatchOptions,
): AsyncGenerator<LiveEvent, void, void> {
  const stop = new AbortController();
  const forward = () => stop.abort();
  options.signal?.addEventListener("abort", forward, { once: true });
  if (options.signal?.aborted) stop.abort();
  let after = options.after ?? null;
  let lostMs: number | null = null;
  let tries = 0;
  try {
    while (!stop.signal.aborted) {
      const stream = new EventStream(transport, host, limits, stop.signal);
      try {
        for await (const part of stream.parts(callOf(options, after))) {
          if (part.opened) options.onOpen?.();
          lostMs = null;
          tries = 0;
          after = part.id ?? after;
          if (part.event !== null) yield part.event;
        }
        // A gateway ends old streams, so that the key is checked again: nothing is wrong.
      } catch (thrown) {
        if (stop.signal.aborted) return;
        if (!(thrown instanceof ClientError) || !thrown.retryable) throw thrown;
        lostMs ??= host.monotonic();
        if (host.monotonic() - lostMs >= limits.lostMs) throw thrown;
        options.onLost?.(thrown);
        tries += 1;
        stream.lost(thrown);
      }
      await host.sleep(stream.waitMs(tries), stop.signal);
    }
  } finally {
    options.signal?.removeEventListener("abort", forward);
    stop.abort();
  }
}

function callOf(options: WatchOptions, after: string | null): Call {
  const { tenants, runs, jobs, types, labels } = options;
  return {
    action: "follow events",
    method: "GET",
    path: "/v1/events",
    query: { tenant: tenants, run: runs, job: jobs, type: types, labels },
    headers: {
      accept: "text/event-stream",
      ...(after === null ? {} : { "last-event-id": after }),
    },
  };
}

interface Part {
  /** The first of its stream. */
  readonly opened: boolean;
  /** Where to go on; null: as before. */
  readonly id: string | null;
  readonly event: LiveEvent | null;
}

/** One connection. */
class EventStream {
  readonly #transport: Transport;
  readonly #host: Host;
  readonly #limits: ClientLimits;
  readonly #signal: AbortSignal;
  readonly #parser = new EventParser();
  #retryAfterMs = 0;

  constructor(transport: Transport, host: Host, limits: ClientLimits, signal: AbortSignal) {
    this.#transport = transport;
    this.#host = host;
    this.#limits = limits;
    this.#signal = signal;
  }

  /** It has failed. */
  lost(error: ClientError): void {
    this.#retryAfterMs = error.retryAfterMs ?? 0;
  }

  /** How long to wait before the next one: what the gateway asked for, or ever longer, spread. */
  waitMs(tries: number): number {
    const { backoffMs, backoffMostMs } = this.#limits;
    if (tries === 0) return this.#parser.retryMs ?? backoffMs;
    const most = Math.min(backoffMostMs, backoffMs * 2 ** Math.min(tries - 1, 16));
    return Math.max(this.#retryAfterMs, most * (0.5 + this.#host.random() / 2));
  }

  async *parts(call: Call): AsyncGenerator<Part, void, void> {
    const ended = new AbortController();
    const forward = () => ended.abort();
    this.#signal.addEventListener("abort", forward, { once: true });
    let reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
    try {
      const opened = this.#transport.open(call, ended.signal);
      const response = await this.#inTime(opened, ended);
      reader = response.body?.getReader() ?? null;
      yield { opened: true, id: null, event: null };
      const decoder = new TextDecoder();
      while (reader !== null) {
        const { value, done } = await this.#inTime(reader.read(), ended);
        if (done) return;
        for (const { id, data } of this.#parser.push(decoder.decode(value, { stream: true }))) {
          yield { opened: false, id, event: data === null ? null : eventOf(data) };
        }
        this.#checkSize();
      }
    } finally {
      this.#signal.removeEventListener("abort", forward);
      ended.abort();
      await reader?.cancel().catch(() => {});
    }
  }

  /** Fails where nothing comes for too long: the other end may be gone without a word. */
  async #inTime<T>(work: Promise<T>, ended: AbortController): Promise<T> {
    const timer = new AbortController();
    let isLate = false;
    this.#host.sleep(this.#limits.silenceMs, timer.signal).then(() => {
      if (timer.signal.aborted) return;
      isLate = true;
      ended.abort();
    });
    const { promise: given, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(new ClientError("aborted", "follow events: it is ended"));
    ended.signal.addEventListener("abort", giveUp, { once: true });
    if (ended.signal.aborted) giveUp();
    try {
      return await Promise.race([work, given]);
    } catch (cause) {
      // Whatever became of it, nobody waits for it any more.
      work.catch(() => {});
      if (!isLate && cause instanceof ClientError) throw cause;
      const why = isLate ? `nothing came for ${this.#limits.silenceMs} ms` : "the stream was cut";
      throw new ClientError("unreachable", `follow events: ${why}`, { retryable: true, cause });
    } finally {
      timer.abort();
      ended.signal.removeEventListener("abort", giveUp);
    }
  }

  #checkSize(): void {
    if (this.#parser.pending <= this.#limits.eventBytes) return;
    throw new ClientError(
      "bad-answer",
      `follow events: one event is longer than ${this.#limits.eventBytes} bytes`,
    );
  }
}

function eventOf(data: string): LiveEvent | null {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch (cause) {
    throw new ClientError("bad-answer", "follow events: an event is no JSON", { cause });
  }
  const parsed = liveEvent.safeParse(value);
  if (parsed.success) return parsed.data;
  // Types that are newer than this client are not for it.
  const { type } = value as { type?: unknown };
  if (typeof type === "string" && !liveEvent.options.some((one) => one.shape.type.value === type)) {
    return null;
  }
  throw new ClientError(
    "bad-answer",
    `follow events: an event is not as described: ${parsed.error.issues[0]?.message ?? ""}`,
    { cause: parsed.error },
  );
}
