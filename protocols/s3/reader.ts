/** An open range of an object: as many bytes as were announced, not one more, not one less. */

import type { Block } from "../../runtime/env/env.ts";
import type { Fingerprint, SourceFacts, SourceReader } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { S3Client } from "./client.ts";
import type { S3Exchange } from "./exchange.ts";

/** Reads what an exchange brings; `null` for a range without bytes. */
export class S3Reader implements SourceReader {
  readonly facts: SourceFacts;
  readonly #client: S3Client;
  readonly #exchange: S3Exchange | null;
  readonly #action: string;
  readonly #bytes: number;
  readonly #look: () => Promise<SourceFacts>;
  readonly #openedMs: number;
  #received = 0;
  #hasEnded = false;
  #isClosed = false;
  #failed: unknown = null;

  constructor(
    client: S3Client,
    exchange: S3Exchange | null,
    action: string,
    facts: SourceFacts,
    bytes: number,
    look: () => Promise<SourceFacts>,
  ) {
    this.facts = facts;
    this.#client = client;
    this.#exchange = exchange;
    this.#action = action;
    this.#bytes = bytes;
    this.#look = look;
    this.#openedMs = client.env.clock.monotonic();
  }

  read(into: Uint8Array): Promise<number> {
    return this.#next((exchange) => exchange.read(into));
  }

  fill(block: Block, start: number, end: number): Promise<number> {
    return this.#next((exchange) => exchange.fill(block, start, end));
  }

  /** Long reads look once more: an object that was replaced meanwhile is another version. */
  async confirm(): Promise<Fingerprint> {
    const { httpConfirmAboveBytes, httpConfirmAboveMs } = protocolLimits;
    const tookMs = this.#client.env.clock.monotonic() - this.#openedMs;
    const isBrief = this.#received <= httpConfirmAboveBytes && tookMs <= httpConfirmAboveMs;
    return isBrief ? this.facts.fingerprint : (await this.#look()).fingerprint;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#exchange?.end();
  }

  async #next(step: (exchange: S3Exchange) => Promise<number | null>): Promise<number> {
    if (this.#failed !== null) throw this.#failed;
    if (this.#hasEnded || this.#exchange === null) return 0;
    try {
      return await this.#readOn(this.#exchange, step);
    } catch (thrown) {
      this.#failed = thrown;
      await this.#exchange.end();
      throw thrown;
    }
  }

  async #readOn(
    exchange: S3Exchange,
    step: (exchange: S3Exchange) => Promise<number | null>,
  ): Promise<number> {
    this.#throwIfClosed();
    const count = await step(exchange);
    this.#throwIfClosed();
    if (count === null || (count === 0 && this.#received < this.#bytes)) {
      throw this.#error("truncated", `the connection ended after ${this.#received} of`);
    }
    if (count === 0) {
      this.#hasEnded = true;
      await exchange.end();
      return 0;
    }
    this.#received += count;
    if (this.#received > this.#bytes) throw this.#error("tooLong", "it sends more than");
    return count;
  }

  #throwIfClosed(): void {
    if (!this.#isClosed) return;
    throw new ProtocolError("aborted", `cannot ${this.#action}: its reader was closed`);
  }

  #error(code: "truncated" | "tooLong", reason: string): ProtocolError {
    const message = `cannot ${this.#action}: ${reason} ${this.#bytes} bytes`;
    return new ProtocolError(code, message, { details: { received: this.#received } });
  }
}
