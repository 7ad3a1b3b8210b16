/** An unpublished file of a WebDAV server: `data` in a directory of its own. */

import type { SinkFile, Source, SourceReader } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { unsupported } from "../http/call.ts";
import { Turns } from "../http/turns.ts";
import { Upload } from "../http/upload.ts";
import { protocolLimits } from "../limits.ts";
import type { DavAccess } from "./access.ts";

const STORED = [200, 201, 204];

/** What a file is made with. */
export interface DavFileParts {
  readonly access: DavAccess;
  readonly temp: string;
  /** Of its bytes. */
  readonly path: string;
  /** Bytes that the server has already. */
  readonly storedBytes: number | null;
  /** Bytes of the whole file, where they are known. */
  readonly size: number | null;
  /** Reads it back. */
  readonly source: () => Source;
  /** Ends what is being sent, as long as it is not being published. */
  readonly signal: AbortSignal;
}

/**
 * Written in order by one PUT, or, where the server goes on with a file, by one request between two
 * syncs. The bytes are at the server as a whole when the last one was written, if their number was known,
 * else when the file is synced, read back or published.
 */
export class DavSinkFile implements SinkFile {
  readonly temp: string;
  readonly fileId = null;
  readonly #parts: DavFileParts;
  readonly #onAbort: () => void;
  #upload: Upload | null = null;
  /** Where the request under way begins. */
  #from = 0;
  #size: number;
  /** What the server has, as far as it was told; `null` before the first request. */
  #storedBytes: number | null;
  #isClosed = false;
  readonly #turns = new Turns();
  #reader: { readonly reader: SourceReader; at: number } | null = null;

