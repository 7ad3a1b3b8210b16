/** The two ends of an attempt: endpoints with their secrets revealed, for as long as it runs. */

import type { Env, TlsOptions } from "../../runtime/env/env.ts";
import type { Sink, Source, SourceEndpoint } from "../../protocols/contract.ts";
import type { ProtocolRegistry } from "../../protocols/registry.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import type { Sealed, TransferSpec } from "../../workflows/spec.ts";

/** Turns references into text; throws `secretMissing` naming the reference, never its value. */
export type Reveal = (sealed: Sealed) => Promise<string>;

/** An opened pair; `close` both when the attempt ends. */
export interface Ends {
  readonly source: Source;
  readonly sink: Sink;
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
  const endpoint = await sourceEndpoint(spec.source, reveal);
  const from = protocols.forUri(spec.source.uri);
  const to = protocols.forUri(spec.destination.uri);
  if (from.source === undefined) throw notCapable(from.name, "read from");
  if (to.sink === undefined) throw notCapable(to.name, "write to");
  const source = from.source(endpoint, { env });
  const sink = to.sink({
    uri: spec.destination.uri,
    createDirectories: spec.destination.createDirectories,
    root: rootPath(spec.destination.root),
    sync,
  }, { env });
  return {
    source,
    sink,
    close: async () => {
      await source.close();
      await sink.close();
    },
  };
}

/** `file:///a/b/` as `/a/b`: a sink takes the declared directory as a path of its own kind. */
function rootPath(root: string | null): string | null {
  if (root === null) return null;
  const encoded = root.replace(/^[^:/]+:\/\/[^/]*/, "").replace(/\/+$/, "");
  return encoded === "" ? "/" : decodeURIComponent(encoded);
}

/** A source endpoint with every reference revealed: keep it no longer than the attempt. */
export async function sourceEndpoint(
  spec: TransferSpec["source"],
  reveal: Reveal,
): Promise<SourceEndpoint> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(spec.headers)) headers[name] = await reveal(value);
  return {
    uri: spec.uri,
    headers,
    auth: await revealAuth(spec.auth, reveal),
    tls: await revealTls(spec.tls, reveal),
    responseTimeoutMs: spec.timeoutMs,
    idleTimeoutMs: null,
  };
}

async function revealAuth(
  auth: TransferSpec["source"]["auth"],
  reveal: Reveal,
): Promise<SourceEndpoint["auth"]> {
  if (auth === null) return null;
  if (auth.type === "bearer") return { type: "bearer", token: await reveal(auth.token) };
  return {
    type: "basic",
    username: await reveal(auth.username),
    password: await reveal(auth.password),
  };
}

async function revealTls(
  tls: TransferSpec["source"]["tls"],
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
