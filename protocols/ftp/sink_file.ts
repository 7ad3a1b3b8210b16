/** A temporary file of an FTP server, which grows at its end. */

import type { SinkFile } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import type { HeldSession } from "../sessions.ts";
import type { FtpAccess } from "./access.ts";
import { canRestart } from "./features.ts";
import { explained, type FtpSession } from "./session.ts";
import { Download, Upload } from "./transfer.ts";

/** What a file needs of its sink. */
export interface SinkFileParts {
  readonly access: FtpAccess;
  readonly temp: string;
  /** Where it is on the server. */
  readonly path: string;
  /** For messages. */
  readonly shown: string;
}

interface Writing {
  readonly held: HeldSession<FtpSession>;
  readonly upload: Upload;
}

interface Reading {
  readonly held: HeldSession<FtpSession>;
  readonly download: Download;
  at: number;
}

/**
 * Calls take their turns. A session is held while bytes move and not in between: bytes go through one
 * data connection until somebody wants to know what has arrived, and through another one after that.
 * What one call met is told by all later ones: nobody knows what the server has then.
 */
export class FtpSinkFile implements SinkFile {
  readonly temp: string;
  readonly fileId = null;
  readonly #parts: SinkFileParts;
  /** Bytes that were written; the file may be longer where it was cut. */
  #size: number;
  /** Bytes that stand on the server at the least. */
  #standing: number;
  #writing: Writing | null = null;
  #reading: Reading | null = null;
  #order: Promise<unknown> = Promise.resolve();
  #failure: { readonly why: unknown } | null = null;
  #closing: Promise<void> | null = null;

  private constructor(parts: SinkFileParts, size: number) {
    this.temp = parts.temp;
    this.#parts = parts;
    this.#size = size;
    this.#standing = size;
  }

  /** Makes the file on the server; `held` is its session until the first bytes have arrived. */
  static async create(parts: SinkFileParts, held: HeldSession<FtpSession>): Promise<FtpSinkFile> {
    const file = new FtpSinkFile(parts, 0);
    const action = `create ${parts.shown}`;
    const upload = await Upload.open(held.session, { action, command: `STOR ${parts.path}` });
    file.#writing = { held, upload };
    return file;
  }

  /** A file that has so many bytes. */
  static reopen(parts: SinkFileParts, size: number): FtpSinkFile {
    return new FtpSinkFile(parts, size);
  }

