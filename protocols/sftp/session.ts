/** What one session with an SFTP server can be asked, as calls that fail with typed errors. */

import type { Env } from "../../runtime/env/env.ts";
import { shownPath } from "../containment.ts";
import { ProtocolError, type ProtocolErrorCode } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { Session } from "../sessions.ts";
import {
  type Answer,
  type AttributeChanges,
  type Attributes,
  type Data,
  type Field,
  MOST_DATA_BYTES,
  type NamedAttributes,
  Reader,
  STATUS,
  TYPE,
} from "./packets.ts";
import { Requests, type ServerVersion } from "./requests.ts";
import type { OpenWire } from "./wire.ts";

/** Extensions that are used where a server has them (OpenSSH's PROTOCOL file). */
const EXTENSION = {
  posixRename: "posix-rename@openssh.com",
  hardlink: "hardlink@openssh.com",
  fsync: "fsync@openssh.com",
  statvfs: "statvfs@openssh.com",
  limits: "limits@openssh.com",
  copyData: "copy-data",
} as const;

/** What any server must take in one packet (section 3 of the draft). */
const SAFE_DATA_BYTES = 32_768;

const HASH_NAME = "sha256";
const HASH_BYTES = 32;
/** That of no bytes at all, for which servers want no range that begins at their end. */
const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** Codes of the draft as ours; `failure` can mean anything. */
const MEANING: Readonly<Record<number, ProtocolErrorCode>> = {
  [STATUS.noSuchFile]: "notFound",
  [STATUS.permissionDenied]: "denied",
  [STATUS.failure]: "io",
  [STATUS.badMessage]: "badResponse",
  [STATUS.noConnection]: "unreachable",
  [STATUS.connectionLost]: "unreachable",
  [STATUS.unsupported]: "unsupported",
};

/** How much space a server's file system has. */
export interface FileSystemSpace {
  readonly freeBytes: number;
}

/** The server said no; `status` is what it said. */
export class SftpRefusal extends ProtocolError {
  readonly status: number;

  constructor(action: string, place: string, answer: Extract<Answer, { type: "status" }>) {
    const told = answer.message === "" ? "" : ` (${shownPath(answer.message)})`;
    super(
      MEANING[answer.code] ?? "io",
      `cannot ${action} on ${place}: the server answered ${reasonOf(answer.code)}${told}`,
      { definite: true },
    );
    this.status = answer.code;
  }
}

function reasonOf(code: number): string {
  switch (code) {
    case STATUS.noSuchFile:
      return "that there is no such file";
    case STATUS.permissionDenied:
      return "that it is not permitted";
    case STATUS.unsupported:
      return "that it cannot do that";
    default:
      return `with status ${code}`;
  }
}

/** A session in use. */
export class SftpSession implements Session {
  readonly place: string;
  /** Bytes of one read and one write. */
  readonly readBytes: number;
  readonly writeBytes: number;
  readonly #requests: Requests;
  readonly #extensions: ReadonlyMap<string, string>;

  private constructor(
    requests: Requests,
    { extensions }: ServerVersion,
    limits: { readBytes: number; writeBytes: number },
  ) {
    this.place = requests.place;
    this.#requests = requests;
    this.#extensions = extensions;
    this.readBytes = limits.readBytes;
    this.writeBytes = limits.writeBytes;
  }

  /** Opens a session; see {@link Requests.open}. */
  static async open(
    place: string,
    openWire: OpenWire,
    env: Env,
    idleMs: number,
  ): Promise<SftpSession> {
    const { requests, version } = await Requests.open(place, openWire, env, idleMs);
    const limits = { readBytes: SAFE_DATA_BYTES, writeBytes: SAFE_DATA_BYTES };
    if (version.extensions.has(EXTENSION.limits)) {
      const answer = await requests.ask(TYPE.extended, [{ text: EXTENSION.limits }]);
      if (answer.type === "extendedReply") {
        const reader = new Reader(answer.bytes);
        reader.skip(8); // of a whole packet
        limits.readBytes = bounded(reader.u64());
        limits.writeBytes = bounded(reader.u64());
      }
    }
    return new SftpSession(requests, version, limits);
  }

  get isBroken(): boolean {
    return this.#requests.isBroken;
  }

  /** Which of the extensions the server has. */
  has(extension: keyof typeof EXTENSION): boolean {
    return this.#extensions.has(EXTENSION[extension]);
  }

  end(): Promise<void> {
    return this.#requests.end();
  }

