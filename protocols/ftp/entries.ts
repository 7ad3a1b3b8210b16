/** Names of a directory of an FTP server. */

import { joinPath, safeName, shownPath, splitPath } from "../containment.ts";
import type { Fingerprint } from "../contract.ts";
import type {
  Directory,
  DirectoryCapabilities,
  Entry,
  EntryPage,
  RenameOptions,
} from "../directory.ts";
import { ProtocolError } from "../errors.ts";
import { makeFolders } from "../server_folders.ts";
import { assertSameVersion } from "../fingerprint.ts";
import { protocolLimits } from "../limits.ts";
import { uriOnHost } from "../network_uri.ts";
import { directoryPath } from "../path_uri.ts";
import { type FtpAccess, untilAborted } from "./access.ts";
import { foldersOf } from "./directories.ts";
import { assertSendable, isSameService } from "./endpoint.ts";
import { fingerprintOf, type Seen } from "./facts.ts";
import { hasFacts } from "./features.ts";
import { loadParseList } from "./library.ts";
import { entryOf, Lines, pageOf, readFactsLine, type ReadLine, readListLine } from "./listing.ts";
import { FtpRefusal, isMissing } from "./meaning.ts";
import { giveFinalName } from "./publish.ts";
import { isDone } from "./replies.ts";
import { explained, type FtpSession } from "./session.ts";
import { Download } from "./transfer.ts";

/** What every server can do. */
export const DIRECTORY_CAPABILITIES: DirectoryCapabilities = {
  list: true,
  remove: true,
  rename: true,
  renameNoReplace: false,
  makeDirectory: true,
};

/** A way to list: a command in the directory, and how its lines are read. */
interface Way {
  readonly command: string;
  readonly read: ReadLine;
}

/** A directory of a server, declared and therefore trusted, links included. */
export class FtpDirectory implements Directory {
  readonly capabilities = DIRECTORY_CAPABILITIES;
  readonly #access: FtpAccess;
  readonly #path: string;

  constructor(access: FtpAccess) {
    this.#access = access;
    this.#path = directoryPath(access.place.place.path);
  }

