/**
 * A transfer protocol from outside: one file out of a tar archive, without unpacking the rest.
 *
 * `tar:///srv/backups/monday.tar!/etc/hosts` is the member `etc/hosts` of that archive on the agent.
 *
 * ```sh
 * deno task quorus protocols tar --protocol examples/16_protocol/tar.ts
 * deno task quorus copy 'tar:///srv/monday.tar!/etc/hosts' hosts --protocol examples/16_protocol/tar.ts
 * ```
 */

import {
  assertNotAborted,
  assertSameVersion,
  type ByteRange,
  type Env,
  type Fingerprint,
  pathOfUri,
  type ProtocolContext,
  ProtocolError,
  safeName,
  shownPath,
  type Source,
  type SourceCapabilities,
  type SourceEndpoint,
  type SourceFacts,
  type SourceReader,
  type TransferProtocol,
} from "@quorus/quorus";
import { findMember, type Member } from "./members.ts";

type DiskFile = Awaited<ReturnType<Env["disk"]["open"]>>;

const CAPABILITIES: SourceCapabilities = {
  ranges: true,
  parallelRanges: true,
  serverHash: false,
  mtime: true,
  permissions: true,
};

const tar: TransferProtocol = {
  name: "tar",
  schemes: ["tar"],
  description: {
    summary: "files in tar archives on the disks of the agent",
    source: CAPABILITIES,
    sink: null,
    directory: null,
    options: {},
  },
  source: (endpoint, context) => new TarSource(endpoint, context),
};

export default tar;

class TarSource implements Source {
  readonly capabilities = CAPABILITIES;
  readonly #disk: Env["disk"];
  readonly #archive: string;
  readonly #member: string;
  readonly #shown: string;

  /** Checks what was declared; nothing is touched yet. */
  constructor({ uri }: SourceEndpoint, { env }: ProtocolContext) {
    const path = pathOfUri("tar", uri);
    const at = path.indexOf("!/");
    if (at < 0) {
      const message = `cannot read ${shownPath(path)}: it names no member; write ARCHIVE!/MEMBER`;
      throw new ProtocolError("badEndpoint", message);
    }
    this.#archive = path.slice(0, at);
    this.#member = path.slice(at + 2);
    for (const segment of this.#member.split("/")) safeName(segment);
    this.#shown = `${shownPath(this.#member)} in ${shownPath(this.#archive)}`;
    this.#disk = env.disk;
  }

  async stat(signal: AbortSignal): Promise<SourceFacts> {
    const { file, facts } = await this.#found(signal);
    await file.close();
    return facts;
  }

  async open(
    { start, end }: ByteRange,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<SourceReader> {
    const { file, facts, member } = await this.#found(signal);
    try {
      if (expected !== null) assertSameVersion(`read ${this.#shown}`, expected, facts.fingerprint);
      if (start > member.size || (end ?? member.size) < start) {
        const message = `cannot read ${this.#shown} from byte ${start}: it has ${member.size}`;
        throw new ProtocolError("rangeNotSupported", message);
      }
      const last = member.offset + Math.min(end ?? member.size, member.size);
      const confirm = () => this.#versionNow(member);
      return new MemberReader(file, facts, member.offset + start, last, confirm, signal);
    } catch (thrown) {
      await file.close();
      throw thrown;
    }
  }

  async #found(
    signal: AbortSignal,
  ): Promise<{ file: DiskFile; facts: SourceFacts; member: Member }> {
    assertNotAborted(`look at ${this.#shown}`, signal);
    const standing = await this.#disk.stat(this.#archive);
    if (standing?.kind !== "file") throw this.#missing("there is no such archive");
    const file = await this.#disk.open(this.#archive, { read: true });
    try {
      const member = await findMember(file, this.#archive, this.#member, signal);
      if (member === null) throw this.#missing("it has no such member");
      const fingerprint = fingerprintOf(await file.stat(), member);
      const facts = { fingerprint, ranges: true, mode: member.mode, sha256: null };
      return { file, facts, member };
    } catch (thrown) {
      await file.close();
      throw thrown;
    }
  }

  /** A changed archive has changed its members: nobody knows which. */
  async #versionNow(member: Member): Promise<Fingerprint> {
    const standing = await this.#disk.stat(this.#archive);
    if (standing !== null) return fingerprintOf(standing, member);
    throw new ProtocolError("changed", `cannot confirm ${this.#shown}: the archive is gone`);
  }

  #missing(reason: string): ProtocolError {
    return new ProtocolError("notFound", `cannot read ${this.#shown}: ${reason}`);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

type FileInfo = Awaited<ReturnType<DiskFile["stat"]>>;

function fingerprintOf({ dev, ino, size, mtimeMs }: FileInfo, member: Member): Fingerprint {
  const version = [dev, ino, size, mtimeMs, member.offset].join(":");
  return { size: member.size, mtimeMs: member.mtimeMs, etag: null, version };
}

class MemberReader implements SourceReader {
  #isClosed = false;

  constructor(
    private readonly file: DiskFile,
    readonly facts: SourceFacts,
    private position: number,
    private readonly end: number,
    readonly confirm: () => Promise<Fingerprint>,
    private readonly signal: AbortSignal,
  ) {}

  async read(into: Uint8Array): Promise<number> {
    assertNotAborted("read a member of an archive", this.signal);
    const wanted = Math.min(into.length, this.end - this.position);
    if (wanted === 0) return 0;
    const count = await this.file.read(into.subarray(0, wanted), this.position);
    if (count === 0) {
      const message = `cannot read on at byte ${this.position} of an archive: it ends there`;
      throw new ProtocolError("truncated", message);
    }
    this.position += count;
    return count;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.file.close();
  }
}
