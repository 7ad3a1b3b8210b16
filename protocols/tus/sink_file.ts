/** A file on its way to a tus server, in pieces; the last one waits for the grant. */

import type { SinkFile } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { indefinite, unsupported } from "../http/call.ts";
import { Turns } from "../http/turns.ts";
import { protocolLimits } from "../limits.ts";
import type { SentPiece } from "./addresses.ts";
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
  /** What earlier attempts have sent of it. */
  readonly pieces: readonly SentPiece[];
  /** Remembers a piece before it is sent. */
  readonly note: (piece: SentPiece) => Promise<void>;
  readonly sha256: (bytes: Uint8Array) => string;
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
  /** Pieces that the server has, or has the beginning of, from where this file ends on. */
  #sent: SentPiece[];
  #piece = new Uint8Array();
  #pieceBytes = 0;
  /** Its memory is being sent. */
  #sending: Promise<void> | null = null;
  #spare: Uint8Array<ArrayBuffer> | null = null;
  #failure: { readonly why: unknown } | null = null;
  #isClosed = false;
  readonly #turns = new Turns();

  constructor(parts: TusFileParts) {
    this.#parts = parts;
    this.temp = parts.temp;
    this.#upload = parts.upload;
    // Where nobody remembers the pieces it begins anew.
    const cut = cutOf(parts, parts.upload?.progress.offset ?? 0);
    if (cut === null) this.#upload = null;
    this.#size = cut?.size ?? 0;
    this.#sent = cut?.sent ?? [];
  }

  /** Something of it is at the server. */
  get upload(): TusUpload | null {
    return this.#upload;
  }

  size(): Promise<number> {
    return this.#turns.take(() => Promise.resolve(this.#size));
  }

  write(bytes: Uint8Array, at: number): Promise<void> {
    return this.#turns.take(() => this.#write(bytes, at));
  }

  truncate(size: number): Promise<void> {
    return this.#turns.take(() => this.#truncate(size));
  }

  sync(): Promise<void> {
    return this.#turns.take(() => this.#sync());
  }

  /** Sends the rest, and with it the end. */
  finish(): Promise<void> {
    return this.#turns.take(() => this.#finish());
  }

  async #write(bytes: Uint8Array, at: number): Promise<void> {
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
      if (this.#room === 0) await this.#sendPiece();
      const room = this.#room;
      this.#add(rest.subarray(0, room));
      rest = rest.subarray(room);
    }
  }

  read(): Promise<number> {
    const reason = "a tus server gives back nothing of what it has";
    return Promise.reject(unsupported("read", this.#parts.label, reason));
  }

  /**
   * What was sent cannot be taken back. Cut into, a file ends where a piece does, and what follows is
   * compared with what was sent; where nobody remembers the pieces it begins anew.
   */
  async #truncate(size: number): Promise<void> {
    await this.#settled();
    const start = this.#size - this.#pieceBytes;
    if (size > this.#size) {
      throw unsupported("lengthen", this.#parts.label, "an upload is written in order");
    }
    if (size >= start && this.#sent.length === 0) {
      this.#pieceBytes = size - start;
      this.#size = size;
      return;
    }
    const cut = this.#pieceBytes === 0 ? cutOf(this.#parts, size) : null;
    this.#pieceBytes = 0;
    this.#size = cut?.size ?? 0;
    this.#sent = cut?.sent ?? [];
    if (cut !== null) return;
    const dropped = this.#upload;
    this.#upload = null;
    await dropped?.end();
  }

  /** All but the byte that would complete the upload is at the server. */
  async #sync(): Promise<void> {
    this.#assertUsable("send");
    await this.#settled();
    const { size } = this.#parts;
    const kept = size === null || this.#size < size ? 0 : 1;
    // A piece that is compared with what was sent goes as a whole.
    if (this.#pieceBytes > kept && this.#sent.length === 0) {
      await this.#sendPiece(this.#pieceBytes - kept);
    }
    await this.#settled();
  }

  async #finish(): Promise<void> {
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
    await this.#remember(last, this.#size);
    const missing = last.subarray(upload.progress.offset - (this.#size - this.#pieceBytes));
    await upload.send(missing, this.#size).catch((thrown: unknown) => {
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
    const start = this.#size - this.#pieceBytes;
    await this.#remember(full.subarray(0, count), start + count);
    const left = this.#pieceBytes - count;
    this.#piece = this.#spare ?? new Uint8Array(left);
    if (this.#piece.length < left) this.#piece = new Uint8Array(left);
    this.#piece.set(full.subarray(count, count + left));
    this.#pieceBytes = left;
    this.#spare = full;
    const missing = full.subarray(Math.min(count, upload.progress.offset - start), count);
    if (missing.length === 0) return;
    this.#sending = upload.send(missing, null).catch((why: unknown) => {
      this.#failure = { why };
    });
  }

  /** Up to where the piece that is being filled goes. */
  get #room(): number {
    const next = this.#sent[0];
    return next === undefined
      ? protocolLimits.tusPieceBytes - this.#pieceBytes
      : next.end - this.#size;
  }

  /** Notes a piece; one that the server has in part must be what was sent then. */
  async #remember(piece: Uint8Array, end: number): Promise<void> {
    const sha256 = this.#parts.sha256(piece);
    const [sent] = this.#sent;
    if (sent === undefined) return await this.#parts.note({ end, sha256 });
    this.#sent.shift();
    if (sent.end === end && sent.sha256 === sha256) return;
    const message =
      `cannot go on with ${this.#parts.label}: the source has other bytes before ${end} ` +
      "than those that were sent; start over";
    throw new ProtocolError("changed", message, { definite: true });
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

/**
 * The end of the last piece that ends before `size`, and the pieces from there on of which the server has
 * something; `null` where nobody remembers them all.
 */
function cutOf(
  { pieces, upload }: TusFileParts,
  size: number,
): { readonly size: number; readonly sent: SentPiece[] } | null {
  const offset = upload?.progress.offset ?? 0;
  if ((pieces.at(-1)?.end ?? 0) < offset) return null;
  const end = pieces.findLast((piece) => piece.end <= size)?.end ?? 0;
  const sent = pieces.filter((piece, index) =>
    piece.end > end && (index === 0 ? 0 : pieces[index - 1]!.end) < offset
  );
  return { size: end, sent };
}
