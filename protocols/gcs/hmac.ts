/**
 * Google's store by its XML interface, which speaks S3's dialect: for HMAC keys, and nothing else. URIs
 * are translated on the way in and out; all the rest is `s3`.
 */

import type {
  Endpoint,
  Fingerprint,
  ProtocolContext,
  Sink,
  SinkEndpoint,
  Source,
  TransferProtocol,
} from "../contract.ts";
import type {
  Directory,
  DirectoryCapabilities,
  Entry,
  EntryPage,
  RenameOptions,
} from "../directory.ts";
import { ProtocolError } from "../errors.ts";

/** What can be declared beside a place that is reached with HMAC keys. */
const OPTIONS: readonly string[] = ["endpoint", "contentType"];

/** Whether an endpoint is reached that way. */
export function isHmac({ auth }: Endpoint): boolean {
  return auth?.type === "accessKey";
}

/** The endpoint as `s3` takes it; `badEndpoint` for what only the JSON interface knows. */
export function hmacEndpoint<E extends Endpoint>(endpoint: E): E {
  const unknown = Object.keys(endpoint.options).find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) {
    const message = `cannot use Google's store with credentials of type accessKey and option ` +
      `"${unknown}"; with these keys there are ${OPTIONS.join(", ")}`;
    throw new ProtocolError("badEndpoint", message);
  }
  const { endpoint: origin = "https://storage.googleapis.com", contentType } = endpoint.options;
  return {
    ...endpoint,
    uri: asS3(endpoint.uri),
    // Checksums of Amazon's own kinds are unknown there; bodies are covered by TLS.
    options: { endpoint: origin, region: "auto", addressing: "path", checksum: "none" },
    headers: {
      ...endpoint.headers,
      ...(contentType === undefined ? {} : { "content-type": String(contentType) }),
    },
  };
}

function asS3(uri: string): string {
  return uri.replace(/^gs:/i, "s3:");
}

function asGs(uri: string): string {
  return uri.replace(/^s3:/, "gs:");
}

/** An object of such a bucket: Google keeps no SHA-256 of it. */
export function hmacSource(
  s3: TransferProtocol,
  endpoint: Endpoint,
  context: ProtocolContext,
): Source {
  const inner = s3.source!(hmacEndpoint(endpoint), context);
  return {
    capabilities: { ...inner.capabilities, serverHash: false },
    stat: (signal) => inner.stat(signal),
    open: (range, expected, signal) => inner.open(range, expected, signal),
    close: () => inner.close(),
  };
}

/** A file of such a bucket; copies by the service are described for no keys, so there are none here. */
export function hmacSink(
  s3: TransferProtocol,
  endpoint: SinkEndpoint,
  context: ProtocolContext,
): Sink {
  const inner = s3.sink!(hmacEndpoint(endpoint), context);
  return {
    get capabilities() {
      return { ...inner.capabilities, serverCopy: false };
    },
    name: inner.name,
    stat: (name, signal) => inner.stat(name, signal),
    hash: (name, signal) => inner.hash(name, signal),
    create: (temp, signal, size, name) => inner.create(temp, signal, size, name),
    reopen: (temp, signal) => inner.reopen(temp, signal),
    publish: (file, options) => inner.publish(file, options),
    seize: (temp, to) => inner.seize(temp, to),
    abort: (temp) => inner.abort(temp),
    probe: (temp, expected) => inner.probe(temp, expected),
    close: () => inner.close(),
  };
}

/** A directory of such a bucket: its names are URIs of Google's store. */
export class HmacDirectory implements Directory {
  readonly capabilities: DirectoryCapabilities;
  readonly #inner: Directory;

  constructor(s3: TransferProtocol, endpoint: Endpoint, context: ProtocolContext) {
    this.#inner = s3.directory!(hmacEndpoint(endpoint), context);
    this.capabilities = this.#inner.capabilities;
  }

  uriOf(name: string): string {
    return asGs(this.#inner.uriOf(name));
  }

  list(signal: AbortSignal): AsyncIterable<EntryPage> {
    return this.#inner.list(signal);
  }

  stat(name: string, signal: AbortSignal): Promise<Entry | null> {
    return this.#inner.stat(name, signal);
  }

  remove(name: string, expected: Fingerprint | null, signal: AbortSignal): Promise<boolean> {
    return this.#inner.remove(name, expected, signal);
  }

  rename(
    name: string,
    to: string,
    options: RenameOptions & { readonly expected: Fingerprint | null },
    signal: AbortSignal,
  ): Promise<boolean> {
    return this.#inner.rename(name, asS3(to), options, signal);
  }

  makeDirectory(name: string, signal: AbortSignal): Promise<void> {
    return this.#inner.makeDirectory(name, signal);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
