/** An open range of an object: as many bytes as were announced, checked where the store gave a hash. */

import type { Block, Env } from "../../runtime/env/env.ts";
import type { Fingerprint, SourceFacts, SourceReader } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";

/** The answer to a request, as far as it is read. */
export interface BodyExchange {
  /** Verb and object, for messages. */
  readonly action: string;
  readonly clock: Pick<Env["clock"], "monotonic">;
  /** `null` where the connection broke. */
  read(into: Uint8Array): Promise<number | null>;
  fill(block: Block, start: number, end: number): Promise<number | null>;
  /** Idempotent. */
  end(): Promise<void>;
}

/** Compares what was read with what the store says of it. */
export interface ContentCheck {
  update(bytes: Uint8Array): void;
  /** After the last byte: what is wrong, `null` if nothing is. */
  fault(): string | null;
}

/** What a reader is made of. */
export interface ObjectReading {
  readonly facts: SourceFacts;
  readonly announced: number;
  readonly check: ContentCheck | null;
  /** What stands there now. */
  readonly again: () => Promise<Fingerprint>;
}

/** Reads the body of an exchange whose answer was found usable. */
export class ObjectReader implements SourceReader {
  readonly facts: SourceFacts;
  readonly #exchange: BodyExchange;
  readonly #reading: ObjectReading;
  readonly #openedAtMs: number;
  #received = 0;
  #isEnded = false;
  #isClosed = false;
  #failure: { readonly why: unknown } | null = null;

  constructor(exchange: BodyExchange, reading: ObjectReading) {
    this.facts = reading.facts;
    this.#exchange = exchange;
    this.#reading = reading;
    this.#openedAtMs = exchange.clock.monotonic();
  }

  read(into: Uint8Array): Promise<number> {
    return this.#next(() => this.#exchange.read(into), (count) => into.subarray(0, count));
  }

  fill(block: Block, start: number, end: number): Promise<number> {
    return this.#next(
      () => this.#exchange.fill(block, start, end),
      (count) => block.bytes.subarray(start, start + count),
    );
  }

  async #next(
    step: () => Promise<number | null>,
    came: (count: number) => Uint8Array,
  ): Promise<number> {
    if (this.#failure !== null) throw this.#failure.why;
    if (this.#isEnded) return 0;
    try {
      this.#assertOpen();
      const count = await step();
      this.#assertOpen();
      if (count === null || count === 0) return await this.#finish(count);
      this.#received += count;
      if (this.#received > this.#reading.announced) throw this.#failed("tooLong", "more came");
      this.#reading.check?.update(came(count));
      return count;
    } catch (thrown) {
      this.#failure = { why: thrown };
      await this.#exchange.end();
      throw thrown;
    }
  }

  async #finish(count: 0 | null): Promise<0> {
    if (count === null || this.#received < this.#reading.announced) {
      throw this.#failed("truncated", `it ended after ${this.#received}`);
    }
    const fault = this.#reading.check?.fault() ?? null;
    if (fault !== null) {
      const message = `cannot ${this.#exchange.action}: ${fault}; read it again`;
      throw new ProtocolError("badResponse", message);
    }
    this.#isEnded = true;
    await this.#exchange.end();
    return 0;
  }

  async confirm(): Promise<Fingerprint> {
    const { httpConfirmAboveBytes, httpConfirmAboveMs } = protocolLimits;
    const tookMs = this.#exchange.clock.monotonic() - this.#openedAtMs;
    if (this.#received <= httpConfirmAboveBytes && tookMs <= httpConfirmAboveMs) {
      return this.facts.fingerprint;
    }
    try {
      return await this.#reading.again();
    } catch (thrown) {
      if (!(thrown instanceof ProtocolError) || thrown.code !== "notFound") throw thrown;
      const message = `cannot ${this.#exchange.action}: it is gone`;
      throw new ProtocolError("changed", message, { cause: thrown });
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#exchange.end();
  }

  #assertOpen(): void {
    if (!this.#isClosed) return;
    const message = `stopped while trying to ${this.#exchange.action}: its reader was closed`;
    throw new ProtocolError("aborted", message);
  }

  #failed(code: "truncated" | "tooLong", what: string): ProtocolError {
    const { announced } = this.#reading;
    const message = `cannot ${this.#exchange.action}: ${what} of ${announced} announced bytes`;
    return new ProtocolError(code, message, { details: { received: this.#received, announced } });
  }
}

/** A reader of nothing: an empty range, or one at the very end. */
export class EmptyReader implements SourceReader {
  readonly facts: SourceFacts;

  constructor(facts: SourceFacts) {
    this.facts = facts;
  }

  read(): Promise<number> {
    return Promise.resolve(0);
  }

  confirm(): Promise<Fingerprint> {
    return Promise.resolve(this.facts.fingerprint);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
