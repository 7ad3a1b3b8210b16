/** Reading blobs. */

import { assertNotAborted } from "../aborting.ts";
import { shownPath, splitPath } from "../containment.ts";
import type {
  ByteRange,
  Fingerprint,
  Source,
  SourceCapabilities,
  SourceFacts,
  SourceReader,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { assertSameVersion } from "../fingerprint.ts";
import { guarded } from "../objects/exchange.ts";
import { md5 } from "../objects/md5.ts";
import { assertWithin, isEmpty, isWhole, judgeRange, rangeField } from "../objects/range.ts";
import { type ContentCheck, EmptyReader, ObjectReader } from "../objects/reader.ts";
import type { AzureClient, AzureRequest } from "./client.ts";
import { sizeOf, sourceFactsOf } from "./facts.ts";

/** What a blob can do as a source. */
export const AZURE_SOURCE: SourceCapabilities = {
  ranges: true,
  parallelRanges: true,
  serverHash: false,
  mtime: true,
  permissions: false,
};

/** Ranges up to here come with an MD5 of their own, if it is asked for. */
const HASHED_RANGE_BYTES = 4 * 1_048_576;

/** A blob, or one version of it. */
export class AzureSource implements Source {
  readonly capabilities = AZURE_SOURCE;
  readonly #client: AzureClient;
  readonly #action: string;

  constructor(client: AzureClient) {
    const { label, path } = client.place;
    if (splitPath(path).directory === "/") {
      throw new ProtocolError("badEndpoint", `cannot read ${label}${path}: name a blob in it`);
    }
    this.#client = client;
    this.#action = `read ${label}${shownPath(path)}`;
  }

  async stat(signal: AbortSignal): Promise<SourceFacts> {
    assertNotAborted(this.#action, signal);
    const { headers } = await this.#client.ask(this.#request("HEAD"), [200], signal);
    return sourceFactsOf(headers, sizeOf(headers));
  }

  async open(
    range: ByteRange,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<SourceReader> {
    assertNotAborted(this.#action, signal);
    if (isEmpty(range)) return await this.#openEmpty(range, expected, signal);
    const request = this.#request("GET", {
      ...(isWhole(range) ? {} : { "x-ms-range": rangeField(range) }),
      ...(isHashed(range) ? { "x-ms-range-get-content-md5": "true" } : {}),
      ...matching(expected),
    });
    const { exchange, status, headers } = await this.#client.open(request, [200, 206, 416], signal);
    if (status === 416) {
      await exchange.end();
      return await this.#openEmpty(range, expected, signal);
    }
    return await guarded(exchange, () => {
      const { size, announced } = judgeRange(this.#action, range, { status, headers });
      const facts = sourceFactsOf(headers, size);
      if (expected !== null) assertSameVersion(this.#action, expected, facts.fingerprint);
      const check = isWhole(range) || isHashed(range) ? checkOf(headers) : null;
      const again = async () => (await this.stat(signal)).fingerprint;
      return Promise.resolve(new ObjectReader(exchange, { facts, announced, check, again }));
    });
  }

  /** Nothing is there to be read from `start` on: at the very end that is a range, beyond it none. */
  async #openEmpty(
    range: ByteRange,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<SourceReader> {
    const facts = await this.stat(signal);
    if (expected !== null) assertSameVersion(this.#action, expected, facts.fingerprint);
    assertWithin(this.#action, range, facts.fingerprint.size);
    return new EmptyReader(facts);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #request(method: "GET" | "HEAD", headers: AzureRequest["headers"] = {}): AzureRequest {
    const { path, options } = this.#client.place;
    const query: Record<string, string> = options.versionId === undefined
      ? {}
      : { versionid: options.versionId };
    return { method, path, query, headers, action: this.#action, isContent: true };
  }
}

/** The answer is of that version, or there is none. */
function matching(expected: Fingerprint | null): Record<string, string> {
  const etag = expected?.etag ?? null;
  return etag === null ? {} : { "if-match": etag };
}

function isHashed({ start, end }: ByteRange): boolean {
  return end !== null && end - start <= HASHED_RANGE_BYTES;
}

/** `Content-MD5` is that of the body, whole or range; not every blob has one. */
function checkOf(headers: ReadonlyMap<string, string>): ContentCheck | null {
  const told = headers.get("content-md5");
  if (told === undefined || !/^[A-Za-z0-9+/]{22}==$/.test(told)) return null;
  const running = md5();
  return {
    update: (bytes) => running.update(bytes),
    fault: () =>
      running.digestBase64() === told ? null : "its bytes have another MD5 than was told",
  };
}
