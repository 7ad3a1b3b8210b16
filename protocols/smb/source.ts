/** Reading files of a share. */

import { unlessAborted } from "../../runtime/base/unless_aborted.ts";
import { abortedError, assertNotAborted } from "../aborting.ts";
import { shownPath } from "../containment.ts";
import type {
  ByteRange,
  Fingerprint,
  Source,
  SourceCapabilities,
  SourceFacts,
  SourceReader,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { assertSameVersion } from "../fingerprint.ts";
import { protocolLimits } from "../limits.ts";
import type { HeldSession } from "../sessions.ts";
import type { SmbAccess } from "./access.ts";
import type { Found } from "./answers.ts";
import { Download } from "./download.ts";
import { assertFile, fingerprintOf, sourceFactsOf } from "./facts.ts";
import { sharePath } from "./names.ts";
import type { SmbSession } from "./session.ts";
import { RangeDownload } from "./range.ts";
import { found, foundAndBegun } from "./share.ts";

/** The most; without a folder for files on their way only whole files are read. */
export const SOURCE_CAPABILITIES: SourceCapabilities = {
  ranges: true,
  parallelRanges: false,
  serverHash: false,
  mtime: true,
  permissions: false,
};

/** A source at a path of a share. */
export class SmbSource implements Source {
  readonly capabilities: SourceCapabilities;
  readonly #access: SmbAccess;
  readonly #path: string;
  readonly #shown: string;

  constructor(access: SmbAccess) {
    const { path, label } = access.place;
    this.#access = access;
    this.capabilities = { ...SOURCE_CAPABILITIES, ranges: access.machine.folder !== null };
    this.#path = sharePath(path.slice(1).split("/"));
    this.#shown = `${label}${shownPath(path)}`;
  }

  stat(signal: AbortSignal): Promise<SourceFacts> {
    return this.#access.use(`look at ${this.#shown}`, signal, async (session) => {
      const standing = await this.#standing(session, "look at");
      return sourceFactsOf(standing, await this.#access.canReadParts());
    });
  }

  async open(
    range: ByteRange,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<SourceReader> {
    const action = `read ${this.#shown}`;
    assertNotAborted(action, signal);
    const held = await this.#access.take("reads", signal);
    const opening = this.#opened(held, range, expected, signal);
    try {
      return await unlessAborted(signal, opening);
    } catch (thrown) {
      opening.catch(() => {});
      if (signal.aborted) void held.session.end();
      held.release();
      throw signal.aborted && thrown === signal.reason ? abortedError(action, signal) : thrown;
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #opened(
    held: HeldSession<SmbSession>,
    range: ByteRange,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<SourceReader> {
    const { session } = held;
    const action = `read ${shownPath(this.#path)}`;
    const isWhole = range.start === 0 &&
      (range.end ?? expected?.size ?? null) === (expected?.size ?? null);
    // One turn for both. What turns out to be another version, or no file, ends the session.
    const standing = isWhole
      ? this.#asFile(await foundAndBegun(session, action, this.#path), "read")
      : await this.#standing(session, "read");
    if (expected !== null) {
      assertSameVersion(`read ${this.#shown}`, expected, fingerprintOf(standing));
    }
    const download = isWhole
      ? Download.begun(session, action, standing.size)
      : await this.#download(session, range, standing);
    const { clock } = this.#access.env;
    const begunMs = clock.monotonic();
    const again = async () => {
      const isShort = download instanceof Download &&
        standing.size <= protocolLimits.smbConfirmAboveBytes &&
        clock.monotonic() - begunMs <= protocolLimits.smbConfirmAboveMs;
      // It was opened with the size that was seen, and read in one go.
      return fingerprintOf(isShort ? standing : await this.#standing(session, "confirm"));
    };
    const facts = sourceFactsOf(standing, await this.#access.canReadParts());
    return new SmbReader(held, download, { action, facts, signal, again });
  }

  /** A whole file comes as it is read; a part of one by way of the local disk. */
  async #download(
    session: SmbSession,
    { start, end }: ByteRange,
    standing: Found,
  ): Promise<Download | RangeDownload> {
    const { size } = standing;
    const folder = await this.#access.canReadParts() ? this.#access.machine.folder : null;
    const last = Math.min(end ?? size, size);
    if (start === 0 && last === size) {
      return await Download.begin(session, `read ${shownPath(this.#path)}`, this.#path, size);
    }
    if (start <= last && folder !== null) {
      const access = this.#access;
      return new RangeDownload({ access, folder, path: this.#path, standing, start, end: last });
    }
    const reason = folder === null ? "without a folder and prlimit only whole files are read" : "";
    const message = `cannot read ${this.#shown} from byte ${start} to ${end ?? "its end"}: ` +
      `it has ${size} bytes${reason === "" ? "" : `, and ${reason}`}`;
    throw new ProtocolError("rangeNotSupported", message, { definite: true });
  }

  async #standing(session: SmbSession, verb: string): Promise<Found> {
    return this.#asFile(await found(session, this.#path), verb);
  }

  #asFile(standing: Found | null, verb: string): Found {
    if (standing === null) {
      const message = `cannot ${verb} ${this.#shown}: there is no such file`;
      throw new ProtocolError("notFound", message, { definite: true });
    }
    assertFile(this.#access.place.label, this.#path, standing);
    return standing;
  }
}

interface Reading {
  readonly action: string;
  readonly facts: SourceFacts;
  readonly signal: AbortSignal;
  /** What stands at the path now. */
  readonly again: () => Promise<Fingerprint>;
}

class SmbReader implements SourceReader {
  readonly facts: SourceFacts;
  readonly #held: HeldSession<SmbSession>;
  readonly #download: Download | RangeDownload;
  readonly #reading: Reading;
  #isClosed = false;

  constructor(held: HeldSession<SmbSession>, download: Download | RangeDownload, reading: Reading) {
    this.facts = reading.facts;
    this.#held = held;
    this.#download = download;
    this.#reading = reading;
  }

  read(into: Uint8Array): Promise<number> {
    return this.#unlessAborted(() => this.#download.read(into));
  }

  async confirm(): Promise<Fingerprint> {
    const { action, again } = this.#reading;
    try {
      return await this.#unlessAborted(async () => {
        if (this.#download instanceof Download) await this.#download.finish();
        return await again();
      });
    } catch (thrown) {
      if (!(thrown instanceof ProtocolError) || thrown.code !== "notFound") throw thrown;
      throw new ProtocolError("changed", `cannot ${action}: it is gone`, { cause: thrown });
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // What has not come yet would come before the next file.
    if (this.#download instanceof RangeDownload) await this.#download.close();
    else if (!this.#download.isFinished) await this.#held.session.end();
    this.#held.release();
  }

  async #unlessAborted<T>(call: () => Promise<T>): Promise<T> {
    const { action, signal } = this.#reading;
    if (this.#isClosed) throw new ProtocolError("aborted", `cannot ${action}: it was closed`);
    assertNotAborted(action, signal);
    const work = call();
    try {
      return await unlessAborted(signal, work);
    } catch (thrown) {
      if (thrown !== signal.reason) throw thrown;
      work.catch(() => {});
      void this.#held.session.end();
      throw abortedError(action, signal);
    }
  }
}
