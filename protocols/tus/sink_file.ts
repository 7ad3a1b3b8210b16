/** A file on its way to a tus server, in pieces; the last one waits for the grant. */

import type { SinkFile } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { indefinite, unsupported } from "../http/call.ts";
import { protocolLimits } from "../limits.ts";
import type { TusUpload } from "./upload.ts";

/** What a file is made with. */
export interface TusFileParts {
  readonly temp: string;
  /** For messages. */
  readonly label: string;
  /** Bytes of the whole file, where they are known. */
  readonly size: number | null;
  /** An upload of an earlier attempt. */
  readonly upload: TusUpload | null;
  /** Makes the upload, when there is something to send; `length` as far as it is known. */
  readonly create: (length: number | null) => Promise<TusUpload>;
}

/**
 * Nothing is made at the server before a piece is full or the file is synced. A piece is sent while the
 * next one is written: a failure shows at a later call, at the latest at publishing.
 */
export class TusSinkFile implements SinkFile {
  readonly temp: string;
  readonly fileId = null;
  readonly #parts: TusFileParts;
  #upload: TusUpload | null;
  #size: number;
  #piece = new Uint8Array();
  #pieceBytes = 0;
  /** Its memory is being sent. */
  #sending: Promise<void> | null = null;
  #spare: Uint8Array<ArrayBuffer> | null = null;
  #failure: { readonly why: unknown } | null = null;
  #isClosed = false;

  constructor(parts: TusFileParts) {
    this.#parts = parts;
    this.temp = parts.temp;
    this.#upload = parts.upload;
    this.#size = parts.upload?.progress.offset ?? 0;
  }

  /** Something of it is at the server. */
  get upload(): TusUpload | null {
    return this.#upload;
  }

  size(): Promise<number> {
    return Promise.resolve(this.#size);
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    this.#assertUsable("write to");
    const { size, label } = this.#parts;
    if (at !== this.#size) {
      throw unsupported("write", label, "an upload is written in order, from its start on");
    }
    if (size !== null && at + bytes.length > size) {
      const message = `cannot write to ${label}: the source announced ${size} bytes and has more`;
      throw new ProtocolError("tooLong", message, { definite: true });
    }
    for (let rest = bytes; rest.length > 0;) {
      // Full before, and more is coming: so it is not the last one.
      if (this.#pieceBytes === protocolLimits.tusPieceBytes) await this.#sendPiece();
      const room = protocolLimits.tusPieceBytes - this.#pieceBytes;
      this.#add(rest.subarray(0, room));
      rest = rest.subarray(room);
    }
  }

  read(): Promise<number> {
    const reason = "a tus server gives back nothing of what it has";
    return Promise.reject(unsupported("read", this.#parts.label, reason));
  }

  /** What was sent cannot be taken back: cutting into it begins a new upload, from the first byte on. */
  async truncate(size: number): Promise<void> {
    await this.#settled();
    const sent = this.#size - this.#pieceBytes;
    if (size > this.#size) {
      throw unsupported("lengthen", this.#parts.label, "an upload is written in order");
    }
    this.#pieceBytes = Math.max(0, size - sent);
    this.#size = size < sent ? 0 : size;
    if (size >= sent) return;
    const dropped = this.#upload;
    this.#upload = null;
    await dropped?.end();
  }

  /** All but the byte that would complete the upload is at the server. */
  async sync(): Promise<void> {
    this.#assertUsable("send");
    await this.#settled();
    const { size } = this.#parts;
    const kept = size === null || this.#size < size ? 0 : 1;
    if (this.#pieceBytes > kept) await this.#sendPiece(this.#pieceBytes - kept);
    await this.#settled();
  }

  /** Sends the rest, and with it the end. */
  async finish(): Promise<void> {
    this.#assertUsable("publish");
    await this.#settled();
    const { size, label } = this.#parts;
    if (size !== null && this.#size !== size) {
      const message =
        `cannot publish ${label}: the source announced ${size} bytes and had ${this.#size}`;
      throw new ProtocolError("truncated", message, { definite: true });
    }
    // Where nothing was made yet the size is known now; an empty upload is complete with its making.
    const isNew = this.#upload === null;
    const upload = this.#upload ??= await this.#made(this.#size);
    if (isNew && this.#size === 0) return;
    const last = this.#piece.subarray(0, this.#pieceBytes);
    await upload.send(last, this.#size).catch((thrown: unknown) => {
      throw indefinite(thrown);
    });
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#settled().catch(() => {});
  }

  #add(bytes: Uint8Array): void {
    const needed = this.#pieceBytes + bytes.length;
    if (needed > this.#piece.length) {
      const most = protocolLimits.tusPieceBytes;
      const larger = new Uint8Array(
        Math.min(most, Math.max(needed, this.#piece.length * 2, 65_536)),
      );
      larger.set(this.#piece.subarray(0, this.#pieceBytes));
      this.#piece = larger;
    }
    this.#piece.set(bytes, this.#pieceBytes);
    this.#pieceBytes = needed;
    this.#size += bytes.length;
  }

  /** Begins to send the first `count` bytes; what is left of the piece goes to the front of the next. */
  async #sendPiece(count: number = this.#pieceBytes): Promise<void> {
    await this.#settled();
    this.#upload ??= await this.#made(this.#parts.size);
    const [upload, full] = [this.#upload, this.#piece];
    const left = this.#pieceBytes - count;
    this.#piece = this.#spare ?? new Uint8Array(left);
    if (this.#piece.length < left) this.#piece = new Uint8Array(left);
    this.#piece.set(full.subarray(count, count + left));
    this.#pieceBytes = left;
    this.#spare = full;
    this.#sending = upload.send(full.subarray(0, count), null).catch((why: unknown) => {
      this.#failure = { why };
    });
  }

  async #made(length: number | null): Promise<TusUpload> {
    return await this.#parts.create(length);
  }

  async #settled(): Promise<void> {
    await this.#sending;
    this.#sending = null;
    if (this.#failure !== null) throw this.#failure.why;
  }

  #assertUsable(action: string): void {
    if (this.#failure !== null) throw this.#failure.why;
    if (!this.#isClosed) return;
    const message = `cannot ${action} ${this.#parts.label}: the upload is closed; open it again`;
    throw new ProtocolError("io", message, { retryable: false });
  }
}
