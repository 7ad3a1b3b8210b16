/** An open body: as many bytes as were announced, not one more, not one less. */

import type { Block } from "../../runtime/env/env.ts";
import type { Fingerprint, SourceFacts, SourceReader } from "../contract.ts";
import type { ProtocolError } from "../errors.ts";
import type { Answer } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import { failure } from "./failure.ts";

/** Looks at the file again where it was read from, `null` where the server does not let us. */
export type LookAgain = (exchange: Exchange) => Promise<Fingerprint | null>;

/** Reads the body of an exchange that {@link judge} found usable. */
export class HttpReader implements SourceReader {
  readonly facts: SourceFacts;
  readonly #openedAtMs: number;
  #received = 0;
  #ended = false;
  #closed = false;
  #failed: unknown = null;

  constructor(
    private readonly exchange: Exchange,
    private readonly answer: Answer,
    private readonly start: number,
    private readonly lookAgain: LookAgain,
  ) {
    this.facts = answer.facts;
    this.#openedAtMs = exchange.client.env.clock.monotonic();
  }

  read(into: Uint8Array): Promise<number> {
    return this.#next(() => this.exchange.read(into));
  }

  fill(block: Block, start: number, end: number): Promise<number> {
    return this.#next(() => this.exchange.fill(block, start, end));
  }

  async #next(step: () => Promise<number | null>): Promise<number> {
    if (this.#failed !== null) throw this.#failed;
    if (this.#ended) return 0;
    try {
      return await this.#readOn(step);
    } catch (thrown) {
      this.#failed = thrown;
      await this.exchange.end();
      throw thrown;
    }
  }

  async #readOn(step: () => Promise<number | null>): Promise<number> {
    const { announced, wanted } = this.answer;
    this.#throwIfClosed();
    if (wanted !== null && this.#received >= wanted) return await this.#finish();
    const count = await step();
    this.#throwIfClosed();
    if (count === null || count === 0) {
      if (count === null || (announced !== null && this.#received < announced)) {
        throw this.#truncated();
      }
      return await this.#finish();
    }
    const before = this.#received;
    this.#received += count;
    if (wanted !== null && this.#received > wanted) {
      this.#received = wanted;
      return wanted - before;
    }
    if (announced !== null && this.#received > announced) throw this.#tooLong(announced);
    return count;
  }

  #throwIfClosed(): void {
    if (this.#closed) throw failure("aborted", this.exchange.place, "its reader was closed");
  }

  async #finish(): Promise<0> {
    this.#ended = true;
    await this.exchange.end();
    return 0;
  }

  #truncated(): ProtocolError {
    const of = this.answer.announced === null ? "" : ` of ${this.answer.announced}`;
    return failure(
      "truncated",
      this.exchange.place,
      `the connection ended after ${this.#received}${of} bytes`,
      { details: { received: this.#received, announced: this.answer.announced } },
    );
  }

  #tooLong(announced: number): ProtocolError {
    const reason = `the server announced ${announced} bytes and sends more; correct the server`;
    return failure("tooLong", this.exchange.place, reason, { details: { announced } });
  }

  async confirm(): Promise<Fingerprint> {
    const seen = this.facts.fingerprint;
    const { client } = this.exchange;
    const tookMs = client.env.clock.monotonic() - this.#openedAtMs;
    const brief = this.#received <= client.limits.httpConfirmAboveBytes &&
      tookMs <= client.limits.httpConfirmAboveMs;
    const again = brief ? null : await this.lookAgain(this.exchange);
    const whole = this.#ended && this.answer.wanted === null && this.answer.announced === null;
    return {
      size: again?.size ?? seen.size ?? (whole ? this.start + this.#received : null),
      mtimeMs: again?.mtimeMs ?? seen.mtimeMs,
      etag: again?.etag ?? seen.etag,
      version: null,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.exchange.end();
  }
}
