/** Sources whose readers share rates by name, which may change while they read. */

import { KIB } from "../../runtime/base/units.ts";
import type { Block, Env } from "../../runtime/env/env.ts";
import type { Source, SourceReader } from "../contract.ts";
import { protocolLimits } from "../limits.ts";
import { ByteRate } from "./rate.ts";

/** Reads of fewer bytes than this cost more than they are worth. */
const READ_LEAST_BYTES = 16 * KIB;

/** What a transfer is held to. */
export interface Throttle {
  /** For one read. */
  readonly mostBytes: number;
  /** Some rate holds at this moment. */
  readonly isHeld: boolean;
  /** Resolves when all that passed is paid for; `aborted` when the signal fires first. */
  ready(signal: AbortSignal): Promise<void>;
  /** Charges for bytes that have passed. */
  spend(bytes: number): void;
  /** Nothing is read any more; what is owed stays for those who share it. */
  release(): void;
}

/** The rate of a name; `undefined`: none. */
export type RateOf = (name: string) => number | undefined;

interface Kept {
  readonly rate: ByteRate;
  bytesPerSecond: number;
}

/** Transfers that use a name, and what they declare of it themselves. */
interface Users {
  count: number;
  readonly declared: number | undefined;
}

/** The rates of one place, which all of its transfers share. */
export class Throttles {
  readonly #env: Env;
  /** Of names that were asked for, and have a rate. */
  readonly #kept = new Map<string, Kept>();
  readonly #users = new Map<string, Users>();
  #rateOf: RateOf = () => undefined;

  constructor(env: Env) {
    this.#env = env;
  }

  /** These hold from now on, and no others. */
  set(rateOf: RateOf): void {
    this.#rateOf = rateOf;
    for (const name of [...this.#kept.keys()]) this.#rate(name);
  }

  /**
   * Those of these names, whichever of them hold at a time. `declared`: what holds of a name of which
   * nothing else is said.
   */
  of(names: readonly string[], declared: RateOf = () => undefined): Throttle {
    for (const name of names) {
      const users = this.#users.get(name) ?? { count: 0, declared: declared(name) };
      users.count += 1;
      this.#users.set(name, users);
    }
    let isReleased = false;
    const held = () => names.flatMap((name) => this.#rate(name) ?? []);
    return {
      release: () => {
        if (!isReleased) this.#release(names);
        isReleased = true;
      },
      get mostBytes() {
        const most = Math.min(...held().map(({ burstBytes }) => burstBytes));
        return Math.max(READ_LEAST_BYTES, Math.floor(most));
      },
      get isHeld() {
        return held().length > 0;
      },
      ready: async (signal) => {
        for (const rate of held()) await rate.ready(signal);
      },
      spend: (bytes) => {
        for (const rate of held()) rate.spend(bytes);
      },
    };
  }

  #release(names: readonly string[]): void {
    for (const name of names) {
      const users = this.#users.get(name);
      if (users !== undefined && (users.count -= 1) === 0) this.#users.delete(name);
    }
    if (this.#kept.size <= protocolLimits.throttleNames) return;
    for (const [name, { rate }] of this.#kept) {
      if (!this.#users.has(name) && rate.isPaid) this.#kept.delete(name);
    }
  }

  #rate(name: string): ByteRate | null {
    const bytesPerSecond = this.#rateOf(name) ?? this.#users.get(name)?.declared;
    const kept = this.#kept.get(name);
    if (bytesPerSecond === undefined) {
      // Who waits for it is free.
      kept?.rate.setRate(Infinity);
      this.#kept.delete(name);
      return null;
    }
    if (kept === undefined) {
      const rate = new ByteRate(this.#env, bytesPerSecond);
      this.#kept.set(name, { rate, bytesPerSecond });
      return rate;
    }
    if (kept.bytesPerSecond !== bytesPerSecond) {
      kept.bytesPerSecond = bytesPerSecond;
      kept.rate.setRate(bytesPerSecond);
    }
    return kept.rate;
  }
}

/** `source` with its readers held to `throttle`; what was read slowly is written slowly. */
export function throttledSource(source: Source, throttle: Throttle): Source {
  return {
    capabilities: source.capabilities,
    stat: (signal) => source.stat(signal),
    open: async (range, expected, signal) =>
      new ThrottledReader(await source.open(range, expected, signal), throttle, signal),
    close: () => {
      throttle.release();
      return source.close();
    },
  };
}

class ThrottledReader implements SourceReader {
  readonly fill?: NonNullable<SourceReader["fill"]>;
  readonly #inner: SourceReader;
  readonly #throttle: Throttle;
  readonly #signal: AbortSignal;
  #isClosed = false;
  /** Has a reader that is closed wait for nothing. Made where one waits at all: it costs 20 us. */
  #closing: { readonly closed: AbortController; readonly signal: AbortSignal } | null = null;

  constructor(inner: SourceReader, throttle: Throttle, signal: AbortSignal) {
    this.#inner = inner;
    this.#throttle = throttle;
    this.#signal = signal;
    const { fill } = inner;
    if (fill === undefined) return;
    this.fill = (block: Block, start: number, end: number) =>
      this.#paid((most) => fill.call(inner, block, start, Math.min(end, start + most)));
  }

  get facts() {
    return this.#inner.facts;
  }

  read(into: Uint8Array): Promise<number> {
    return this.#paid((most) => this.#inner.read(into.subarray(0, most)));
  }

  confirm() {
    return this.#inner.confirm();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#closing?.closed.abort(new Error("the reader was closed"));
    return this.#inner.close();
  }

  #waits(): AbortSignal {
    if (this.#closing === null) {
      const closed = new AbortController();
      this.#closing = { closed, signal: AbortSignal.any([this.#signal, closed.signal]) };
      if (this.#isClosed) closed.abort(new Error("the reader was closed"));
    }
    return this.#closing.signal;
  }

  async #paid(read: (most: number) => Promise<number>): Promise<number> {
    if (this.#throttle.isHeld) await this.#throttle.ready(this.#waits());
    const count = await read(this.#throttle.mostBytes);
    this.#throttle.spend(count);
    return count;
  }
}
