/** Names of a container: flat, with `/` as the end of a directory. */

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
import { plainEndpoint } from "../endpoint.ts";
import { ProtocolError } from "../errors.ts";
import { assertSameVersion } from "../fingerprint.ts";
import { protocolLimits } from "../limits.ts";
import { directoryPath } from "../path_uri.ts";
import type { AzureClient } from "./client.ts";
import { copyBlob } from "./copy.ts";
import { assertBlobName, azurePlaceOf, azureUri } from "./endpoint.ts";
import { fingerprintOf, isFolderMarker, sizeOf } from "./facts.ts";
import { directoryEntry, type ListedPage, listedPage } from "./listing.ts";

/** What can be done with the names of a container. */
export const AZURE_DIRECTORY: DirectoryCapabilities = {
  list: true,
  remove: true,
  rename: true,
  renameNoReplace: true,
  makeDirectory: false,
};

/** Everything of a container below one prefix. */
export class AzureDirectory implements Directory {
  readonly capabilities = AZURE_DIRECTORY;
  readonly #client: AzureClient;
  readonly #path: string;
  readonly #container: string;
  /** Of the names below: "" or with a slash at its end. */
  readonly #prefix: string;

  constructor(client: AzureClient) {
    this.#client = client;
    this.#path = directoryPath(client.place.path);
    const [, container = "", ...rest] = this.#path.split("/");
    this.#container = container;
    this.#prefix = rest.length === 0 ? "" : `${rest.join("/")}/`;
  }

  uriOf(name: string): string {
    return azureUri(this.#client.place.account, this.#at(name));
  }

  async *list(signal: AbortSignal): AsyncIterable<EntryPage> {
    const action = `list ${this.#shown(this.#path)}`;
    let marker: string | null = null;
    let isEmpty = true;
    do {
      const listed: ListedPage = await this.#page(action, this.#prefix, marker, signal);
      if (!listed.isEmpty) isEmpty = false;
      if (listed.page.entries.length + listed.page.refused.length > 0) yield listed.page;
      if (listed.nextMarker !== null && listed.nextMarker === marker) {
        throw new ProtocolError("badResponse", `cannot ${action}: its pages go in a circle`);
      }
      marker = listed.nextMarker;
    } while (marker !== null);
    if (!isEmpty || this.#prefix === "") return;
    throw new ProtocolError("notFound", `cannot ${action}: nothing is below it`);
  }

  async stat(name: string, signal: AbortSignal): Promise<Entry | null> {
    const path = this.#at(name);
    const action = `look at ${this.#shown(path)}`;
    const found = await this.#head(path, action, signal);
    if (found !== null && !isFolderMarker(found.headers)) {
      return { name, kind: "file", fingerprint: found.fingerprint, mode: null };
    }
    const below = await this.#page(action, `${this.#prefix}${name}/`, null, signal, 1);
    return below.isEmpty && found === null ? null : directoryEntry(name);
  }

  async remove(name: string, expected: Fingerprint | null, signal: AbortSignal): Promise<boolean> {
    const path = this.#at(name);
    const action = `remove ${this.#shown(path)}`;
    const found = await this.#same(path, action, expected, signal);
    if (found === null) return false;
    return await this.#delete(
      path,
      action,
      expected === null ? null : found.fingerprint.etag,
      signal,
    );
  }

  async rename(
    name: string,
    to: string,
    options: RenameOptions & { readonly expected: Fingerprint | null },
    signal: AbortSignal,
  ): Promise<boolean> {
    const path = this.#at(name);
    const target = this.#targetOf(to);
    const action = `rename ${this.#shown(path)} to ${shownPath(target)}`;
    const found = await this.#same(path, action, options.expected, signal);
    if (found === null) return false;
    if (path === target) return true;
    const { replace } = options;
    const { etag } = found.fingerprint;
    await copyBlob(this.#client, { from: path, to: target, etag, replace, action }, signal);
    // What was changed since it was copied stays, beside its copy.
    await this.#delete(path, action, etag, signal);
    return true;
  }

  makeDirectory(name: string, signal: AbortSignal): Promise<void> {
    assertBlobName(name);
    assertNotAborted(`make ${this.#shown(this.#at(name))}`, signal);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #page(
    action: string,
    prefix: string,
    marker: string | null,
    signal: AbortSignal,
    most: number = protocolLimits.listPageEntries,
  ): Promise<ListedPage> {
    assertNotAborted(action, signal);
    const query = {
      restype: "container",
      comp: "list",
      delimiter: "/",
      include: "metadata",
      maxresults: String(most),
      ...(prefix === "" ? {} : { prefix }),
      ...(marker === null ? {} : { marker }),
    };
    const path = `/${this.#container}`;
    const answer = await this.#client.ask({ method: "GET", path, query, action }, [200], signal);
    return listedPage(action, prefix, answer.text);
  }

  /** The blob, if it stands there and is the one that is expected. */
  async #same(
    path: string,
    action: string,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<{ readonly fingerprint: Fingerprint } | null> {
    const found = await this.#head(path, action, signal);
    if (found !== null && expected !== null) {
      assertSameVersion(action, expected, found.fingerprint);
    }
    return found;
  }

  async #head(
    path: string,
    action: string,
    signal: AbortSignal,
  ): Promise<{ fingerprint: Fingerprint; headers: ReadonlyMap<string, string> } | null> {
    assertNotAborted(action, signal);
    try {
      const request = { method: "HEAD", path, action, isContent: true } as const;
      const { headers } = await this.#client.ask(request, [200], signal);
      return { fingerprint: fingerprintOf(headers, sizeOf(headers)), headers };
    } catch (thrown) {
      if (thrown instanceof ProtocolError && thrown.code === "notFound") return null;
      throw thrown;
    }
  }

  async #delete(
    path: string,
    action: string,
    etag: string | null,
    signal: AbortSignal,
  ): Promise<boolean> {
    const headers: Record<string, string> = etag === null ? {} : { "if-match": etag };
    try {
      await this.#client.ask({ method: "DELETE", path, headers, action }, [202], signal);
      return true;
    } catch (thrown) {
      if (thrown instanceof ProtocolError && thrown.code === "notFound") return false;
      throw thrown;
    }
  }

  #targetOf(uri: string): string {
    const { account, path, label } = azurePlaceOf(plainEndpoint(uri));
    if (account === this.#client.place.account) return path;
    const message = `cannot rename to ${label}: that is another account; copy it instead`;
    throw new ProtocolError("unsupported", message);
  }

  #at(name: string): string {
    assertBlobName(name);
    return joinPath(this.#path, name);
  }

  #shown(path: string): string {
    return `${this.#client.place.label}${shownPath(path)}`;
  }
}
