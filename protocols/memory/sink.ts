/** Writing to a memory store. */

import { assert } from "../../runtime/base/assert.ts";
import type { Env } from "../../runtime/env/env.ts";
import { containedPath, joinPath, safeName, shownPath, splitPath } from "../containment.ts";
import type {
  DestinationFacts,
  NoServerCopy,
  ProbeExpectation,
  PublishOptions,
  ServerCopy,
  Sink,
  SinkCapabilities,
  SinkFile,
  SinkPlace,
  SourceEndpoint,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { pathOfUri } from "../path_uri.ts";
import { callStore } from "./call.ts";
import type { MemoryOperation } from "./operations.ts";
import { destinationFactsOf, publishUpload } from "./publish.ts";
import { MemorySinkFile, unsupportedBy } from "./sink_file.ts";
import { memoryCopy } from "./server_copy.ts";
import type { MemoryStore } from "./store.ts";
import { Upload } from "./upload.ts";

/** A sink of a memory store, in the fence class that the store was given. */
export class MemorySink implements Sink {
  readonly capabilities: SinkCapabilities;
  readonly name: string;
  readonly #store: MemoryStore;
  readonly #client: Env;
  readonly #directory: string;

  constructor(store: MemoryStore, endpoint: SinkPlace, client: Env) {
    const { root } = endpoint;
    const path = pathOfUri("memory", endpoint.uri);
    const { directory, name } = splitPath(root === null ? path : containedPath(root, path));
    this.#directory = root === null ? directory : containedPath(root, directory);
    this.name = name;
    this.capabilities = store.sinkCapabilities;
    this.#store = store;
    this.#client = client;
  }

  stat(name: string, signal: AbortSignal): Promise<DestinationFacts | null> {
    return this.#call("stat", name, signal, (path) => {
      const file = this.#store.files.get(path);
      return file === undefined ? null : destinationFactsOf(this.capabilities, file);
    });
  }

  hash(name: string, signal: AbortSignal): Promise<string | null> {
    return this.#call("hash", name, signal, (path) => {
      if (!this.capabilities.readBack) throw unsupportedBy("hash", path);
      const file = this.#store.files.get(path);
      return file === undefined ? null : this.#store.sha256(file.bytes);
    });
  }

  create(temp: string, signal: AbortSignal): Promise<SinkFile> {
    return this.#call("create", temp, signal, (path) => {
      if (this.#store.uploads.has(path)) {
        throw new ProtocolError("exists", `cannot create ${shownPath(path)} in memory: it exists`);
      }
      const base = this.#store.files.get(this.#declaredPath)?.version ?? null;
      const upload = new Upload(path, this.#store.nextFileId(), base);
      this.#store.uploads.set(path, upload);
      this.#store.record("create", path, upload.fileId, { size: 0 });
      return this.#opened(temp, upload);
    });
  }

  reopen(temp: string, signal: AbortSignal): Promise<SinkFile | null> {
    return this.#call("reopen", temp, signal, (path) => {
      if (!this.capabilities.resume) throw unsupportedBy("reopen", path);
      const upload = this.#store.uploads.get(path);
      return upload === undefined ? null : this.#opened(temp, upload);
    });
  }

  async publish(file: SinkFile, options: PublishOptions): Promise<DestinationFacts> {
    assert(file instanceof MemorySinkFile, "publish() takes a file that this protocol opened");
    await file.close();
    const { upload, path, temp } = file;
    const finalPath = joinPath(this.#directory, safeName(options.name));
    const declaredPath = this.#declaredPath;
    return await this.#call(
      "publish",
      temp,
      null,
      () => publishUpload(this.#store, { upload, path, declaredPath, finalPath, options }),
    );
  }

  seize(temp: string, to: string): Promise<boolean> {
    return this.#call("seize", temp, null, (path) => {
      const target = joinPath(this.#directory, safeName(to));
      if (this.capabilities.fence !== "seize") throw unsupportedBy("seize", path);
      const upload = this.#store.uploads.get(path);
      if (upload === undefined) return false;
      this.#store.uploads.delete(path);
      this.#store.uploads.set(target, upload);
      upload.path = target;
      const { fileId, size } = upload;
      this.#store.record("seize", path, fileId, { to: target, size });
      return true;
    });
  }

  abort(temp: string): Promise<void> {
    return this.#call("abort", temp, null, (path) => {
      const upload = this.#store.uploads.get(path);
      if (upload === undefined) return;
      this.#store.uploads.delete(path);
      this.#store.record("abort", path, upload.fileId, { size: upload.size });
    });
  }

  probe(
    temp: string,
    expected: ProbeExpectation,
  ): Promise<"unpublished" | "published" | "unknown"> {
    return this.#call("probe", temp, null, (path) => {
      if (this.#store.uploads.has(path)) return "unpublished";
      const final = this.#store.files.get(joinPath(this.#directory, safeName(expected.name)));
      if (final === undefined || final.bytes.length !== expected.size) return "unknown";
      if (this.capabilities.fileId && final.fileId === expected.fileId) return "published";
      const sameBytes = this.capabilities.readBack &&
        this.#store.sha256(final.bytes) === expected.sha256;
      return sameBytes ? "published" : "unknown";
    });
  }

  /** The registry gives this sink sources of its own store only. */
  serverCopy(source: SourceEndpoint): ServerCopy | NoServerCopy {
    if (this.capabilities.serverCopy === true) return memoryCopy(this.#store, this.#client, source);
    return { whyNot: "this store does not declare it" };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  get #declaredPath(): string {
    return joinPath(this.#directory, this.name);
  }

  #opened(temp: string, upload: Upload): MemorySinkFile {
    if (this.capabilities.fence === "token") this.#store.grantToken(this.#declaredPath, upload);
    return new MemorySinkFile(this.#store, this.#client, temp, upload);
  }

  async #call<T>(
    operation: MemoryOperation,
    name: string,
    signal: AbortSignal | null,
    act: (path: string) => T,
  ): Promise<T> {
    const path = joinPath(this.#directory, safeName(name));
    const call = { operation, path, signal };
    return await callStore(this.#store, this.#client, call, () => act(path));
  }
}