  uriOf(name: string): string {
    const { scheme, place } = this.#access.place;
    return uriOnHost(scheme, place, this.#at(name));
  }

  async *list(signal: AbortSignal): AsyncIterable<EntryPage> {
    const action = `list ${this.#shown(this.#path)}`;
    const { session, release } = await this.#access.take(action, "list", signal);
    let working: Promise<unknown> = Promise.resolve();
    try {
      // A reply that is still to come is waited for before others get the session.
      const step = <T>(work: Promise<T>): Promise<T> => {
        working = work.catch(() => {});
        return untilAborted(action, signal, work);
      };
      const entered = await step(session.control.ask(`CWD ${this.#path}`));
      if (!isDone(entered)) {
        const refusal = session.refusal(action, entered);
        throw refusal.isVague ? refusal.as("notFound") : refusal;
      }
      const outcomes: (FtpRefusal | "empty")[] = [];
      for (const way of await waysOf(session)) {
        const outcome = yield* this.#listed(session, way, action, step);
        if (outcome === "listed") return;
        outcomes.push(outcome);
      }
      const [first] = outcomes;
      if (first !== undefined && outcomes.every((outcome) => outcome !== "empty")) throw first;
    } finally {
      void working.then(release);
    }
  }

  stat(name: string, signal: AbortSignal): Promise<Entry | null> {
    const path = this.#checked(name);
    if (path instanceof ProtocolError) return Promise.reject(path);
    return this.#access.use(`look at ${this.#shown(path)}`, signal, async (session) => {
      const standing = await session.look(path);
      return standing === null ? null : entryOf(name, standing);
    });
  }

  remove(name: string, expected: Fingerprint | null, signal: AbortSignal): Promise<boolean> {
    return this.#change("remove", name, expected, signal, async (session, path, standing) => {
      if (standing.kind === "directory") await session.removeDirectory(path);
      else await session.remove(path);
    });
  }

  rename(
    name: string,
    to: string,
    options: RenameOptions & { readonly expected: Fingerprint | null },
    signal: AbortSignal,
  ): Promise<boolean> {
    const target = isSameService(this.#access.place, to);
    if (target === null) {
      const message = `cannot rename ${
        this.#shown(this.#at(name))
      }: the new name is on another host`;
      return Promise.reject(new ProtocolError("unsupported", message, { definite: true }));
    }
    assertSendable(this.#access.place.label, target.path);
    const { directory } = splitPath(target.path);
    return this.#change("rename", name, options.expected, signal, async (session, path) => {
      if (options.createDirectories) await makeFolders(foldersOf(session), directory);
      const names = { temp: path, final: target.path, shown: this.#shown(target.path) };
      await giveFinalName(session, names, options.replace);
    });
  }

  makeDirectory(name: string, signal: AbortSignal): Promise<void> {
    const path = this.#at(name);
    const action = `make ${this.#shown(path)}`;
    return this.#access.use(action, signal, (session) => makeFolders(foldersOf(session), path));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Pages of one way to list; or why the server does not go it. */
  async *#listed(
    session: FtpSession,
    { command, read }: Way,
    action: string,
    step: <T>(work: Promise<T>) => Promise<T>,
  ): AsyncGenerator<EntryPage, FtpRefusal | "empty" | "listed"> {
    const opening = Download.open(session, { action, command });
    const download = await step(opening).catch((thrown: unknown) => {
      void opening.then((late) => late.close(), () => {});
      if (thrown instanceof FtpRefusal && !session.isBroken) return thrown;
      throw thrown;
    });
    if (!(download instanceof Download)) return download;
    const lines = new Lines(session.place);
    let pending: string[] = [];
    let hasLines = false;
    try {
      for (let isOver = false; !isOver;) {
        const bytes = await step(download.next());
        isOver = bytes === null;
        for (const line of lines.push(bytes)) pending.push(line);
        hasLines ||= pending.length > 0;
        const { listPageEntries } = protocolLimits;
        while (pending.length >= listPageEntries) {
          yield pageOf(pending.slice(0, listPageEntries), read);
          pending = pending.slice(listPageEntries);
        }
      }
      if (pending.length > 0) yield pageOf(pending, read);
      return hasLines ? "listed" : "empty";
    } finally {
      await download.close();
    }
  }

  #change(
    verb: string,
    name: string,
    expected: Fingerprint | null,
    signal: AbortSignal,
    act: (session: FtpSession, path: string, standing: Seen) => Promise<void>,
  ): Promise<boolean> {
    const path = this.#at(name);
    const action = `${verb} ${this.#shown(path)}`;
    return this.#access.use(action, signal, async (session) => {
      const standing = await session.look(path);
      if (standing === null) return false;
      if (expected !== null) assertSameVersion(action, expected, fingerprintOf(standing));
      try {
        await act(session, path, standing).catch(async (thrown: unknown) => {
          throw await explained(session, path, "file", thrown);
        });
        return true;
      } catch (thrown) {
        if (isMissing(thrown) && await session.look(path) === null) return false;
        throw thrown;
      }
    });
  }

  #checked(name: string): string | ProtocolError {
    try {
      return this.#at(name);
    } catch (thrown) {
      if (thrown instanceof ProtocolError) return thrown;
      throw thrown;
    }
  }

  #at(name: string): string {
    const path = joinPath(this.#path, safeName(name));
    assertSendable(this.#access.place.label, path);
    return path;
  }

  #shown(path: string): string {
    return `${this.#access.place.label}${shownPath(path)}`;
  }
}

/**
 * MLSD, where the server has it. LIST is asked in the directory itself, since its argument may be a pattern
 * or options; `-a` shows hidden names on most servers, and others show nothing then.
 */
async function waysOf(session: FtpSession): Promise<readonly Way[]> {
  const parse = hasFacts(session.features) ? null : await loadParseList();
  if (parse === null) return [{ command: "MLSD", read: readFactsLine }];
  const read = readListLine(parse);
  return [{ command: "LIST -a", read }, { command: "LIST", read }];
}
