/** A handle on a temporary file of an object store: written at its end, never read back. */

import type { SinkFile } from "../contract.ts";
import { ProtocolError } from "../errors.ts";

/** What a handle is one on. */
export interface AppendedUpload {
  readonly facts: { readonly temp: string; readonly fileId: string };
  readonly boundTo: string | null;
  readonly size: number;
  write(bytes: Uint8Array, at: number): Promise<void>;
  truncate(size: number): Promise<void>;
}

/** An open temporary file; several handles may be on one upload. */
export abstract class AppendedFile<Upload extends AppendedUpload> implements SinkFile {
  readonly temp: string;
  readonly fileId: string;
  readonly upload: Upload;
  #isClosed = false;

  constructor(upload: Upload) {
    this.temp = upload.facts.temp;
    this.fileId = upload.facts.fileId;
    this.upload = upload;
  }

  get boundTo(): string | null {
    return this.upload.boundTo;
  }

  async size(): Promise<number> {
    this.#assertOpen("look at");
    return await Promise.resolve(this.upload.size);
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    this.#assertOpen("write to");
    await this.upload.write(bytes, at);
  }

  read(): Promise<number> {
    const message = `cannot read back ${this.shown}: nothing is shown before it is published whole`;
    return Promise.reject(new ProtocolError("unsupported", message));
  }

  async truncate(size: number): Promise<void> {
    this.#assertOpen("cut");
    await this.upload.truncate(size);
  }

  async sync(): Promise<void> {
    this.#assertOpen("sync");
    await this.settle();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.letGo();
  }

  /** For messages. */
  protected abstract get shown(): string;
  /** Waits for what is on its way, and keeps what can be kept. */
  protected abstract settle(): Promise<void>;
  /** Nobody writes by this handle any more. */
  protected abstract letGo(): Promise<void>;

  #assertOpen(verb: string): void {
    if (!this.#isClosed) return;
    const message = `cannot ${verb} ${this.shown}: the file is closed; open it again`;
    throw new ProtocolError("io", message, { retryable: false });
  }
}
