/** A handle on a temporary file. */

import type { SinkFile } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import type { Upload } from "./upload.ts";

/** An open temporary file: written at its end, never read back. */
export class S3SinkFile implements SinkFile {
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
    const message = `cannot read back ${this.temp}: S3 shows no part before the whole is complete`;
    return Promise.reject(new ProtocolError("unsupported", message));
  }

  async truncate(size: number): Promise<void> {
    this.#assertOpen("cut");
    await this.upload.truncate(size);
  }

  async sync(): Promise<void> {
    this.#assertOpen("sync");
    await this.upload.sync();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.upload.landed();
  }

  #assertOpen(verb: string): void {
    if (!this.#isClosed) return;
    const message = `cannot ${verb} ${this.temp}: the file is closed; open it again`;
    throw new ProtocolError("io", message, { retryable: false });
  }
}