  constructor(parts: DavFileParts) {
    this.#parts = parts;
    this.temp = parts.temp;
    this.#size = parts.storedBytes ?? 0;
    this.#storedBytes = parts.storedBytes;
    this.#onAbort = () => void this.#upload?.cancel();
    parts.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  size(): Promise<number> {
    return this.#turns.take(() => Promise.resolve(this.#size));
  }

  write(bytes: Uint8Array, at: number): Promise<void> {
    return this.#turns.take(() => this.#write(bytes, at));
  }

  read(into: Uint8Array, at: number): Promise<number> {
    return this.#turns.take(() => this.#read(into, at));
  }

  truncate(size: number): Promise<void> {
    return this.#turns.take(() => this.#truncate(size));
  }

  sync(): Promise<void> {
    return this.#turns.take(() => this.#sync());
  }

  /** Of its bytes. */
  get path(): string {
    return this.#parts.path;
  }

  /** The server puts all of its bytes there itself; nothing was written yet. */
  fill(copy: () => Promise<void>, bytes: number): Promise<void> {
    return this.#turns.take(async () => {
      this.#assertOpen("copy to");
      if (this.#size > 0 || this.#upload !== null) {
        const { access, path } = this.#parts;
        throw unsupported("copy to", access.shown(path), "a part of it was written");
      }
      await copy();
      this.#size = this.#storedBytes = bytes;
    });
  }

  /** Everything is at the server, and nothing else. */
  complete(): Promise<void> {
    this.#letGo();
    return this.#turns.take(() => this.#complete());
  }

  async #write(bytes: Uint8Array, at: number): Promise<void> {
    this.#assertOpen("write");
    const { access, path, size } = this.#parts;
    if (at !== this.#size) {
      throw unsupported(
        "write",
        access.shown(path),
        "a file is written in order, from its start on",
      );
    }
    await this.#closeReader();
    for (let rest = bytes; rest.length > 0;) {
      const upload = this.#upload ??= this.#begin();
      const room = this.#pieceBytes - upload.size;
      const part = rest.subarray(0, room);
      await upload.write(part);
      this.#size += part.length;
      rest = rest.subarray(part.length);
      if (part.length === room) await this.#store();
    }
    if (this.#size === size) await this.#store();
  }

  async #read(into: Uint8Array, at: number): Promise<number> {
    this.#assertOpen("read back");
    await this.#store();
    if (at >= this.#size) return 0;
    if (this.#reader !== null && this.#reader.at !== at) await this.#closeReader();
    if (this.#reader === null) {
      const range = { start: at, end: this.#size };
      const reader = await this.#parts.source().open(range, null, this.#parts.signal);
      this.#reader = { reader, at };
    }
    const count = await this.#reader.reader.read(into);
    this.#reader.at += count;
    return count;
  }

  async #truncate(size: number): Promise<void> {
    this.#assertOpen("cut");
    if (this.#upload !== null && this.#upload.truncate(size - this.#from)) {
      this.#size = size;
      return;
    }
    const { access, path } = this.#parts;
    if (access.at.partial === "none" || size > this.#size) {
      throw unsupported("cut", access.shown(path), "what was sent cannot be taken back");
    }
    // What the server has beyond is written over, or found when its size is looked at.
    await this.#store();
    this.#size = size;
  }

  async #sync(): Promise<void> {
    this.#assertOpen("sync");
    if (this.#parts.access.at.partial !== "none") await this.#store();
  }

  /** Ends the request under way: all bytes are at the server. An empty file is made here. */
  async #store(): Promise<void> {
    if (this.#upload === null && this.#storedBytes !== null) return;
    const upload = this.#upload ?? this.#begin();
    this.#upload = null;
    await upload.finish();
    this.#storedBytes = Math.max(this.#storedBytes ?? 0, this.#size);
    if (this.#from > 0) await this.#assertStored(this.#storedBytes);
  }

  async #complete(): Promise<void> {
    await this.#store();
    if (this.#storedBytes !== this.#size) await this.#assertStored(this.#size);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#letGo();
    await this.#closeReader();
    await this.#upload?.cancel();
  }

  #letGo(): void {
    this.#parts.signal.removeEventListener("abort", this.#onAbort);
  }

  #begin(): Upload {
    const { access, path, size } = this.#parts;
    const { partial } = access.at;
    const from = this.#from = this.#size;
    if (from > 0 && partial === "none") {
      const reason = "this server was declared not to go on with a file (option partial)";
      throw unsupported("write", access.shown(path), reason);
    }
    return new Upload({
      client: access.client,
      hop: access.hop(path),
      method: from > 0 && partial === "patch" ? "PATCH" : "PUT",
      headers: () => this.#headers(from),
      accepts: STORED,
      // Pieces between syncs end where nobody knows beforehand.
      size: size === null || partial !== "none" ? null : size - from,
      holdBackBytes: this.#pieceBytes === Infinity
        ? access.client.limits.httpHoldBackBytes
        : this.#pieceBytes,
    });
  }

  #headers(from: number): Record<string, string> {
    const { partial } = this.#parts.access.at;
    if (from === 0) return { "content-type": "application/octet-stream" };
    if (partial === "patch") {
      return {
        "content-type": "application/x-sabredav-partialupdate",
        "x-update-range": `bytes=${from}-`,
      };
    }
    const range = `bytes ${from}-${this.#size - 1}/*`;
    return { "content-type": "application/octet-stream", "content-range": range };
  }

  /** `Content-Range` names the end of what it carries: such a piece is made before it is sent. */
  get #pieceBytes(): number {
    const { partial } = this.#parts.access.at;
    const isPiece = partial === "range" && (this.#upload === null ? this.#size : this.#from) > 0;
    return isPiece ? protocolLimits.davPieceBytes : Infinity;
  }

  /** A server that takes a part for the whole shows it here, before anything is published. */
  async #assertStored(bytes: number): Promise<void> {
    const { access, path, signal } = this.#parts;
    const standing = await access.stat(path, signal);
    if (standing?.size === bytes) return;
    const message =
      `cannot go on with ${access.shown(path)}: it has ${standing?.size ?? "no"} bytes ` +
      `where it should have ${bytes}; set option partial to what the server can do`;
    throw new ProtocolError("io", message, { retryable: false });
  }

  async #closeReader(): Promise<void> {
    const open = this.#reader;
    this.#reader = null;
    await open?.reader.close();
  }

  #assertOpen(action: string): void {
    if (!this.#isClosed) return;
    const { access, path } = this.#parts;
    const message = `cannot ${action} ${access.shown(path)}: the file is closed; open it again`;
    throw new ProtocolError("io", message, { retryable: false });
  }
}
