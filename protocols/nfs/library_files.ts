/**
 * The files of one server, read through a library. Its calls are bounded in time like those of a mount; one
 * that is given up has its connection shut, so that it returns and holds no thread.
 */

import type { FileInfo, Timers } from "../../runtime/env/env.ts";
import { DiskError } from "../../runtime/env/errors.ts";
import type { NfsEntry, NfsFile, NfsLibrary, NfsSession } from "../../runtime/env/nfs_library.ts";
import { shownPath } from "../containment.ts";
import { ProtocolError } from "../errors.ts";
import type { ReadableFile, ReadableFiles } from "../file/source.ts";
import { protocolLimits } from "../limits.ts";
import { type HeldSession, type Session, SessionPool } from "../sessions.ts";
import { MountCalls } from "./calls.ts";

/** A server, and how it is reached. */
export interface LibraryServer {
  readonly library: NfsLibrary;
  /** The path of the library. */
  readonly path: string;
  /** For messages: `nfs://host`. */
  readonly label: string;
  readonly port: number;
  readonly timers: Timers;
}

/** What was judged before anything is connected to. */
export type Address = () => Promise<string>;

/** One connection as the pool sees it. */
class Connection implements Session {
  readonly session: NfsSession;
  readonly #ended: () => void;

  constructor(session: NfsSession, ended: () => void) {
    this.session = session;
    this.#ended = ended;
  }

  get isBroken(): boolean {
    return this.session.isBroken;
  }

  async end(): Promise<void> {
    this.session.interrupt();
    await this.session.close();
    this.#ended();
  }
}

/** Connections to one server, and what is open on them. */
export class LibraryFiles {
  readonly #server: LibraryServer;
  readonly #calls: MountCalls;
  readonly #pool: SessionPool<Connection>;
  readonly #connections = new Set<Connection>();

  constructor(server: LibraryServer) {
    this.#server = server;
    this.#calls = new MountCalls(`the server of ${server.label}`, server.timers);
    this.#pool = new SessionPool(server.timers, {
      sessionsPerPlace: protocolLimits.nfsConnectionsMax,
      usersPerSession: protocolLimits.nfsFilesPerConnection,
    });
  }

  /** Its files as whoever asked for this address may read them. */
  at(address: Address): ReadableFiles {
    return {
      stat: (path) => this.#with(address, (one) => this.#look(one, path)),
      open: (path) => this.#open(address, path),
    };
  }

  /** What stands at a path; links are not followed, the last one is told. */
  async lstat(address: Address, path: string): Promise<FileInfo | null> {
    return await this.#with(address, (one) => this.#look(one, path, true));
  }

  /** The names of a directory, page by page. */
  async *list(address: Address, path: string): AsyncGenerator<readonly NfsEntry[], void> {
    const held = await this.#take(address);
    try {
      const standing = await this.#look(held.session, path);
      if (standing === null) throw new DiskError("notFound", `cannot list ${shownPath(path)}`);
      const pages = held.session.session.list(path, protocolLimits.listPageEntries);
      const iterator = pages[Symbol.asyncIterator]();
      try {
        for (;;) {
          const next = () => iterator.next();
          const page = await this.#bounded(held.session, `list ${shownPath(path)}`, next);
          if (page.done === true) return;
          yield page.value;
        }
      } finally {
        await iterator.return?.();
      }
    } finally {
      held.release();
    }
  }

  async close(): Promise<void> {
    await this.#pool.close();
    // Those that broke down before have not always ended.
    await Promise.all([...this.#connections].map((one) => one.end()));
  }

  async #open(address: Address, path: string): Promise<ReadableFile> {
    const held = await this.#take(address);
    try {
      const { session } = held.session;
      const late = (file: NfsFile) => void file.close();
      const action = `open ${shownPath(path)}`;
      const file = await this.#bounded(held.session, action, () => session.open(path), late);
      return this.#opened(held, file, path);
    } catch (thrown) {
      held.release();
      throw thrown;
    }
  }

  #opened(held: HeldSession<Connection>, file: NfsFile, path: string): ReadableFile {
    let own = new Uint8Array(0);
    const shown = shownPath(path);
    return {
      read: async (into, position) => {
        const length = Math.min(into.length, protocolLimits.nfsReadBytes);
        // One that is given up may still be written into: the next read has another one.
        const buffer = own.length >= length ? own : new Uint8Array(length);
        own = new Uint8Array(0);
        const room = buffer.subarray(0, length);
        const read = () => file.read(room, position);
        const count = await this.#bounded(held.session, `read ${shown}`, read);
        into.set(room.subarray(0, count));
        own = buffer;
        return count;
      },
      stat: () => this.#bounded(held.session, `look at ${shown}`, () => file.stat()),
      close: async () => {
        await this.#bounded(held.session, `close ${shown}`, () => file.close()).catch(() => {});
        held.release();
      },
    };
  }

  /** Every directory on the way is looked at: a link would lead elsewhere on the server. */
  async #look(one: Connection, path: string, isLinkTold = false): Promise<FileInfo | null> {
    const segments = path.split("/").filter((segment) => segment !== "");
    for (let count = 1;; count++) {
      const at = `/${segments.slice(0, count).join("/")}`;
      const look = () => one.session.lstat(at);
      const info = await this.#bounded(one, `look at ${shownPath(at)}`, look);
      const isLast = count >= segments.length;
      if (info?.kind === "symlink" && !(isLast && isLinkTold)) throw linked(at);
      if (info === null || isLast) return info;
    }
  }

  async #with<T>(address: Address, call: (one: Connection) => Promise<T>): Promise<T> {
    const held = await this.#take(address);
    try {
      return await call(held.session);
    } finally {
      held.release();
    }
  }

  /** The place is the address: who may reach another one does not use this one's connections. */
  async #take(address: Address): Promise<HeldSession<Connection>> {
    const to = await address();
    return await this.#pool.take(to, () => this.#connect(to), null);
  }

  async #connect(address: string): Promise<Connection> {
    const { library, path, label, port } = this.#server;
    const timeoutMs = protocolLimits.nfsCallTimeoutMs;
    const connect = () => library.connect(path, { address, port, timeoutMs });
    const late = (session: NfsSession) => void session.close();
    try {
      const session = await this.#calls.run(`connect to ${label}`, connect, late);
      const made = new Connection(session, () => this.#connections.delete(made));
      this.#connections.add(made);
      return made;
    } catch (thrown) {
      throw thrown instanceof DiskError ? notConnected(label, thrown) : thrown;
    }
  }

  async #bounded<T>(
    one: Connection,
    action: string,
    call: () => Promise<T>,
    late?: (value: T) => void,
  ): Promise<T> {
    try {
      return await this.#calls.run(action, call, late);
    } catch (thrown) {
      // Given up: it returns now, and its thread is free.
      if (thrown instanceof ProtocolError && thrown.code === "timeout") one.session.interrupt();
      throw thrown;
    }
  }
}

function linked(path: string): ProtocolError {
  const message = `cannot use ${shownPath(path)}: it is a link, and through a library none is ` +
    "followed; name what it points to";
  return new ProtocolError("escapes", message, { definite: true });
}

/** The library cannot be had, or the server cannot. */
function notConnected(label: string, cause: DiskError): ProtocolError {
  const isMachine = cause.code === "denied" || cause.code === "notFound";
  const message = `cannot connect to ${label}: ${cause.message}`;
  const code = isMachine ? "unsupported" : "unreachable";
  return new ProtocolError(code, message, { cause, definite: true });
}
