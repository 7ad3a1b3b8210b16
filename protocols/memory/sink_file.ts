/** An open temporary file of a memory store. */

import type { Env } from "../../runtime/env/env.ts";
import { shownPath } from "../containment.ts";
import type { SinkFile } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { callStore } from "./call.ts";
import type { MemoryOperation } from "./operations.ts";
import type { MemoryStore } from "./store.ts";
import type { Upload } from "./upload.ts";

/** The error of what a store's sinks do not declare. */
export function unsupportedBy(operation: string, path: string): ProtocolError {
  return new ProtocolError(
    "unsupported",
    `cannot ${operation} ${shownPath(path)} in memory: this store does not declare it`,
  );
}

/** A handle on an upload; it follows the upload through a seizure, as a file descriptor would. */
export class MemorySinkFile implements SinkFile {
  readonly temp: string;
  readonly fileId: string | null;
  readonly upload: Upload;
  /** The path it was opened at, by which it will be published. */
  readonly path: string;
  readonly #store: MemoryStore;
  readonly #client: Env;
  #closed = false;

  constructor(store: MemoryStore, client: Env, temp: string, upload: Upload) {
    this.temp = temp;
    this.path = upload.path;
    this.upload = upload;
    this.fileId = store.sinkCapabilities.fileId ? upload.fileId : null;
    this.#store = store;
    this.#client = client;
  }

  size(): Promise<number> {
    return this.#call("stat", () => this.upload.size);
  }

  write(bytes: Uint8Array, at: number): Promise<void> {
    // The caller may use its buffer again as soon as this settles, or gives up.
    const sent = this.#store.options.delayMs === undefined ? bytes : bytes.slice();
    return this.#call("write", () => {
      if (!this.#store.sinkCapabilities.randomWrites && at !== this.upload.size) {
        throw unsupportedBy(`write at ${at} of`, this.path);
      }
      this.upload.write(sent, at);
      const { path, fileId } = this.upload;
      this.#store.record("write", path, fileId, { at, size: sent.length, bytes: sent });
    });
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    // As with a write: what lands late must not touch a buffer that is somebody else's by then.
    const room = this.#store.options.delayMs === undefined ? into : new Uint8Array(into.length);
    const length = await this.#call("readBack", () => {
      if (!this.#store.sinkCapabilities.readBack) throw unsupportedBy("read back", this.path);
      return this.upload.read(room, at);
    });
    if (room !== into) into.set(room.subarray(0, length));
    return length;
  }

  truncate(size: number): Promise<void> {
    return this.#call("truncate", () => {
      this.upload.truncate(size);
      this.#store.record("truncate", this.upload.path, this.upload.fileId, { size });
    });
  }

  sync(): Promise<void> {
    return this.#call("sync", () => {});
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  #call<T>(operation: MemoryOperation, act: () => T): Promise<T> {
    if (this.#closed) {
      return Promise.reject(
        new ProtocolError(
          "io",
          `cannot ${operation} ${
            shownPath(this.path)
          } in memory: the file is closed; open it again`,
          { retryable: false },
        ),
      );
    }
    return callStore(this.#store, this.#client, { operation, path: this.path, signal: null }, act);
  }
}
