/**
 * Writing to Azure Blob: uncommitted blocks of the final name, published by committing their list.
 *
 * What a rename is elsewhere is one request here, under the condition that nobody else has published
 * since this upload began. A file of one block never becomes a block: it is put whole, under the same
 * condition.
 */

import { assert } from "../../runtime/base/assert.ts";
import { assertNotAborted } from "../aborting.ts";
import { containedPath, joinPath, shownPath, splitPath } from "../containment.ts";
import type {
  DestinationFacts,
  ProbeExpectation,
  PublishOptions,
  Sink,
  SinkCapabilities,
  SinkFile,
  SinkPlace,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import { md5 } from "../objects/md5.ts";
import type { PartRoom } from "../s3/part_room.ts";
import {
  blockId,
  firstBlockBytes,
  isGivenUp,
  type ListedUpload,
  listedUpload,
  listedUploads,
  type UploadId,
  uploadIdOf,
} from "./blocks.ts";
import type { AzureClient } from "./client.ts";
import { assertBlobName } from "./endpoint.ts";
import { destinationFactsOf, sizeOf } from "./facts.ts";
import { type MarkerPlace, readMarker, removeMarker, writeMarker } from "./marker.ts";
import { type Publication, published } from "./publish.ts";
import { AzureSinkFile, type SinkFileParts, type SinkFileState } from "./sink_file.ts";

/** What Azure Blob can do as a sink. */
export const AZURE_SINK: SinkCapabilities = {
  fence: "conditional",
  resume: true,
  randomWrites: false,
  renameNoReplace: true,
  durableSync: false,
  fileId: true,
  readBack: false,
  mtime: true,
  permissions: false,
};

/** What a temporary file is opened with. */
type OpenedFacts = Pick<SinkFileParts, "temp" | "name" | "upload" | "blockBytes">;

/** A name in a container. */
export class AzureSink implements Sink {
  readonly capabilities = AZURE_SINK;
  readonly name: string;
  readonly #client: AzureClient;
  readonly #room: PartRoom;
  readonly #directory: string;
  /** Opened by this sink, by temporary name. */
  readonly #files = new Map<string, AzureSinkFile>();

  /** `escapes` and `nameRefused` for paths that containment refuses; nothing is contacted. */
  constructor(client: AzureClient, { root }: SinkPlace, room: PartRoom) {
    const { path, label } = client.place;
    const { directory, name } = splitPath(root === null ? path : containedPath(root, path));
    if (directory === "/") {
      throw new ProtocolError("badEndpoint", `cannot write to ${label}/${name}: name a blob in it`);
    }
    this.#client = client;
    this.#room = room;
    this.#directory = root === null ? directory : containedPath(root, directory);
    this.name = name;
  }

  async stat(name: string, signal: AbortSignal): Promise<DestinationFacts | null> {
    return (await this.#look(name, signal))?.facts ?? null;
  }

  hash(name: string): Promise<string | null> {
    const reason = "a blob would have to be read whole; read it as a source";
    return Promise.reject(this.#refused("hash", name, reason));
  }

  async create(
    temp: string,
    signal: AbortSignal,
    size: number | null = null,
    name: string = this.name,
  ): Promise<SinkFile> {
    assertBlobName(temp);
    if (this.#files.get(temp)?.stands === true) {
      throw new ProtocolError("exists", `cannot create ${this.#shown(temp)}: it exists`);
    }
    const upload = uploadIdOf(this.#client.env.hash, temp, this.#client.env.random.bytes(8));
    const empty = { blocks: [], pending: new Uint8Array(0) };
    const blockBytes = firstBlockBytes(this.#client.place.blockBytes, size);
    return await this.#opened({ temp, name, upload, blockBytes }, empty, signal);
  }

  async reopen(temp: string, signal: AbortSignal): Promise<SinkFile | null> {
    assertBlobName(temp);
    assertNotAborted(`reopen ${this.#shown(temp)}`, signal);
    const own = this.#files.get(temp);
    await own?.close();
    if (own?.stands === true && !own.hasFailed) {
      const { upload, name, blockBytes } = own.parts;
      return await this.#opened({ temp, name, upload, blockBytes }, own.state(), signal);
    }
    const found = await this.#found(temp, signal);
    if (found === null) return null;
    const state = { blocks: found.listed.blocks, pending: new Uint8Array(0) };
    const { blockBytes } = this.#client.place;
    const { name, listed: { upload } } = found;
    return await this.#opened({ temp, name, upload, blockBytes }, state, signal);
  }

  async publish(file: SinkFile, options: PublishOptions): Promise<DestinationFacts> {
    assert(file instanceof AzureSinkFile, "publish() takes a file that this protocol opened");
    try {
      assertBlobName(options.name);
      if (options.mode !== null) {
        throw this.#refused("set permissions of", options.name, "Azure Blob has none");
      }
      file.assertOpen("publish");
      const publication = this.#publication(file, options);
      if (!file.isInMemory) {
        const standing = await this.#alreadyThere(file, publication);
        if (standing !== null) return standing;
      }
      const facts = await published(this.#client, publication);
      await this.#removeMarker(file);
      await file.end("published");
      return facts;
    } finally {
      await file.end("closed");
    }
  }

  seize(temp: string): Promise<boolean> {
    const reason = "uncommitted blocks have no name that could be changed; abort it instead";
    return Promise.reject(this.#refused("seize", temp, reason));
  }

  async abort(temp: string): Promise<void> {
    assertBlobName(temp);
    const own = this.#files.get(temp);
    await own?.end("givenUp");
    this.#files.delete(temp);
    if (own?.isInMemory === true) return;
    const marked = await readMarker(this.#client, this.#marker(temp), null);
    for (const name of new Set([this.name, own?.parts.name ?? this.name, marked ?? this.name])) {
      const answer = await this.#blockList(temp, name, null);
      for (const upload of listedUploads(this.#client.env.hash, temp, answer)) {
        await this.#putBlock(upload, name, null, Uint8Array.of(0));
      }
    }
    if (marked !== null) await removeMarker(this.#client, this.#marker(temp));
  }

  async probe(
    temp: string,
    expected: ProbeExpectation,
  ): Promise<"unpublished" | "published" | "unknown"> {
    assertBlobName(temp);
    const { name, fileId, size } = expected;
    const { hash } = this.#client.env;
    const blocks = await this.#blockList(temp, name, null);
    if (listedUpload(hash, temp, blocks) !== null) return "unpublished";
    const standing = await this.#look(name, null);
    if (fileId !== null && standing?.facts.fileId === fileId) {
      return standing.facts.size === size ? "published" : "unknown";
    }
    const own = this.#files.get(temp);
    const isHeld = own?.stands === true && own.fileId === fileId;
    return isHeld && !own.isUnresolved ? "unpublished" : "unknown";
  }

  close(): Promise<void> {
    this.#files.clear();
    return Promise.resolve();
  }

  async #opened(
    { temp, name, upload, blockBytes }: OpenedFacts,
    state: SinkFileState,
    signal: AbortSignal,
  ): Promise<AzureSinkFile> {
    const standing = await this.#look(name, signal);
    let marked: Promise<void> | null = name === this.name ? Promise.resolve() : null;
    const file = new AzureSinkFile({
      ...{ temp, name, upload, blockBytes },
      shown: this.#shown(temp),
      baseEtag: standing?.etag ?? null,
      room: this.#room,
      put: async (start, bytes) => {
        await (marked ??= writeMarker(this.#client, this.#marker(temp), name));
        await this.#putBlock(upload, name, start, bytes);
      },
    }, state);
    this.#files.set(temp, file);
    return file;
  }

  /** What an earlier process has sent of a temporary file, and for which name. */
  async #found(
    temp: string,
    signal: AbortSignal,
  ): Promise<{ readonly name: string; readonly listed: ListedUpload } | null> {
    const { hash } = this.#client.env;
    const declared = listedUpload(hash, temp, await this.#blockList(temp, this.name, signal));
    if (declared !== null) return { name: this.name, listed: declared };
    const name = await readMarker(this.#client, this.#marker(temp), signal);
    if (name === null) return null;
    const listed = listedUpload(hash, temp, await this.#blockList(temp, name, signal));
    return listed === null ? null : { name, listed };
  }

  #publication(file: AzureSinkFile, options: PublishOptions): Publication {
    const path = joinPath(this.#directory, options.name);
    const action = `publish ${this.#shown(options.name)}`;
    const look = async () => {
      const facts = (await this.#look(options.name, null))?.facts ?? null;
      return facts?.fileId === file.fileId && facts.size === file.position ? facts : null;
    };
    return { file, options, path, action, look };
  }

  /**
   * Blocks can be published under the name that they belong to, and once they are all there. Where they
   * are gone, an earlier request may have published them: then that is told.
   */
  async #alreadyThere(
    file: AzureSinkFile,
    { options: { name }, look }: Publication,
  ): Promise<DestinationFacts | null> {
    if (name !== file.parts.name) {
      const reason = `its blocks belong to the name ${shownPath(file.parts.name)}`;
      throw this.#refused("publish", name, reason);
    }
    await file.flush();
    const { hash } = this.#client.env;
    const answer = await this.#blockList(file.temp, name, null);
    const listed = listedUpload(hash, file.temp, answer);
    if (!isGivenUp(file.parts.upload, answer) && listed !== null) return null;
    const standing = await look();
    if (standing !== null) return standing;
    const message = `cannot publish ${this.#shown(name)}: its blocks are gone or given up; a ` +
      "later attempt has taken over";
    throw new ProtocolError("notFound", message, { retryable: false });
  }

  /** The blob is published: what said for which name its blocks were is of no use, and does no harm. */
  async #removeMarker({ parts: { temp, name }, isInMemory }: AzureSinkFile): Promise<void> {
    if (isInMemory || name === this.name) return;
    await removeMarker(this.#client, this.#marker(temp)).catch(() => {
      this.#client.env.log.write("warn", "a marker of a published blob could not be removed");
    });
  }

  #marker(temp: string): MarkerPlace {
    const action = `look for ${this.#shown(temp)}`;
    return { path: joinPath(this.#directory, temp), action };
  }

  /** What stands at a name; a container that is missing is an error, not an absent blob. */
  async #look(
    name: string,
    signal: AbortSignal | null,
  ): Promise<{ readonly facts: DestinationFacts; readonly etag: string | null } | null> {
    assertBlobName(name);
    const action = `look at ${this.#shown(name)}`;
    if (signal !== null) assertNotAborted(action, signal);
    const path = joinPath(this.#directory, name);
    try {
      const request = { method: "HEAD", path, action, isContent: true } as const;
      const { headers } = await this.#client.ask(request, [200], signal);
      const facts = destinationFactsOf(headers, sizeOf(headers) ?? 0);
      return { facts, etag: headers.get("etag") ?? null };
    } catch (thrown) {
      if (isAbsent(thrown)) return null;
      throw thrown;
    }
  }

  /** The answer to Get Block List, "" where the name has no blocks at all. */
  async #blockList(temp: string, name: string, signal: AbortSignal | null): Promise<string> {
    const action = `look for ${this.#shown(temp)}`;
    const path = joinPath(this.#directory, name);
    const query = { comp: "blocklist", blocklisttype: "uncommitted" };
    try {
      const request = { method: "GET", path, query, action } as const;
      const { azureBlockListMaxBytes } = protocolLimits;
      return (await this.#client.ask(request, [200], signal, azureBlockListMaxBytes)).text;
    } catch (thrown) {
      if (isAbsent(thrown)) return "";
      throw thrown;
    }
  }

  async #putBlock(
    upload: UploadId,
    name: string,
    start: number | null,
    bytes: Uint8Array,
  ): Promise<void> {
    const { encryptionScope } = this.#client.place.options;
    const running = md5();
    running.update(bytes);
    await this.#client.ask(
      {
        method: "PUT",
        path: joinPath(this.#directory, name),
        query: { comp: "block", blockid: blockId(upload, start) },
        headers: {
          "content-md5": running.digestBase64(),
          ...(encryptionScope === undefined ? {} : { "x-ms-encryption-scope": encryptionScope }),
        },
        body: bytes,
        action: `send a block of ${this.#shown(name)}`,
        // Sent twice, it is the same block.
        isRepeatable: true,
        isContent: true,
      },
      [201],
      null,
    );
  }

  #refused(verb: string, name: string, reason: string): ProtocolError {
    return new ProtocolError("unsupported", `cannot ${verb} ${this.#shown(name)}: ${reason}`);
  }

  #shown(name: string): string {
    return `${this.#client.place.label}${shownPath(joinPath(this.#directory, name))}`;
  }
}

function isAbsent(thrown: unknown): boolean {
  return thrown instanceof ProtocolError && thrown.code === "notFound" &&
    thrown.details.service !== "ContainerNotFound";
}
