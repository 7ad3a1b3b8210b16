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
  const source = await openSource(spec, options);
  const sink = await openSink(spec, options);
  return { ...endsOf(source, sink), serverCopy: await serverCopyOf(spec, sink, options) };
}

/** A pair of which no service copies anything by itself. */
export function endsOf(source: Source, sink: Sink): Ends {
  return {
    source,
    sink,
    serverCopy: null,
    close: async () => {
      await source.close();
      await sink.close();
    },
  };
}

/** Prepares where a transfer reads. */
export async function openSource(
  { source: from }: Pick<TransferSpec, "source">,
  { env, protocols, reveal }: Omit<EndsOptions, "sync">,
): Promise<Source> {
  const endpoint = await endpointOf(from.uri, from, reveal);
  const protocol = protocols.forUri(from.uri);
  if (protocol.source === undefined) throw notCapable(protocol.name, "read from");
  const decoding = await atRest(from.atRest, reveal);
  return decoding === null
    ? protocol.source(endpoint, { env })
    : decodedSource(protocol, endpoint, { env }, decoding);
}

/** Prepares where a transfer writes. */
export async function openSink(
  { destination }: Pick<TransferSpec, "destination">,
  { env, protocols, reveal, sync }: EndsOptions,
): Promise<Sink> {
  const { uri, access, createDirectories } = destination;
  const endpoint = access === undefined
    ? plainEndpoint(uri)
    : await endpointOf(uri, access, reveal);
  const protocol = protocols.forUri(uri);
  if (protocol.sink === undefined) throw notCapable(protocol.name, "write to");
  const encoding = await atRest(access?.atRest, reveal);
  const place = { ...endpoint, createDirectories, root: rootPath(destination.root), sync };
  return encoding === null
    ? protocol.sink(place, { env })
    : encodedSink(protocol, place, { env }, encoding);
}

/** How the service of both ends copies by itself; null: there is no such service, or none was asked for. */
async function serverCopyOf(
  { source, destination, pipeline }: TransferSpec,
  sink: Sink,
  { protocols, reveal }: EndsOptions,
): Promise<Ends["serverCopy"]> {
  const isOne = protocols.forUri(source.uri).name === protocols.forUri(destination.uri).name;
  if (!isOne || pipeline.serverCopy === "never") return null;
  if (source.atRest !== undefined || destination.access?.atRest !== undefined) {
    return { whyNot: "files are compressed or sealed at one of the ends" };
  }
  return sink.serverCopy?.(await endpointOf(source.uri, source, reveal)) ?? null;
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
