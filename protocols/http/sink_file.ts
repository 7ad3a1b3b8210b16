/** A file that is being uploaded: it has no place of its own before it is published. */

import type { SinkFile } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { unsupported } from "./call.ts";
import type { Upload } from "./upload.ts";

/** What a file is made with. */
export interface SinkFileParts {
  readonly temp: string;
  /** For messages. */
  readonly label: string;
  /** The entity tag that stood at the final name when this began, `null` if nothing did. */
  readonly base: string | null;
  /** Ends the upload as long as it is not being published. */
  readonly signal: AbortSignal;
  readonly upload: (file: HttpSinkFile) => Upload;
}

/** One upload as a temporary file; only this process knows it. */
export class HttpSinkFile implements SinkFile {
  readonly temp: string;
  readonly fileId = null;
  readonly upload: Upload;
  readonly base: string | null;
  /** Set before the headers are sent. */
  replace: boolean | null = null;
  readonly #label: string;
  readonly #signal: AbortSignal;
  readonly #onAbort: () => void;
  #isClosed = false;

  constructor({ temp, label, base, signal, upload }: SinkFileParts) {
    this.temp = temp;
    this.base = base;
    this.#label = label;
    this.upload = upload(this);
    this.#signal = signal;
    this.#onAbort = () => void this.upload.cancel();
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  size(): Promise<number> {
    return Promise.resolve(this.upload.size);
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    if (this.#isClosed) {
      const message = `cannot write to ${this.#label}: the upload is closed; begin it again`;
      throw new ProtocolError("io", message, { retryable: false });
    }
    if (at !== this.upload.size) {
      throw unsupported("write", this.#label, "an upload is written in order, from its start on");
    }
    await this.upload.write(bytes);
  }

  read(): Promise<number> {
    return Promise.reject(
      unsupported(
        "read",
        this.#label,
        "what was uploaded cannot be read back before it is published",
      ),
    );
  }

  truncate(size: number): Promise<void> {
    if (this.upload.truncate(size)) return Promise.resolve();
    return Promise.reject(unsupported("cut", this.#label, "what was sent cannot be taken back"));
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  /** From now on only {@link HttpSinkFile.close} ends the upload. */
  letGo(): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
  }

  /** The upload is broken off unless it has been finished. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.letGo();
    await this.upload.cancel();
  }
}
