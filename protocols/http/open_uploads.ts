/** The uploads of one sink that were begun here and not published: no other process knows of them. */

import { safeName, shownPath } from "../containment.ts";
import type { PublishOptions, SinkFile } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { unsupported } from "./call.ts";

/** Uploads by the names of their temporary files. */
export class OpenUploads<File extends SinkFile> {
  readonly #files = new Map<string, File>();

  has(temp: string): boolean {
    return this.#files.has(temp);
  }

  add(file: File): void {
    this.#files.set(file.temp, file);
  }

  /** The upload of a name, which is not open any more. */
  take(temp: string): File | null {
    const file = this.#files.get(safeName(temp)) ?? null;
    this.#files.delete(temp);
    return file;
  }

  /** `exists` for a name whose upload was begun here. */
  assertNew(temp: string, label: string): void {
    if (!this.#files.has(safeName(temp))) return;
    const message = `cannot begin ${shownPath(temp)} for ${label}: it was begun`;
    throw new ProtocolError("exists", message);
  }

  /** What an upload cannot carry is refused, and one that was given up stays so. */
  assertPublishable(file: File, { mtimeMs, mode }: PublishOptions, label: string): void {
    if (mtimeMs !== null || mode !== null) {
      throw unsupported("publish", label, "an upload carries no time and no permissions");
    }
    if (this.#files.get(file.temp) === file) return;
    const message =
      `cannot publish ${label}: its upload was given up; a later attempt has taken over`;
    throw new ProtocolError("notFound", message, { definite: true });
  }

  /** Breaks off all of them. */
  async close(): Promise<void> {
    const files = [...this.#files.values()];
    this.#files.clear();
    for (const file of files) await file.close();
  }
}
