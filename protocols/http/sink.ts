/**
 * Uploading by one request: PUT, POST, or a field of a form (RFC 9110, 7578).
 *
 * There is no temporary file at the server: the request is the temporary file, and its last byte
 * publishes. What that means for resuming and for fences stands in protocols/DESIGN.md.
 */

import { assert } from "../../runtime/base/assert.ts";
import { abortedError } from "../aborting.ts";
import { containedPath, safeName, shownPath } from "../containment.ts";
import type {
  DestinationFacts,
  ProbeExpectation,
  ProtocolContext,
  PublishOptions,
  Sink,
  SinkCapabilities,
  SinkEndpoint,
  SinkFile,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { ask, clientOf, type Done, hopAt, unsupported } from "./call.ts";
import type { ConditionCheck } from "./conditions.ts";
import { type Hop, hopOf } from "./endpoint.ts";
import type { Client } from "./exchange.ts";
import { parseContentLength, parseStrongEtag } from "./fields.ts";
import { formFrame } from "./form.ts";
import { hashAt } from "./hash_at.ts";
import { OpenUploads } from "./open_uploads.ts";
import type { HttpSettings } from "./settings.ts";
import { HttpSinkFile } from "./sink_file.ts";
import { Upload } from "./upload.ts";
import { nameOf, pathOf, type PlainOptions, toldName } from "./upload_options.ts";

/** The most that an upload can have; a fence only where conditions are declared. */
export const UPLOAD_CAPABILITIES: SinkCapabilities = {
  fence: "conditional",
  resume: false,
  randomWrites: false,
  renameNoReplace: true,
  durableSync: false,
  fileId: false,
  readBack: false,
  mtime: false,
  permissions: false,
};

const NEVER = new AbortController().signal;
const LOOK = [200, 404, 410];
const BOUNDARY_BYTES = 16;

/** A sink that uploads each file by one request. */
export class HttpSink implements Sink {
  readonly capabilities: SinkCapabilities;
  readonly name: string;
  readonly #client: Client;
  readonly #hop: Hop;
  readonly #options: PlainOptions;
  readonly #conditions: ConditionCheck;
  readonly #files = new OpenUploads<HttpSinkFile>();

  constructor(
    endpoint: SinkEndpoint,
    { env }: ProtocolContext,
    settings: HttpSettings,
    options: PlainOptions,
    conditions: ConditionCheck,
  ) {
    this.#hop = hopOf(endpoint, env, settings);
    this.#client = clientOf(endpoint, env, settings);
    this.#options = options;
    this.#conditions = conditions;
    const { conditional, method, name } = options;
    this.name = method === "PUT" ? nameOf(endpoint.uri) : toldName(endpoint, name);
    if (endpoint.root !== null) containedPath(endpoint.root, pathOf(endpoint.uri));
    this.capabilities = {
      ...UPLOAD_CAPABILITIES,
      fence: conditional ? "conditional" : "none",
      renameNoReplace: conditional,
    };
  }

  async stat(name: string, signal: AbortSignal): Promise<DestinationFacts | null> {
    const hop = this.#at(name);
    // A form or a POST goes to a program, not to a place where a file could stand.
    if (this.#options.method === "POST") {
      if (signal.aborted) throw abortedError(`look at ${hop.label}`, signal);
      return null;
    }
    const { status, headers } = await this.#look(hop, signal);
    if (status !== 200) return null;
    const size = parseContentLength(headers.get("content-length") ?? "") ?? 0;
    return { size, mtimeMs: null, fileId: null };
  }

  async hash(name: string): Promise<string | null> {
    const reason = "whether the server gives back what it was given nobody knows";
    throw unsupported("hash", this.#at(name).label, reason);
  }

  async create(temp: string, signal: AbortSignal, size: number | null = null): Promise<SinkFile> {
    const { label } = this.#hop;
    if (signal.aborted) throw abortedError(`upload to ${label}`, signal);
    this.#files.assertNew(temp, label);
    const base = this.#options.conditional ? await this.#baseVersion(signal) : null;
    const file = new HttpSinkFile({
      ...{ temp, label, base, signal },
      upload: (self) => this.#upload(self, this.name, size),
    });
    this.#files.add(file);
    return file;
  }

  async reopen(temp: string): Promise<SinkFile | null> {
    const label = `${this.#hop.label} ${shownPath(safeName(temp))}`;
    const reason = "a request that was broken off cannot be gone on with; begin it again";
    throw unsupported("reopen", label, reason);
  }

  async publish(file: SinkFile, options: PublishOptions): Promise<DestinationFacts> {
    assert(file instanceof HttpSinkFile, "publish() takes a file that this protocol opened");
    try {
      this.#assertPublishable(file, options);
      if (!options.replace) await this.#assertFree(file, options.name);
      file.replace = options.replace;
      file.letGo();
      const upload = await this.#uploadAs(file, options.name);
      const { size } = upload;
      this.#files.take(file.temp);
      await upload.finish().catch((thrown: unknown) => {
        throw this.#explained(thrown, file);
      });
      return { size, mtimeMs: null, fileId: null };
    } finally {
      await file.close();
    }
  }

  async seize(temp: string): Promise<boolean> {
    const label = `${this.#hop.label} ${shownPath(safeName(temp))}`;
    throw unsupported("seize", label, "only the process that sends a request can end it");
  }

  async abort(temp: string): Promise<void> {
    await this.#files.take(temp)?.upload.cancel();
  }

  async probe(
    temp: string,
    expected: ProbeExpectation,
  ): Promise<"unpublished" | "published" | "unknown"> {
    safeName(temp);
    if (this.#files.has(temp)) return "unpublished";
    const hop = this.#at(expected.name);
    if (this.#options.method === "POST" || expected.sha256 === null) return "unknown";
    const seen = await hashAt(this.#client, hop, NEVER, expected.size);
    return seen === expected.sha256 ? "published" : "unknown";
  }

  close(): Promise<void> {
    return this.#files.close();
  }

  #upload(file: HttpSinkFile, name: string, size: number | null): Upload {
    const { method, form, accepts } = this.#options;
    const frame = form === null
      ? null
      : formFrame(form, name, this.#client.env.random.bytes(BOUNDARY_BYTES));
    const contentType = frame?.contentType ??
      this.#hop.headers["content-type"] ?? "application/octet-stream";
    return new Upload({
      ...{ client: this.#client, hop: this.#at(name), method, accepts, size },
      holdBackBytes: this.#client.limits.httpHoldBackBytes,
      headers: () => ({ "content-type": contentType, ...this.#condition(file, name) }),
      ...(frame === null ? {} : { frame }),
    });
  }

  /** Conditions of this request: the fence, or, where it is still to begin, what is asked of the name. */
  #condition(file: HttpSinkFile, name: string): Record<string, string> {
    if (this.#options.method === "POST") return {};
    if (this.#options.conditional && name === this.name) {
      return file.base === null ? { "if-none-match": "*" } : { "if-match": file.base };
    }
    return file.replace === false ? { "if-none-match": "*" } : {};
  }

  #assertPublishable(file: HttpSinkFile, options: PublishOptions): void {
    const { name } = options;
    const { label } = this.#at(name);
    this.#files.assertPublishable(file, options, label);
    if (name !== this.name && file.upload.isSending) {
      const reason = "its upload began under another name; use conflict: fail or overwrite";
      throw unsupported("publish", label, reason);
    }
  }

  async #assertFree(file: HttpSinkFile, name: string): Promise<void> {
    if (this.#options.method === "POST") return;
    const isTaken = name === this.name && file.base !== null ||
      await this.stat(name, NEVER) !== null;
    if (!isTaken) return;
    const message = `cannot publish ${this.#at(name).label}: something stands there already`;
    throw new ProtocolError("exists", message, { definite: true });
  }

  async #uploadAs(file: HttpSinkFile, name: string): Promise<Upload> {
    if (name === this.name) return file.upload;
    const renamed = this.#upload(file, name, null);
    await renamed.write(file.upload.held);
    return renamed;
  }

  /** 412 says that a condition did not hold; which one is known here. */
  #explained(thrown: unknown, { base, replace }: HttpSinkFile): unknown {
    if (!(thrown instanceof ProtocolError) || thrown.details.status !== 412) return thrown;
    const code = base === null && (replace === false || this.#options.conditional)
      ? "exists"
      : "changed";
    const { message, details } = thrown;
    return new ProtocolError(code, message, { details, retryable: false, definite: true });
  }

  /** The version that is to be replaced; a server whose versions cannot be told cannot be held to one. */
  async #baseVersion(signal: AbortSignal): Promise<string | null> {
    await this.#conditions.assertHonoured(this.#client, this.#hop, signal);
    const { status, headers } = await this.#look(this.#hop, signal);
    if (status !== 200) return null;
    const etag = parseStrongEtag(headers.get("etag") ?? "");
    if (etag !== null) return etag;
    const reason = "what stands there has no strong ETag; set conditional: false";
    throw unsupported("replace", this.#hop.label, reason);
  }

  #look(hop: Hop, signal: AbortSignal): Promise<Done> {
    return ask(this.#client, hop, { method: "HEAD", accepts: LOOK, signal });
  }

  #at(name: string): Hop {
    if (safeName(name) === this.name) return this.#hop;
    const { pathname, search } = this.#hop.url;
    const directory = pathname.slice(0, pathname.lastIndexOf("/") + 1);
    return hopAt(this.#hop, directory + encodeURIComponent(name) + search);
  }
}
