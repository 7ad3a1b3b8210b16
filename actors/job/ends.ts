/** The two ends of an attempt: endpoints with their secrets revealed, for as long as it runs. */

import type { Env, TlsOptions } from "../../runtime/env/env.ts";
import type { Endpoint, NoServerCopy, ServerCopy, Sink, Source } from "../../protocols/contract.ts";
import { type Credentials, credentialsOf } from "../../protocols/credentials.ts";
import {
  decodedSource,
  type Decoding,
  encodedSink,
  type Encoding,
  keysFrom,
} from "../../protocols/encoded/encoded.ts";
import { plainEndpoint } from "../../protocols/endpoint.ts";
import type { ProtocolRegistry } from "../../protocols/registry.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import { protocolLimits } from "../../protocols/limits.ts";
import type { AccessSpec, AtRestSpec, Sealed, TransferSpec } from "../../workflows/spec.ts";

/** Turns references into text; throws `secretMissing` naming the reference, never its value. */
export type Reveal = (sealed: Sealed) => Promise<string>;

/** An opened pair; `close` both when the attempt ends. */
export interface Ends {
  readonly source: Source;
  readonly sink: Sink;
  /** How the service of both copies by itself; `null`: there is no such service, or none was asked for. */
  readonly serverCopy: ServerCopy | NoServerCopy | null;
  close(): Promise<void>;
}

/** What the ends are made with. */
export interface EndsOptions {
  readonly env: Env;
  readonly protocols: ProtocolRegistry;
  readonly reveal: Reveal;
  readonly sync: boolean;
}

/** Prepares both ends of a transfer; nothing is contacted or written yet. */
export async function openEnds(spec: TransferSpec, options: EndsOptions): Promise<Ends> {
  const { env, protocols, reveal, sync } = options;
  const { uri, access } = spec.destination;
  const readFrom = await endpointOf(spec.source.uri, spec.source, reveal);
  const writeTo = access === undefined ? plainEndpoint(uri) : await endpointOf(uri, access, reveal);
  const from = protocols.forUri(spec.source.uri);
  const to = protocols.forUri(spec.destination.uri);
  if (from.source === undefined) throw notCapable(from.name, "read from");
  if (to.sink === undefined) throw notCapable(to.name, "write to");
  const decoding = await atRest(spec.source.atRest, reveal);
  const encoding = await atRest(access?.atRest, reveal);
  const place = {
    ...writeTo,
    createDirectories: spec.destination.createDirectories,
    root: rootPath(spec.destination.root),
    sync,
  };
  const source = decoding === null
    ? from.source(readFrom, { env })
    : decodedSource(from, readFrom, { env }, decoding);
  const sink = encoding === null
    ? to.sink(place, { env })
    : encodedSink(to, place, { env }, encoding);
  const isPlain = decoding === null && encoding === null;
  return {
    source,
    sink,
    serverCopy: from.name !== to.name || spec.pipeline.serverCopy === "never"
      ? null
      : isPlain
      ? sink.serverCopy?.(readFrom) ?? null
      : { whyNot: "files are compressed or sealed at one of the ends" },
    close: async () => {
      await source.close();
      await sink.close();
    },
  };
}

/** How files look at rest, with the keys revealed; `null`: as they are. */
async function atRest(
  spec: AtRestSpec | undefined,
  reveal: Reveal,
): Promise<Decoding & Encoding | null> {
  if (spec === undefined) return null;
  const { compression, maxRatio } = spec;
  const keys = keysFrom(await Promise.all(spec.keys.map(reveal)));
  const decompression = compression === null
    ? null
    : { format: compression, maxRatio: maxRatio ?? protocolLimits.decompressedRatioMax };
  return { compression, decompression, keys };
}

/** `file:///a/b/` as `/a/b`: a sink takes the declared directory as a path of its own kind. */
function rootPath(root: string | null): string | null {
  if (root === null) return null;
  const encoded = root.replace(/^[^:/]+:\/\/[^/]*/, "").replace(/\/+$/, "");
  return encoded === "" ? "/" : decodeURIComponent(encoded);
}

/** An endpoint with every reference revealed: keep it no longer than the attempt. */
export async function endpointOf(
  uri: string,
  spec: AccessSpec,
  reveal: Reveal,
): Promise<Endpoint> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(spec.headers)) headers[name] = await reveal(value);
  return {
    uri,
    headers,
    auth: await revealAuth(spec.auth, reveal),
    tls: await revealTls(spec.tls, reveal),
    responseTimeoutMs: spec.timeoutMs,
    idleTimeoutMs: null,
    options: spec.options,
  };
}

async function revealAuth(
  auth: AccessSpec["auth"],
  reveal: Reveal,
): Promise<Credentials | null> {
  if (auth === null) return null;
  const { type, ...fields } = auth;
  const revealed: Record<string, string> = {};
  for (const [field, sealed] of Object.entries(fields)) revealed[field] = await reveal(sealed);
  return credentialsOf({ ...revealed, type });
}

async function revealTls(
  tls: AccessSpec["tls"],
  reveal: Reveal,
): Promise<TlsOptions | null> {
  if (tls === null) return null;
  return {
    ...(tls.ca === null ? {} : { caCerts: [await reveal(tls.ca)] }),
    ...(tls.cert === null ? {} : { cert: await reveal(tls.cert) }),
    ...(tls.key === null ? {} : { key: await reveal(tls.key) }),
  };
}

function notCapable(protocol: string, what: string): ProtocolError {
  return new ProtocolError(
    "unsupported",
    `cannot ${what} "${protocol}": this transfer protocol has no such end in this version`,
  );
}
