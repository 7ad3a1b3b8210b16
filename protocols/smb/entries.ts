/** Names of a directory of a share. */

import { assertNotAborted } from "../aborting.ts";
import { joinPath, shownPath } from "../containment.ts";
import type { Fingerprint } from "../contract.ts";
import type {
  Directory,
  DirectoryCapabilities,
  Entry,
  EntryPage,
  RenameOptions,
} from "../directory.ts";
import { ProtocolError } from "../errors.ts";
import { assertSameVersion, UNKNOWN_FINGERPRINT } from "../fingerprint.ts";
import { protocolLimits } from "../limits.ts";
import { networkPlaceOf, uriOnHost } from "../network_uri.ts";
import type { SmbAccess } from "./access.ts";
import type { Found, ListedLine } from "./answers.ts";
import { makeDirectories } from "./directories.ts";
import { isSameShare } from "./endpoint.ts";
import { fingerprintOf } from "./facts.ts";
import { isSmbName, sharePath, smbName } from "./names.ts";
import { giveFinalName } from "./publish.ts";
import type { SmbSession } from "./session.ts";
import { found, isMissing, listed, removeDirectory, removeFile } from "./share.ts";

/** What can be done with the names of a share. */
export const DIRECTORY_CAPABILITIES: DirectoryCapabilities = {
  list: true,
  remove: true,
  rename: true,
  renameNoReplace: true,
  makeDirectory: true,
};

/** A directory of a share, declared and therefore trusted. */
export class SmbDirectory implements Directory {
  readonly capabilities = DIRECTORY_CAPABILITIES;
  readonly #access: SmbAccess;
  readonly #segments: readonly string[];

  constructor(access: SmbAccess) {
    this.#access = access;
    this.#segments = access.place.path.replace(/\/+$/, "").split("/").slice(1);
    sharePath(this.#segments);
  }

  uriOf(name: string): string {
    const { place } = this.#access.place;
    return uriOnHost("smb", place, joinPath(place.path.replace(/\/+$/, ""), smbName(name)));
  }

  async *list(signal: AbortSignal): AsyncIterable<EntryPage> {
    const path = sharePath(this.#segments);
    const action = `list ${this.#shown(path)}`;
    const { session, release } = await this.#access.take("reads", signal);
    const stop = () => void session.end();
    signal.addEventListener("abort", stop, { once: true });
    try {
      if (this.#segments.length > 0) await this.#assertDirectory(session, path);
      for await (const lines of paged(listed(session, path))) {
        assertNotAborted(action, signal);
        yield pageOf(lines);
      }
    } catch (thrown) {
      assertNotAborted(action, signal);
      throw thrown;
    } finally {
      signal.removeEventListener("abort", stop);
      release();
    }
  }

  async stat(name: string, signal: AbortSignal): Promise<Entry | null> {
    const path = this.#at(name);
    return await this.#access.use(`look at ${this.#shown(path)}`, signal, async (session) => {
      const standing = await found(session, path);
      return standing === null ? null : entryOf(standing, name);
    });
  }

  remove(name: string, expected: Fingerprint | null, signal: AbortSignal): Promise<boolean> {
    return this.#change("remove", name, expected, signal, async (session, path, standing) => {
      if (standing.kind === "directory") await removeDirectory(session, path);
      else await removeFile(session, path);
    });
  }

  async rename(
    name: string,
    to: string,
    options: RenameOptions & { readonly expected: Fingerprint | null },
    signal: AbortSignal,
  ): Promise<boolean> {
    const target = networkPlaceOf(["smb"], to);
    const shown = this.#shown(this.#at(name));
    if (!isSameShare(this.#access.place, target)) {
      const message = `cannot rename ${shown}: the new name is on another share`;
      throw new ProtocolError("unsupported", message, { definite: true });
    }
    const segments = target.path.split("/").slice(2);
    const final = sharePath(segments);
    const act = async (session: SmbSession, path: string, { kind }: Found): Promise<void> => {
      if (kind !== "file") {
        throw new ProtocolError("unsupported", `cannot rename ${shown}: it is a ${kind}`);
      }
      if (options.createDirectories) await makeDirectories(session, segments.slice(0, -1));
      const names = { from: path, to: final };
      await giveFinalName(session, names, options.replace, this.#shown(final));
    };
    return await this.#change("rename", name, options.expected, signal, act);
  }

  async makeDirectory(name: string, signal: AbortSignal): Promise<void> {
    const path = this.#at(name);
    const segments = [...this.#segments, name];
    await this.#access.use(
      `make ${this.#shown(path)}`,
      signal,
      (session) => makeDirectories(session, segments),
      false,
    );
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Everything in what is missing is nothing to some servers. */
  async #assertDirectory(session: SmbSession, path: string): Promise<void> {
    const standing = await found(session, path);
    if (standing !== null && standing.kind !== "file") return;
    const message = `cannot list ${this.#shown(path)}: there is no such directory`;
    throw new ProtocolError("notFound", message, { definite: true });
  }

  async #change(
    verb: string,
    name: string,
    expected: Fingerprint | null,
    signal: AbortSignal,
    act: (session: SmbSession, path: string, standing: Found) => Promise<void>,
  ): Promise<boolean> {
    const path = this.#at(name);
    const action = `${verb} ${this.#shown(path)}`;
    return await this.#access.use(action, signal, async (session) => {
      const standing = await found(session, path);
      if (standing === null) return false;
      if (expected !== null) assertSameVersion(action, expected, fingerprintOf(standing));
      try {
        await act(session, path, standing);
        return true;
      } catch (thrown) {
        if (isMissing(thrown) && await found(session, path) === null) return false;
        throw thrown;
      }
    }, false);
  }

  #at(name: string): string {
    return sharePath([...this.#segments, name]);
  }

  #shown(path: string): string {
    return `${this.#access.place.label}${shownPath(path.replaceAll("\\", "/"))}`;
  }
}

async function* paged(lines: AsyncIterable<ListedLine>): AsyncGenerator<ListedLine[]> {
  let page: ListedLine[] = [];
  for await (const line of lines) {
    page.push(line);
    if (page.length < protocolLimits.listPageEntries) continue;
    yield page;
    page = [];
  }
  yield page;
}

function pageOf(lines: readonly ListedLine[]): EntryPage {
  const entries: Entry[] = [];
  const refused: string[] = [];
  for (const line of lines) {
    if (line.type === "odd") refused.push(shownPath(line.text));
    if (line.type !== "found") continue;
    const { name } = line.found;
    if (name === "." || name === "..") continue;
    if (isSmbName(name) && !name.includes("\ufffd")) entries.push(entryOf(line.found, name));
    else refused.push(shownPath(name));
  }
  return { entries, refused };
}

function entryOf(standing: Found, name: string): Entry {
  const { kind } = standing;
  const fingerprint = kind === "file" ? fingerprintOf(standing) : UNKNOWN_FINGERPRINT;
  return { name, kind, fingerprint, mode: null };
}
