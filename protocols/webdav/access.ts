/** The way to one WebDAV server: its methods as calls with typed errors. */

import { shownPath } from "../containment.ts";
import type { Endpoint, ProtocolContext } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { ask, type Call, clientOf, type Done, hopAt, unsupported } from "../http/call.ts";
import { type Hop, hopOf } from "../http/endpoint.ts";
import { type Client, Exchange } from "../http/exchange.ts";
import { failure } from "../http/failure.ts";
import { parseContentLength } from "../http/fields.ts";
import { writeStatusError } from "../http/refusal.ts";
import type { HttpSettings } from "../http/settings.ts";
import { protocolLimits } from "../limits.ts";
import { type DavPlace, davPlaceOf, encodedPath, httpUriOf } from "./endpoint.ts";
import { type DavResource, Multistatus, nameIn, PROPFIND_BODY, segmentsOf } from "./multistatus.ts";

/** What stands at a path. */
export type Standing = Omit<DavResource, "href">;

const ABSENT: ReadonlySet<number> = new Set([404, 410]);
/** Answers of servers that have no such method, nginx without its extension among them. */
const NO_METHOD: ReadonlySet<number> = new Set([405, 501]);

/** Calls to the server of an endpoint. */
export class DavAccess {
  readonly at: DavPlace;
  readonly client: Client;
  readonly #hop: Hop;
  /** Found out by the first look: nginx has no PROPFIND unless it is added. */
  #hasProperties = true;

  constructor(endpoint: Endpoint, { env }: ProtocolContext, settings: HttpSettings) {
    this.at = davPlaceOf(endpoint);
    this.#hop = hopOf(this.at.http, env, settings);
    this.client = clientOf(endpoint, env, settings);
  }

  /** Where a path is asked for; collections are asked for with a slash behind them. */
  hop(path: string, isCollection = false): Hop {
    const slash = isCollection && !path.endsWith("/") ? "/" : "";
    return hopAt(this.#hop, encodedPath(path) + slash);
  }

  /** For messages. */
  shown(path: string): string {
    return `${this.at.label}${shownPath(path)}`;
  }

  ask(path: string, call: Call, isCollection = false): Promise<Done> {
    return ask(this.client, this.hop(path, isCollection), call);
  }

  /** `Destination` of MOVE. */
  destination(path: string, isCollection = false): string {
    const slash = isCollection && !path.endsWith("/") ? "/" : "";
    return httpUriOf(this.at.scheme, this.at.place, path) + slash;
  }

  /** What stands at a path, `null` if nothing does. */
  async stat(path: string, signal: AbortSignal): Promise<Standing | null> {
    if (this.#hasProperties) {
      const found = await this.#properties(path, signal);
      if (found !== "unknown") return found;
      this.#hasProperties = false;
    }
    return await this.#look(path, signal);
  }

  /** What is in a directory, and in nothing below it; `notFound` without it. */
  async *children(
    path: string,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly name: string | null; readonly resource: DavResource }> {
    const hop = this.hop(path, true);
    const base = segmentsOf(hop.url.href, hop.url) ?? [];
    let seen = 0;
    for await (const resource of this.#propfind(hop, "1", signal)) {
      seen += 1;
      if (seen > protocolLimits.davListEntriesMax) {
        const reason = `the listing has more than ${protocolLimits.davListEntriesMax} names`;
        throw failure("badResponse", { method: "PROPFIND", label: hop.label }, reason);
      }
      const place = nameIn(base, segmentsOf(resource.href, hop.url));
      if (place === "self") continue;
      yield { name: place?.name ?? null, resource };
    }
  }

  async #properties(path: string, signal: AbortSignal): Promise<Standing | null | "unknown"> {
    try {
      let standing: Standing | null = null;
      // Read to its end, so that the connection lives on; more than one answer is none of ours.
      for await (const found of this.#propfind(this.hop(path), "0", signal)) {
        if (standing !== null) break;
        standing = found;
      }
      return standing;
    } catch (thrown) {
      if (!(thrown instanceof ProtocolError)) throw thrown;
      if (thrown.code === "notFound") return null;
      if (thrown.code === "unsupported") return "unknown";
      throw thrown;
    }
  }

  /** A directory shows itself by a redirect to its name with a slash. */
  async #look(path: string, signal: AbortSignal): Promise<Standing | null> {
    const call = { method: "HEAD", accepts: [200, 404, 410], signal };
    const { status, headers, url } = await this.ask(path, call).catch((thrown: unknown) => {
      // nginx: the directory is there, and has no index to be shown.
      if (thrown instanceof ProtocolError && thrown.details.status === 403) {
        return this.#collection(path, signal, thrown);
      }
      throw thrown;
    });
    if (ABSENT.has(status)) return null;
    const isCollection = url.pathname.endsWith("/");
    const size = isCollection ? null : parseContentLength(headers.get("content-length") ?? "");
    return { isCollection, size, mtimeMs: null, etag: null };
  }

  async #collection(path: string, signal: AbortSignal, thrown: unknown): Promise<Done> {
    const call = { method: "HEAD", accepts: [200, 403, 404, 410], signal };
    const slashed = await this.ask(path, call, true);
    if (ABSENT.has(slashed.status)) throw thrown;
    return slashed;
  }

  async *#propfind(hop: Hop, depth: "0" | "1", signal: AbortSignal): AsyncIterable<DavResource> {
    const exchange = new Exchange(this.client, "PROPFIND", hop, signal);
    try {
      const headers = { depth, "content-type": "application/xml; charset=utf-8" };
      const head = await exchange.send(headers, PROPFIND_BODY);
      if (NO_METHOD.has(head.status)) {
        throw unsupported("PROPFIND", hop.label, "the server does not tell what it has");
      }
      if (head.status !== 207) {
        const { env, limits } = this.client;
        throw writeStatusError(exchange.place, head, env.clock.now(), limits.httpRetryAfterMaxMs);
      }
      yield* this.#resources(exchange);
    } finally {
      await exchange.end();
    }
  }

  async *#resources(exchange: Exchange): AsyncIterable<DavResource> {
    const answer = new Multistatus();
    const decoder = new TextDecoder("utf-8", { fatal: true });
    const buffer = new Uint8Array(protocolLimits.davListReadBytes);
    for (;;) {
      const count = await exchange.read(buffer);
      if (count === null) {
        throw failure("truncated", exchange.place, "the connection ended in the middle");
      }
      yield* answer.push(decoded(decoder, buffer.subarray(0, count), count > 0, exchange));
      if (count === 0) return answer.end();
    }
  }
}

function decoded(
  decoder: TextDecoder,
  bytes: Uint8Array,
  stream: boolean,
  exchange: Exchange,
): string {
  try {
    return decoder.decode(bytes, { stream });
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    throw failure("badResponse", exchange.place, "the answer is not UTF-8", { retryable: false });
  }
}
