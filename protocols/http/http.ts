/**
 * The http and https protocol (RFC 9110, 9112), on `Env.net` only. The source is here; what is uploaded
 * goes through `sink` (one request) or `protocols/tus`.
 *
 * Pure: `endpoint` (what is declared), `answer` (what is asked and what came), `fields`, `status`,
 * `redirect`. I/O: `exchange` (one request) and `reader` (its body). One request per file: opening
 * tells the facts.
 */

import type {
  ByteRange,
  Fingerprint,
  ProtocolContext,
  SinkCapabilities,
  Source,
  SourceCapabilities,
  SourceEndpoint,
  SourceFacts,
  SourceReader,
  TransferProtocol,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { factsOfWhole, isWhole, judge, rangeHeaders } from "./answer.ts";
import { clientOf } from "./call.ts";
import { type Hop, hopOf, HTTP_CREDENTIALS } from "./endpoint.ts";
import { type Client, Exchange, guarded } from "./exchange.ts";
import { HttpReader } from "./reader.ts";
import { type HttpLimits, type HttpSettings, httpSettings } from "./settings.ts";
import { HttpSink, UPLOAD_CAPABILITIES } from "./sink.ts";
import { statusError } from "./status.ts";
import { TusServers } from "../tus/server.ts";
import { TUS_CAPABILITIES, TusSink } from "../tus/sink.ts";
import { UPLOAD_OPTIONS, uploadOptionsOf } from "./upload_options.ts";
import { ConditionCheck } from "./conditions.ts";
import { placeOf } from "./failure.ts";

/** What an HTTP source can do. */
export const HTTP_SOURCE: SourceCapabilities = {
  ranges: true,
  parallelRanges: true,
  serverHash: true,
  mtime: true,
  permissions: false,
};

/** The most that uploads can have: a fence with `conditional`, resuming with tus. */
const MOST_CAPABILITIES: SinkCapabilities = {
  ...UPLOAD_CAPABILITIES,
  resume: TUS_CAPABILITIES.resume,
};

/** Methods a server may refuse without refusing the file. */
const METHOD_REFUSED: ReadonlySet<number> = new Set([405, 501]);

/** The http and https transfer protocol: source, and uploads as sinks. `overrides` replace single limits. */
export function httpProtocol(overrides: Partial<HttpLimits> = {}): TransferProtocol {
  const settings = httpSettings(overrides);
  const conditions = new ConditionCheck();
  const tus = { servers: new TusServers(), addresses: new Map<string, string[]>() };
  return {
    name: "http",
    schemes: ["http", "https"],
    credentials: HTTP_CREDENTIALS,
    description: {
      summary: "files of web servers, and uploads by PUT, forms and tus",
      source: HTTP_SOURCE,
      sink: MOST_CAPABILITIES,
      directory: null,
      options: UPLOAD_OPTIONS,
    },
    source: (endpoint, context) => httpSource(endpoint, context, settings),
    sink: (endpoint, context) => {
      const { uri } = endpoint;
      const label = URL.canParse(uri) ? placeOf(new URL(uri)) : "an http destination";
      const options = uploadOptionsOf(endpoint, label);
      return options.kind === "tus"
        ? new TusSink(endpoint, context, settings, options, tus)
        : new HttpSink(endpoint, context, settings, options, conditions);
    },
  };
}

/** A source of the http protocol; `badEndpoint` says what is wrong with the endpoint. */
export function httpSource(
  endpoint: SourceEndpoint,
  context: ProtocolContext,
  settings: HttpSettings,
): Source {
  return new HttpSource(endpoint, context, settings);
}

class HttpSource implements Source {
  readonly capabilities = HTTP_SOURCE;
  readonly #client: Client;
  readonly #hop: Hop;

  constructor(endpoint: SourceEndpoint, { env }: ProtocolContext, settings: HttpSettings) {
    this.#hop = hopOf(endpoint, env, settings);
    this.#client = clientOf(endpoint, env, settings);
  }

  async stat(signal: AbortSignal): Promise<SourceFacts> {
    const facts = await this.#look("HEAD", this.#hop, signal);
    // Apache leaves the length of an empty file out of its answer to HEAD.
    if (facts !== null && facts.fingerprint.size !== null) return facts;
    return (await this.#look("GET", this.#hop, signal))!;
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