  /** Opens a file; `flags` as in `OPEN`. */
  async open(path: string, flags: number, changes: AttributeChanges = {}): Promise<Uint8Array> {
    const action = `open ${shownPath(path)}`;
    const fields = [{ text: path }, { u32: flags }, { attributes: changes }];
    return this.#handleOf(action, await this.#requests.ask(TYPE.open, fields));
  }

  async openDirectory(path: string): Promise<Uint8Array> {
    const answer = await this.#requests.ask(TYPE.opendir, [{ text: path }]);
    return this.#handleOf(`list ${shownPath(path)}`, answer);
  }

  /** Some names, `null` at the end. */
  async readDirectory(handle: Uint8Array): Promise<readonly NamedAttributes[] | null> {
    const answer = await this.#requests.ask(TYPE.readdir, [{ bytes: handle }]);
    if (answer.type === "name") return answer.names;
    if (answer.type === "status" && answer.code === STATUS.endOfFile) return null;
    throw this.#unexpected("list a directory", answer);
  }

  async close(handle: Uint8Array): Promise<void> {
    await this.#done("close a file", TYPE.close, [{ bytes: handle }]);
  }

  /** Bytes from `offset`, `null` at the end; fewer than asked are no end. */
  async read(handle: Uint8Array, offset: number, length: number): Promise<Data | null> {
    const fields = [{ bytes: handle }, { u64: offset }, { u32: length }];
    const answer = await this.#requests.ask(TYPE.read, fields);
    if (answer.type === "data") {
      if (answer.length > 0 && answer.length <= length) return answer;
      const message = `cannot understand ${this.place}: ${answer.length} bytes came where ` +
        `${length} were asked for`;
      throw new ProtocolError("badResponse", message);
    }
    if (answer.type === "status" && answer.code === STATUS.endOfFile) return null;
    throw this.#unexpected("read", answer);
  }

  async write(handle: Uint8Array, offset: number, data: Uint8Array): Promise<void> {
    this.#expectOk("write", await this.#requests.write(handle, offset, data));
  }

  /** What stands at the path, links followed or not; `null` if nothing does. */
  async stat(path: string, links: "follow" | "keep"): Promise<Attributes | null> {
    const type = links === "follow" ? TYPE.stat : TYPE.lstat;
    const answer = await this.#requests.ask(type, [{ text: path }]);
    if (answer.type === "attrs") return answer.attributes;
    if (answer.type === "status" && answer.code === STATUS.noSuchFile) return null;
    throw this.#unexpected(`look at ${shownPath(path)}`, answer);
  }

  async statHandle(handle: Uint8Array): Promise<Attributes> {
    const answer = await this.#requests.ask(TYPE.fstat, [{ bytes: handle }]);
    if (answer.type === "attrs") return answer.attributes;
    throw this.#unexpected("look at an open file", answer);
  }

  async change(handle: Uint8Array, attributes: AttributeChanges): Promise<void> {
    await this.#done("change a file", TYPE.fsetstat, [{ bytes: handle }, { attributes }]);
  }

  async remove(path: string): Promise<void> {
    await this.#done(`remove ${shownPath(path)}`, TYPE.remove, [{ text: path }]);
  }

  async removeDirectory(path: string): Promise<void> {
    await this.#done(`remove ${shownPath(path)}`, TYPE.rmdir, [{ text: path }]);
  }

  async makeDirectory(path: string): Promise<void> {
    const fields = [{ text: path }, { attributes: {} }];
    await this.#done(`make ${shownPath(path)}`, TYPE.mkdir, fields);
  }

  /** The canonical path, every link resolved, where the server does that. */
  async realPath(path: string): Promise<string> {
    const action = `resolve ${shownPath(path)}`;
    const answer = await this.#requests.ask(TYPE.realpath, [{ text: path }]);
    if (answer.type !== "name") throw this.#unexpected(action, answer);
    const [first] = answer.names;
    if (first !== undefined && first.name.startsWith("/")) return first.name;
    const message = `cannot ${action} on ${this.place}: it answered with no absolute path`;
    throw new ProtocolError("badResponse", message);
  }