  size(): Promise<number> {
    return this.#turn("look at", async () => {
      await this.#finishWriting();
      return this.#size;
    });
  }

  write(bytes: Uint8Array, at: number): Promise<void> {
    return this.#turn("write to", async () => {
      if (at !== this.#size) {
        const message =
          `cannot write to ${this.#parts.shown} at byte ${at}: it has ${this.#size} ` +
          "bytes, and FTP writes at the end only";
        throw new ProtocolError("unsupported", message, { definite: true });
      }
      if (bytes.length === 0) return;
      await this.#stopReading();
      await this.#keepingFailure(async () => {
        this.#writing ??= await this.#openWriting();
        await this.#writing.upload.write(bytes);
      });
      this.#size += bytes.length;
      this.#standing = Math.max(this.#standing, this.#size);
    });
  }

  read(into: Uint8Array, at: number): Promise<number> {
    return this.#turn("read", async () => {
      await this.#finishWriting();
      if (this.#reading !== null && this.#reading.at !== at) await this.#stopReading();
      const wanted = Math.min(into.length, this.#size - at);
      if (wanted <= 0) {
        await this.#stopReading();
        return 0;
      }
      return await this.#readOn(into.subarray(0, wanted), at);
    });
  }

  truncate(size: number): Promise<void> {
    return this.#turn("cut", async () => {
      await this.#finishWriting();
      await this.#stopReading();
      if (size > this.#size) {
        const message = `cannot make ${this.#parts.shown} longer than what was written`;
        throw new ProtocolError("unsupported", message, { definite: true });
      }
      this.#size = size;
    });
  }

  /** All bytes have arrived when it resolves, as far as the server tells; it promises no durability. */
  sync(): Promise<void> {
    // What went wrong is told by the next call that needs the bytes: they are verified before use.
    return this.#turn("sync", () => this.#finishWriting().catch(() => {}));
  }

  /** Everything has arrived, and the file is as long as what was written. */
  settled(): Promise<void> {
    return this.#turn("publish", async () => {
      await this.#finishWriting();
      await this.#stopReading();
      if (this.#standing > this.#size) await this.#cut();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#order.then(async () => {
      await this.#finishWriting().catch(() => {});
      await this.#stopReading();
    });
    return this.#closing;
  }

  /** Runs `step` after all that were asked for before. */
  #turn<T>(verb: string, step: () => Promise<T>): Promise<T> {
    if (this.#closing !== null) {
      const message = `cannot ${verb} ${this.#parts.shown}: it was closed`;
      return Promise.reject(new ProtocolError("io", message));
    }
    const turn = this.#order.then(async () => {
      if (this.#failure !== null && verb !== "sync") throw this.#failure.why;
      return await step();
    });
    this.#order = turn.catch(() => {});
    return turn;
  }

  async #keepingFailure<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (thrown) {
      const isOfOneCall = thrown instanceof ProtocolError && thrown.code === "aborted";
      if (!isOfOneCall) this.#failure ??= { why: thrown };
      await this.#dropWriting();
      throw thrown;
    }
  }

  /** Appends, or begins in the middle where the file was cut; `notFound` if somebody took it away. */
  async #openWriting(): Promise<Writing> {
    const { access, path, shown } = this.#parts;
    const action = `write to ${shown}`;
    const held = await access.take(action, "write", null);
    try {
      const { session } = held;
      const seen = await session.look(path);
      if (seen === null) throw gone(shown);
      const command = this.#size === 0 || seen.size !== this.#size ? "STOR" : "APPE";
      if (command === "STOR" && this.#size > 0) this.#assertCuttable(session, seen.size);
      const from = command === "STOR" ? this.#size : 0;
      const request = { action, command: `${command} ${path}`, from };
      const upload = await Upload.open(session, request).catch(async (thrown: unknown) => {
        throw await explained(session, path, "directory", thrown);
      });
      if (this.#size === 0) this.#standing = 0;
      return { held, upload };
    } catch (thrown) {
      held.release();
      throw thrown;
    }
  }

  #assertCuttable(session: FtpSession, size: number | null): void {
    const { shown } = this.#parts;
    if (size === null || size < this.#size) {
      const message =
        `cannot go on with ${shown}: it has ${size} bytes, and ${this.#size} were written`;
      throw new ProtocolError("io", message);
    }
    if (canRestart(session.features)) return;
    const message =
      `cannot write to ${shown} from byte ${this.#size} on: the server can only append`;
    throw new ProtocolError("unsupported", message, { definite: true });
  }

  /** What stands behind the end is cut off; servers that keep it cannot be used for this. */
  async #cut(): Promise<void> {
    await this.#keepingFailure(async () => {
      this.#writing = await this.#openWriting();
      await this.#finishWriting();
    });
    const { access, path, shown } = this.#parts;
    const seen = await access.use(`look at ${shown}`, null, (session) => session.look(path));
    if (seen?.size === this.#size) {
      this.#standing = this.#size;
      return;
    }
    const message =
      `cannot cut ${shown} to ${this.#size} bytes: the server keeps what stands behind`;
    throw new ProtocolError("unsupported", message, { definite: true });
  }

  async #finishWriting(): Promise<void> {
    if (this.#failure !== null) throw this.#failure.why;
    if (this.#writing === null) return;
    await this.#keepingFailure(async () => {
      const { upload, held } = this.#writing!;
      await upload.finish();
      this.#writing = null;
      held.release();
    });
  }

  async #dropWriting(): Promise<void> {
    const writing = this.#writing;
    this.#writing = null;
    await writing?.upload.close();
    writing?.held.release();
  }

  async #readOn(into: Uint8Array, at: number): Promise<number> {
    try {
      const reading = this.#reading ??= await this.#openReading(at);
      for (let count = 0; count < into.length;) {
        const came = await reading.download.fill(into.subarray(count));
        if (came === 0) {
          await this.#stopReading();
          return count;
        }
        count += came;
        reading.at += came;
      }
      return into.length;
    } catch (thrown) {
      await this.#stopReading();
      throw thrown;
    }
  }

  async #openReading(at: number): Promise<Reading> {
    const { access, path, shown } = this.#parts;
    const action = `read back ${shown}`;
    const held = await access.take(action, "reread", null);
    try {
      const request = { action, command: `RETR ${path}`, from: at };
      return { held, at, download: await Download.open(held.session, request) };
    } catch (thrown) {
      const reason = await explained(held.session, path, "file", thrown);
      held.release();
      throw reason;
    }
  }

  async #stopReading(): Promise<void> {
    const reading = this.#reading;
    this.#reading = null;
    if (reading === null) return;
    // To hear that it was the end costs less than to break the transfer off.
    const isAtEnd = reading.at >= this.#standing;
    if (isAtEnd) await reading.download.fill(new Uint8Array(1)).catch(() => 0);
    await reading.download.close();
    reading.held.release();
  }
}

/** A temporary file that is not there any more. */
export function gone(shown: string): ProtocolError {
  const message = `cannot go on with ${shown}: it is gone; a later attempt has taken over`;
  return new ProtocolError("notFound", message, { definite: true });
}
