/** What a tus server can do (tus 1.0, OPTIONS), asked once. */

import { ask } from "../http/call.ts";
import type { Hop } from "../http/endpoint.ts";
import type { Client } from "../http/exchange.ts";
import { failure } from "../http/failure.ts";
import { parseCount } from "../http/fields.ts";
import { protocolLimits } from "../limits.ts";

/** The version that every request names. */
export const TUS_VERSION = "1.0.0";

/** What matters of a server's answer. */
export interface TusServer {
  /** `creation`, `termination` and so on. */
  readonly extensions: ReadonlySet<string>;
  /** It checks the SHA-256 of a piece. */
  readonly checksums: boolean;
  readonly maxBytes: number | null;
}

/** The servers that were asked, by the place of their uploads. */
export class TusServers {
  readonly #known = new Map<string, TusServer>();

  /** `unsupported` for a server that does not speak tus 1.0 or makes no uploads. */
  async at(client: Client, hop: Hop, signal: AbortSignal): Promise<TusServer> {
    const { href } = hop.url;
    const known = this.#known.get(href);
    if (known !== undefined) return known;
    const server = await askServer(client, hop, signal);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= protocolLimits.tusServersKnown) this.#known.delete(oldest!);
    this.#known.set(href, server);
    return server;
  }
}

async function askServer(client: Client, hop: Hop, signal: AbortSignal): Promise<TusServer> {
  const { headers } = await ask(client, hop, { method: "OPTIONS", accepts: [200, 204], signal });
  const listOf = (name: string) =>
    new Set((headers.get(name) ?? "").split(",").map((part) => part.trim().toLowerCase()));
  const extensions = listOf("tus-extension");
  const place = { method: "OPTIONS", label: hop.label };
  if (!listOf("tus-version").has(TUS_VERSION)) {
    throw failure("unsupported", place, `no tus ${TUS_VERSION} server answers there`);
  }
  if (!extensions.has("creation")) {
    throw failure("unsupported", place, "the server makes no uploads (tus extension creation)");
  }
  return {
    extensions,
    checksums: extensions.has("checksum") && listOf("tus-checksum-algorithm").has("sha256"),
    maxBytes: parseCount(headers.get("tus-max-size") ?? ""),
  };
}
