/** A file on its way to a share: short ones wait in memory, long ones leave as they come. */

import { shownPath } from "../containment.ts";
import type { SinkFile } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { HeldSession } from "../sessions.ts";
import type { SmbAccess } from "./access.ts";
import { Download } from "./download.ts";
import { keptAt, localName } from "./local_file.ts";
import { UPLOADED_NAME } from "./program.ts";
import type { SmbSession } from "./session.ts";
import { found, put } from "./share.ts";
import type { Upload } from "./upload.ts";

interface Reading {
  readonly held: HeldSession<SmbSession>;
  readonly download: Download;
  at: number;
}

/** The content of a temporary directory; written from its start to its end. */
export class SmbSinkFile implements SinkFile {
  readonly temp: string;
  readonly fileId = null;
  /** The temporary directory in the share. */
  readonly directory: string;
  readonly #access: SmbAccess;
  #waiting = new Uint8Array(0);
  #size = 0;
  #upload: HeldSession<Upload> | null = null;
  /** What was written is on the server. */
  #isThere = false;
  #reading: Reading | null = null;
  #isClosed = false;

  constructor(access: SmbAccess, directory: string, temp: string) {
    this.#access = access;
    this.directory = directory;
    this.temp = temp;
  }

  /** Where the content is. */
  get path(): string {
    return `${this.directory}\\${UPLOADED_NAME}`;
  }

  /** Bytes that were written. */
  get length(): number {
    return this.#size;
  }

  async size(): Promise<number> {
    await this.settled();
    return await this.#access.use(`look at ${shownPath(this.path)}`, null, async (session) => {
      return (await found(session, this.path))?.size ?? this.#gone();
    });
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    this.#assertOpen("write to");
    if (at !== this.#size) throw this.#refused(`write at byte ${at} of`, "it is written in order");
    const isLong = this.#upload !== null || this.#size + bytes.length > LONG_BYTES;
    if (isLong) await this.#send(bytes);
    else this.#keep(bytes);
    this.#size += bytes.length;
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    await this.settled();
    if (at >= this.#size) return 0;
    const reading = await this.#readingFrom(at);
    let count = 0;
    while (count < into.length) {
      const more = await reading.download.read(into.subarray(count));
      if (more === 0) break;
      count += more;
      reading.at += more;
    }
    if (reading.at === this.#size) await reading.download.finish();
    return count;
  }

  truncate(size: number): Promise<void> {
    this.#assertOpen("cut");
    if (size === this.#size) return Promise.resolve();
    if (this.#waiting.length < this.#size || size > this.#size) {
      return Promise.reject(this.#refused("cut", "what was sent stays; begin another one"));
    }
    this.#size = size;
    this.#isThere = false;
    return Promise.resolve();
  }

  /** SMB's flush is nothing that smbclient has: the server has it all, and may lose it with its power. */
  async sync(): Promise<void> {
    await this.settled();
  }

  /** Resolves when everything that was written is on the server. */
  async settled(): Promise<void> {
    this.#assertOpen("use");
    if (this.#isThere) return;
    if (this.#upload !== null) await this.#upload.session.finish();
    else if (!await this.#spooled()) await this.#sendWhole();
    this.#isThere = true;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waiting = new Uint8Array(0);
    await this.#endReading();
    const upload = this.#upload;
    this.#upload = null;
    await upload?.session.end();
    upload?.release();
  }

  #keep(bytes: Uint8Array): void {
    const needed = this.#size + bytes.length;
    if (this.#waiting.length < needed) {
      const larger = new Uint8Array(Math.min(LONG_BYTES, Math.max(needed, 2 * this.#size)));
      larger.set(this.#waiting.subarray(0, this.#size));
      this.#waiting = larger;
    }
    this.#waiting.set(bytes, this.#size);
    this.#isThere = false;
  }

  async #send(bytes: Uint8Array): Promise<void> {
    if (this.#upload === null) {
      this.#isThere = false;
      this.#upload = await this.#access.upload(this.directory, this.path);
      const waiting = this.#waiting.subarray(0, this.#size);
      this.#waiting = new Uint8Array(0);
      if (waiting.length > 0) await this.#upload.session.write(waiting);
    }
    if (this.#isThere) throw this.#refused("go on with", "it was ended before");
    if (bytes.length > 0) await this.#upload.session.write(bytes);
  }

  /** What waits, by a process of its own; it goes on waiting, since it may be cut or written on. */
  async #sendWhole(): Promise<void> {
    const { session, release } = await this.#access.upload(this.directory, this.path);
    try {
      if (this.#size > 0) await session.write(this.#waiting.subarray(0, this.#size));
      await session.finish();
    } finally {
      await session.end();
      release();
    }
  }

  /** By a file of this machine, and a session that is open already; `false` where there is no room. */
  async #spooled(): Promise<boolean> {
    const { machine: { folder }, env: { disk, random } } = this.#access;
    if (folder === null) return false;
    const local = localName(folder, random);
    if (!await keptAt(disk, local, this.#waiting.subarray(0, this.#size))) return false;
    try {
      const action = `write ${shownPath(this.path)}`;
      await this.#access.use(action, null, (session) => put(session, local, this.path));
      return true;
    } finally {
      await disk.remove(local);
    }
  }

  /** Reads go on where the last one ended; another place is a new beginning. */
  async #readingFrom(at: number): Promise<Reading> {
    if (this.#reading !== null && this.#reading.at > at) await this.#endReading();
    if (this.#reading === null) {
      const held = await this.#access.take("reads", null);
      const action = `read ${shownPath(this.path)}`;
      const download = await Download.begin(held.session, action, this.path, this.#size);
      this.#reading = { held, download, at: 0 };
    }
    const skipped = new Uint8Array(Math.min(SKIP_BYTES, at - this.#reading.at));
    while (this.#reading.at < at) {
      const room = skipped.subarray(0, at - this.#reading.at);
      this.#reading.at += await this.#reading.download.read(room);
    }
    return this.#reading;
  }

  async #endReading(): Promise<void> {
    const reading = this.#reading;
    this.#reading = null;
    if (reading === null) return;
    if (!reading.download.isFinished) await reading.held.session.end();
    reading.held.release();
  }

  #gone(): never {
    const message = `cannot look at ${shownPath(this.path)}: it is gone; a later attempt has it`;
    throw new ProtocolError("notFound", message, { definite: true });
  }

  #refused(verb: string, reason: string): ProtocolError {
    const message = `cannot ${verb} ${shownPath(this.path)}: ${reason}`;
    return new ProtocolError("unsupported", message, { definite: true });
  }

  #assertOpen(verb: string): void {
    if (!this.#isClosed) return;
    throw new ProtocolError("io", `cannot ${verb} ${shownPath(this.path)}: it was closed`);
  }
}

const LONG_BYTES = protocolLimits.smbSpoolBytes;
const SKIP_BYTES = 65_536;
