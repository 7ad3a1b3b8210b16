/** A handle on a temporary file of Google's store. */

import type { SinkFile } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import type { GcsUpload } from "./upload.ts";

/** An open temporary file: written at its end, never read back. */
export class GcsSinkFile implements SinkFile {
  readonly temp: string;
  readonly fileId: string;
  readonly upload: GcsUpload;
  #isClosed = false;

  constructor(upload: GcsUpload) {
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
    const message =
      `cannot read back ${this.upload.facts.shown}: an object can be read once it is ` +
      "published, not before";
    return Promise.reject(new ProtocolError("unsupported", message));
  }

  async truncate(size: number): Promise<void> {
    this.#assertOpen("cut");
    await this.upload.truncate(size);
  }

  async sync(): Promise<void> {
    this.#assertOpen("sync");
    await this.upload.settled();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  #assertOpen(verb: string): void {
    if (!this.#isClosed) return;
    const message = `cannot ${verb} ${this.upload.facts.shown}: the file is closed; open it again`;
    throw new ProtocolError("io", message, { retryable: false });
  }
}