  /** Replaces `to` atomically; `unsupported` where the server lacks `posix-rename`. */
  async replace(from: string, to: string): Promise<void> {
    await this.#extended(`rename ${shownPath(from)} over ${shownPath(to)}`, "posixRename", [
      { text: from },
      { text: to },
    ]);
  }

  /** Refuses a name that is taken, on servers that keep to the draft (section 6.5). */
  async rename(from: string, to: string): Promise<void> {
    const action = `rename ${shownPath(from)} to ${shownPath(to)}`;
    await this.#done(action, TYPE.rename, [{ text: from }, { text: to }]);
  }

  /** A second name for a file, where none stands. */
  async link(from: string, to: string): Promise<void> {
    const action = `link ${shownPath(from)} to ${shownPath(to)}`;
    await this.#extended(action, "hardlink", [{ text: from }, { text: to }]);
  }

  /** Has the server copy bytes of one open file to the same place of another; fewer at the file's end. */
  async copyData(from: Uint8Array, to: Uint8Array, at: number, bytes: number): Promise<void> {
    await this.#extended("copy a file", "copyData", [
      ...[{ bytes: from }, { u64: at }, { u64: bytes }],
      ...[{ bytes: to }, { u64: at }],
    ]);
  }

  async sync(handle: Uint8Array): Promise<void> {
    await this.#extended("sync a file", "fsync", [{ bytes: handle }]);
  }

  /** `null` where the server does not tell. */
  async space(path: string): Promise<FileSystemSpace | null> {
    if (!this.has("statvfs")) return null;
    const fields = [{ text: EXTENSION.statvfs }, { text: path }];
    const answer = await this.#requests.ask(TYPE.extended, fields);
    if (answer.type !== "extendedReply") return null;
    const reader = new Reader(answer.bytes);
    reader.skip(8);
    const fragmentBytes = reader.u64();
    reader.skip(16);
    return { freeBytes: fragmentBytes * reader.u64() };
  }

  /**
   * SHA-256 of a whole file as the server computes it (draft-ietf-secsh-filexfer-extensions-00, section 3),
   * named by its path or its handle; `null` where it cannot. No server announces that to version 3: who
   * wants to know has to ask.
   */
  async hash(of: string | Uint8Array, size: number): Promise<string | null> {
    if (size === 0) return EMPTY_SHA256;
    const named: Field[] = typeof of === "string"
      ? [{ text: "check-file-name" }, { text: of }]
      : [{ text: "check-file-handle" }, { bytes: of }];
    // From byte 0, to the end, as one block.
    const whole = [{ text: HASH_NAME }, { u64: 0 }, { u64: 0 }, { u32: 0 }];
    const workMs = Math.ceil(size / protocolLimits.sftpHashBytesPerMs);
    const answer = await this.#requests.ask(TYPE.extended, [...named, ...whole], workMs);
    if (answer.type === "status" && answer.code !== STATUS.ok) return null;
    if (answer.type !== "extendedReply") throw this.#unexpected("hash a file", answer);
    const reader = new Reader(answer.bytes);
    const name = reader.text();
    const hash = reader.rest();
    if (name === HASH_NAME && hash.length === HASH_BYTES) return hash.toHex();
    const message = `cannot understand ${this.place}: it answered with ${hash.length} bytes of ` +
      `hash "${shownPath(name)}" where ${HASH_NAME} was asked for`;
    throw new ProtocolError("badResponse", message);
  }

  async #extended(
    action: string,
    extension: keyof typeof EXTENSION,
    fields: readonly Field[],
  ): Promise<void> {
    if (!this.has(extension)) {
      const message = `cannot ${action} on ${this.place}: the server lacks ${EXTENSION[extension]}`;
      throw new ProtocolError("unsupported", message, { definite: true });
    }
    await this.#done(action, TYPE.extended, [{ text: EXTENSION[extension] }, ...fields]);
  }

  async #done(action: string, type: number, fields: readonly Field[]): Promise<void> {
    this.#expectOk(action, await this.#requests.ask(type, fields));
  }

  #expectOk(action: string, answer: Answer): void {
    if (answer.type === "status" && answer.code === STATUS.ok) return;
    throw this.#unexpected(action, answer);
  }

  #handleOf(action: string, answer: Answer): Uint8Array {
    if (answer.type === "handle") return answer.handle;
    throw this.#unexpected(action, answer);
  }

  #unexpected(action: string, answer: Answer): ProtocolError {
    if (answer.type === "status" && answer.code !== STATUS.ok) {
      return new SftpRefusal(action, this.place, answer);
    }
    const message = `cannot ${action} on ${this.place}: it answered with a ${answer.type} packet`;
    return new ProtocolError("badResponse", message);
  }
}

/** Zero means that the server does not say. */
function bounded(bytes: number): number {
  return bytes === 0 ? SAFE_DATA_BYTES : Math.max(1, Math.min(bytes, MOST_DATA_BYTES));
}
