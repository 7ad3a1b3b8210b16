/**
 * A file of a share from its middle on. `reget` goes on at the end of a local file: one that is hollow up to
 * there serves. It has no end of its own, so a process of its own is bounded by the system: a local file
 * that would grow beyond the piece that is wanted ends it (`prlimit --fsize`).
 */

import type { DiskFile } from "../../runtime/env/env.ts";
import { shownPath } from "../containment.ts";
import { ProtocolError } from "../errors.ts";
import { translated } from "../file/disk_failure.ts";
import { assertSameVersion } from "../fingerprint.ts";
import { protocolLimits } from "../limits.ts";
import type { SmbAccess } from "./access.ts";
import { type Found, sizeRead } from "./answers.ts";
import { fingerprintOf } from "./facts.ts";
import { hollowAt, localName } from "./local_file.ts";
import { commandLine } from "./names.ts";
import type { SmbSession } from "./session.ts";
import { found } from "./share.ts";
import { SmbRefusal, statusIn, unexpected } from "./status.ts";

/** What is read of a file. */
export interface RangeParts {
  readonly access: SmbAccess;
  /** A folder of this machine. */
  readonly folder: string;
  readonly path: string;
  /** As it was seen; another version is `changed`. */
  readonly standing: Found;
  readonly start: number;
  readonly end: number;
}

/** Pieces one after the other, each on the local disk for as long as it is read. */
export class RangeDownload {
  readonly #parts: RangeParts;
  readonly #action: string;
  #piece: { readonly file: DiskFile; readonly local: string; readonly end: number } | null = null;
  #at: number;
  #fetching: Promise<void> | null = null;
  #session: SmbSession | null = null;
  #isClosed = false;

  constructor(parts: RangeParts) {
    this.#parts = parts;
    this.#action = `read ${shownPath(parts.path)}`;
    this.#at = parts.start;
  }

  /** Fills `into` with at least one byte; 0 means the end. */
  async read(into: Uint8Array): Promise<number> {
    if (this.#at === this.#parts.end) return 0;
    if (this.#piece === null || this.#piece.end === this.#at) {
      this.#fetching = this.#next();
      await this.#fetching;
    }
    const { file, end } = this.#piece!;
    const room = into.subarray(0, Math.min(into.length, end - this.#at));
    const count = await translated(() => file.read(room, this.#at));
    if (count === 0) throw this.#short(this.#at);
    this.#at += count;
    return count;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#session?.end();
    await this.#fetching?.catch(() => {});
    await this.#drop();
  }

  async #next(): Promise<void> {
    await this.#drop();
    const { access, folder, standing, end: last } = this.#parts;
    const end = Math.min(this.#at + protocolLimits.smbRangeBytes, last);
    const { disk, random } = access.env;
    const local = localName(folder, random);
    const file = await translated(() => hollowAt(disk, local, this.#at));
    this.#piece = { file, local, end };
    const session = await access.limited(end);
    this.#session = session;
    try {
      const now = await found(session, this.#parts.path);
      if (now === null) throw this.#changed();
      assertSameVersion(this.#action, fingerprintOf(standing), fingerprintOf(now));
      const words = [{ path: this.#parts.path }, { local }];
      const said = await session.run(this.#action, commandLine("reget", words));
      const size = sizeRead(said, local);
      if (size === null) throw this.#refusal(session, said);
      if (size !== standing.size) throw this.#changed();
    } catch (thrown) {
      const isChanged = thrown instanceof ProtocolError && thrown.code === "changed";
      // It writes in order. The limit ends it in the middle of writing; and a read at the very end of a
      // file, which it asks for as well, is INVALID_NETWORK_RESPONSE to 4.17.
      if (isChanged || await this.#length(file) < end) throw thrown;
    } finally {
      this.#session = null;
      await session.end();
    }
    const length = await this.#length(file);
    if (length < end) throw this.#short(length);
    if (this.#isClosed) throw new ProtocolError("aborted", `cannot ${this.#action}: it was closed`);
  }

  async #length(file: DiskFile): Promise<number> {
    return (await translated(() => file.stat())).size;
  }

  async #drop(): Promise<void> {
    const piece = this.#piece;
    this.#piece = null;
    if (piece === null) return;
    await piece.file.close();
    await translated(() => this.#parts.access.env.disk.remove(piece.local));
  }

  #refusal({ place }: SmbSession, said: string): ProtocolError {
    const status = statusIn(said);
    if (status === null) return unexpected(this.#action, place, said);
    return new SmbRefusal(this.#action, place, status);
  }

  #changed(): ProtocolError {
    const message = `cannot ${this.#action}: it was changed; start over`;
    return new ProtocolError("changed", message, { definite: true });
  }

  #short(at: number): ProtocolError {
    const { size } = this.#parts.standing;
    const message = `cannot ${this.#action}: it ended at byte ${at} of ${size}`;
    return new ProtocolError("truncated", message);
  }
}
