/**
 * The http and https source (RFC 9110, 9112), on `Env.net` only.
 *
 * Pure: `endpoint` (what is declared), `answer` (what is asked and what came), `fields`, `status`,
 * `redirect`. I/O: `exchange` (one request) and `reader` (its body). One request per file: opening
 * tells the facts.
 */

import type {
  ByteRange,
  Fingerprint,
  ProtocolContext,
  Source,
  SourceCapabilities,
  SourceEndpoint,
  SourceFacts,
  SourceReader,
  TransferProtocol,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { factsOfWhole, isWhole, judge, rangeHeaders } from "./answer.ts";
import { firstHop, type Hop, HTTP_CREDENTIALS } from "./endpoint.ts";
import { type Client, Exchange, guarded } from "./exchange.ts";
import { HttpReader } from "./reader.ts";
import { type HttpLimits, httpLimits } from "./settings.ts";
import { statusError } from "./status.ts";

const CAPABILITIES: SourceCapabilities = {
  ranges: true,
  parallelRanges: true,
  serverHash: true,
  mtime: true,
  permissions: false,
};

/** Methods a server may refuse without refusing the file. */
const METHOD_REFUSED: ReadonlySet<number> = new Set([405, 501]);

/** The http and https transfer protocol; a source only. `overrides` replace single limits. */
export function httpProtocol(overrides: Partial<HttpLimits> = {}): TransferProtocol {
  const limits = httpLimits(overrides);
  return {
    name: "http",
    schemes: ["http", "https"],
    credentials: HTTP_CREDENTIALS,
    source: (endpoint, context) => new HttpSource(endpoint, context, limits),
  };
}

class HttpSource implements Source {
  readonly capabilities = CAPABILITIES;
  readonly #client: Client;
  readonly #hop: Hop;

  constructor(endpoint: SourceEndpoint, context: ProtocolContext, limits: HttpLimits) {
    this.#hop = firstHop(endpoint, limits.httpHeaderMaxBytes);
    this.#client = {
      env: context.env,
      limits,
      responseTimeoutMs: endpoint.responseTimeoutMs ?? limits.httpResponseTimeoutMs,
      idleTimeoutMs: endpoint.idleTimeoutMs ?? limits.httpIdleTimeoutMs,
    };
  }

  async stat(signal: AbortSignal): Promise<SourceFacts> {
    const facts = await this.#look("HEAD", this.#hop, signal);
    return facts ?? (await this.#look("GET", this.#hop, signal))!;
  }

  /** Asks for the facts and gives the body up; `null` where HEAD is refused as a method. */
  async #look(method: "GET" | "HEAD", hop: Hop, signal: AbortSignal): Promise<SourceFacts | null> {
    const exchange = new Exchange(this.#client, method, hop, signal);
    return await guarded(exchange, async () => {
      const head = await exchange.send({});
      if (method === "HEAD" && METHOD_REFUSED.has(head.status)) {
        await exchange.discard();
        await exchange.end();
        return null;
      }
      if (head.status !== 200) throw await this.#refusal(exchange);
      const facts = factsOfWhole(exchange.place, head);
      await exchange.discard();
      await exchange.end();
      return facts;
    });
  }

  async open(
    range: ByteRange,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<SourceReader> {
    const question = { range, expected };
    const exchange = new Exchange(this.#client, "GET", this.#hop, signal);
    return await guarded(exchange, async () => {
      const head = await exchange.send(rangeHeaders(question));
      const usable = head.status === 200 || head.status === 206 ||
        (head.status === 416 && !isWhole(range));
      if (!usable) throw await this.#refusal(exchange);
      const answer = judge(exchange.place, question, head);
      if (head.status === 416) await exchange.discard();
      return new HttpReader(exchange, answer, range.start, (read) => this.#lookAgain(read, signal));
    });
  }

  /**
   * A look at the very place that was read. A refusal says nothing against the bytes: links that
   * work once, or for GET alone, are common.
   */
  async #lookAgain(read: Exchange, signal: AbortSignal): Promise<Fingerprint | null> {
    try {
      return (await this.#look("HEAD", read.hop, signal))?.fingerprint ?? null;
    } catch (thrown) {
      if (thrown instanceof ProtocolError && thrown.code !== "aborted") return null;
      throw thrown;
    }
  }

  async #refusal(exchange: Exchange): Promise<ProtocolError> {
    const { env, limits } = this.#client;
    const head = exchange.response;
    const error = statusError(
      exchange.place,
      head,
      env.clock.now(),
      limits.httpRetryAfterMaxMs,
    );
    try {
      await exchange.discard();
    } catch {
      // What the server answered is the error; that its body stalled or broke as well adds nothing.
    }
    return error;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
