/**
 * Uploading by tus 1.0: pieces that survive broken connections, and, where the address of the upload is
 * kept, the process too. What is uploaded becomes a file with its last byte, under a name that the server
 * decides on: there is nothing to look at, to replace or to seize before.
 */

import { assert } from "../../runtime/base/assert.ts";
import { abortedError } from "../aborting.ts";
import { safeName, shownPath } from "../containment.ts";
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
import { translated } from "../file/disk_failure.ts";
import { clientOf, unsupported } from "../http/call.ts";
import { type Hop, hopOf } from "../http/endpoint.ts";
import type { Client } from "../http/exchange.ts";
import { OpenUploads } from "../http/open_uploads.ts";
import type { HttpSettings } from "../http/settings.ts";
import { toldName, type TusOptions } from "../http/upload_options.ts";
import { type SentPiece, TusAddresses } from "./addresses.ts";
import type { TusServers } from "./server.ts";
import { TusSinkFile } from "./sink_file.ts";
import { createUpload, TusUpload } from "./upload.ts";

/** What an upload by tus can do. */
export const TUS_CAPABILITIES: SinkCapabilities = {
  fence: "none",
  resume: true,
  randomWrites: false,
  renameNoReplace: false,
  durableSync: false,
  fileId: false,
  readBack: false,
  mtime: false,
  permissions: false,
};

const NEVER = new AbortController().signal;

/** What the sinks of a process share. */
export interface TusShared {
  readonly servers: TusServers;
  /** Addresses of uploads. */
  readonly addresses: Map<string, string[]>;
}

/** An upload that was begun before. */
interface Found {
  readonly upload: TusUpload;
  readonly pieces: readonly SentPiece[];
}

/** A sink of a tus server. */
export class TusSink implements Sink {
  readonly capabilities = TUS_CAPABILITIES;
  /** What the server is told the file is called. */
  readonly name: string;
  readonly #client: Client;
  readonly #hop: Hop;
  readonly #shared: TusShared;
  readonly #addresses: TusAddresses;
  readonly #files = new OpenUploads<TusSinkFile>();

  constructor(
    endpoint: SinkEndpoint,
    { env }: ProtocolContext,
    settings: HttpSettings,
    { urls, name }: TusOptions,
    shared: TusShared,
  ) {
    this.#hop = hopOf(endpoint, env, settings);
    this.#client = clientOf(endpoint, env, settings);
    this.#shared = shared;
    this.#addresses = new TusAddresses(env, this.#hop.url.href, urls, shared.addresses);
    this.name = toldName(endpoint, name);
  }

  stat(_name: string, signal: AbortSignal): Promise<DestinationFacts | null> {
    if (signal.aborted) return Promise.reject(abortedError(`look at ${this.#hop.label}`, signal));
    return Promise.resolve(null);
  }

  hash(): Promise<string | null> {
    return Promise.reject(unsupported("hash", this.#hop.label, "a tus server gives back nothing"));
  }

  async create(temp: string, signal: AbortSignal, size: number | null = null): Promise<SinkFile> {
    const { label } = this.#hop;
    if (signal.aborted) throw abortedError(`upload to ${label}`, signal);
    this.#files.assertNew(temp, label);
    return this.#opened(temp, size, null, signal);
  }

  async reopen(temp: string, signal: AbortSignal): Promise<SinkFile | null> {
    safeName(temp);
    if (signal.aborted) throw abortedError(`upload to ${this.#hop.label}`, signal);
    const found = await this.#find(temp, signal);
    if (found === null) return null;
    const { offset, length } = found.upload.progress;
    // It was published, or nobody can tell: there is nothing to go on with.
    return offset === length ? null : this.#opened(temp, length, found, signal);
  }

  async publish(file: SinkFile, options: PublishOptions): Promise<DestinationFacts> {
    assert(file instanceof TusSinkFile, "publish() takes a file that this protocol opened");
    const { label } = this.#hop;
    try {
      this.#files.assertPublishable(file, options, label);
      if (options.name !== this.name) {
        throw unsupported(
          "publish",
          label,
          "the server alone gives names; set conflict: overwrite",
        );
      }
      this.#files.take(file.temp);
      await file.finish();
      return { size: await file.size(), mtimeMs: null, fileId: null };
    } finally {
      await file.close();
    }
  }

  seize(temp: string): Promise<boolean> {
    const reason = "the server knows uploads by their address alone";
    return Promise.reject(unsupported("seize", `${this.#hop.label} ${shownPath(temp)}`, reason));
  }

  async abort(temp: string): Promise<void> {
    const file = this.#files.take(temp);
    await file?.close();
    const upload = file?.upload ?? (await this.#find(temp, NEVER))?.upload;
    if (upload === undefined) return;
    await upload.end();
    await translated(() => this.#addresses.forget(temp));
  }

  /** The server knows whether the last byte has come. */
  async probe(
    temp: string,
    _expected: ProbeExpectation,
  ): Promise<"unpublished" | "published" | "unknown"> {
    safeName(temp);
    if (this.#files.has(temp)) return "unpublished";
    const found = await this.#find(temp, NEVER);
    if (found === null) return "unknown";
    const { offset, length } = found.upload.progress;
    return offset === length ? "published" : "unpublished";
  }

  close(): Promise<void> {
    return this.#files.close();
  }

  async #find(temp: string, signal: AbortSignal): Promise<Found | null> {
    const kept = await translated(() => this.#addresses.find(temp));
    if (kept === null || new URL(kept.address).origin !== this.#hop.url.origin) return null;
    const server = await this.#shared.servers.at(this.#client, this.#hop, signal);
    const parts = { client: this.#client, hop: this.#hop, server, signal };
    const upload = new TusUpload(parts, kept.address, { offset: 0, length: null });
    return await upload.look() === null ? null : { upload, pieces: kept.pieces };
  }

  #opened(
    temp: string,
    size: number | null,
    found: Found | null,
    signal: AbortSignal,
  ): TusSinkFile {
    const create = async (length: number | null) => {
      const server = await this.#shared.servers.at(this.#client, this.#hop, signal);
      const parts = { client: this.#client, hop: this.#hop, server, signal };
      const address = await createUpload(parts, this.name, length);
      await translated(() => this.#addresses.keep(temp, address));
      return new TusUpload(parts, address, { offset: 0, length });
    };
    const file = new TusSinkFile({
      ...{ temp, label: this.#hop.label, size, create },
      upload: found?.upload ?? null,
      pieces: found?.pieces ?? [],
      note: (piece) => translated(() => this.#addresses.note(temp, piece)),
      sha256: (bytes) => {
        const hasher = this.#client.env.hash.sha256();
        hasher.update(bytes);
        return hasher.digestHex();
      },
    });
    this.#files.add(file);
    return file;
  }
}
