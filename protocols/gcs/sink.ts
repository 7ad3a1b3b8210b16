/**
 * Writing to Google's store: a resumable session whose last chunk is held back until it is published,
 * under the condition that nobody else has published since it began. A file of one chunk is one request.
 */

import { assert } from "../../runtime/base/assert.ts";
import { assertNotAborted } from "../aborting.ts";
import { containedPath, joinPath, safeName, shownPath, splitPath } from "../containment.ts";
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
import type { GcsClient } from "./client.ts";
import { objectOf } from "./endpoint.ts";
import {
  destinationFactsOf,
  type GcsObject,
  OBJECT_FIELDS,
  objectIn,
  UPLOAD_METADATA,
} from "./facts.ts";
import { published } from "./publish.ts";
import { UploadSession } from "./session.ts";
import { GcsSinkFile } from "./sink_file.ts";
import { GcsUpload, type GcsUploads } from "./upload.ts";

/** What Google's store can do as a sink. */
export const GCS_SINK: SinkCapabilities = {
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

/** A name in a bucket. */
export class GcsSink implements Sink {
  readonly capabilities = GCS_SINK;
  readonly name: string;
  readonly #client: GcsClient;
  readonly #directory: string;
  readonly #uploads: GcsUploads;

  /** `escapes` and `nameRefused` for paths that containment refuses; nothing is contacted. */
  constructor(client: GcsClient, { root }: SinkPlace, uploads: GcsUploads) {
    const { path } = client.place;
    const { directory, name } = splitPath(root === null ? path : containedPath(root, path));
    this.#client = client;
    this.#directory = root === null ? directory : containedPath(root, directory);
    this.#uploads = uploads;
    this.name = name;
  }

  async stat(name: string, signal: AbortSignal): Promise<DestinationFacts | null> {
    const standing = await this.#look(name, signal);
    return standing === null ? null : destinationFactsOf(standing);
  }

  hash(name: string): Promise<string | null> {
    const reason = "an object would have to be read whole; read it as a source";
    return Promise.reject(this.#refused("hash", name, reason));
  }

  async create(
    temp: string,
    signal: AbortSignal,
    _size: number | null = null,
    name: string = this.name,
  ): Promise<SinkFile> {
    const key = this.#keyOf(temp);
    if (this.#uploads.get(key) !== null) {
      throw new ProtocolError("exists", `cannot create ${this.#shown(temp)}: it exists`);
    }
    const base = (await this.#look(name, signal))?.generation ?? "0";
    const fileId = this.#client.env.random.bytes(16).toHex();
    const upload: GcsUpload = new GcsUpload({
      ...{ temp, name, fileId, base },
      shown: this.#shown(temp),
      room: this.#uploads.room,
      begin: () => this.#begin(name, fileId, base),
    });
    this.#uploads.set(key, upload);
    return new GcsSinkFile(upload);
  }

  async reopen(temp: string, signal: AbortSignal): Promise<SinkFile | null> {
    const key = this.#keyOf(temp);
    assertNotAborted(`reopen ${this.#shown(temp)}`, signal);
    const upload = this.#uploads.get(key);
    if (upload === null) return null;
    await upload.settled().catch(() => {});
    if (!upload.hasFailed) return new GcsSinkFile(upload);
    // What a broken session has kept is told by nobody but it: the job begins anew.
    this.#uploads.delete(key);
    await upload.giveUp().catch(() => {});
    return null;
  }

  async publish(file: SinkFile, options: PublishOptions): Promise<DestinationFacts> {
    assert(file instanceof GcsSinkFile, "publish() takes a file that this protocol opened");
    const { upload } = file;
    await file.close();
    safeName(options.name);
    if (options.mode !== null) {
      throw this.#refused("set permissions of", options.name, "objects have none");
    }
    upload.assertStands("publish");
    const { fileId, name } = upload.facts;
    if (!upload.isInMemory && options.name !== name) {
      const reason = `its upload belongs to the name ${shownPath(name)}`;
      throw this.#refused("publish", options.name, reason);
    }
    const path = joinPath(this.#directory, options.name);
    const action = `publish ${this.#shown(options.name)}`;
    if (!upload.isInMemory) await this.#assertMayReplace(upload, options, action);
    const object = objectOf(path);
    const look = async () => {
      const standing = await this.#look(options.name, null);
      return standing?.metadata?.[UPLOAD_METADATA] === fileId ? standing : null;
    };
    const facts = await published(this.#client, { upload, options, object, action, look });
    upload.publish();
    return facts;
  }

  seize(temp: string): Promise<boolean> {
    const reason = "an upload has no name that could be changed; abort it instead";
    return Promise.reject(this.#refused("seize", temp, reason));
  }

  async abort(temp: string): Promise<void> {
    const key = this.#keyOf(temp);
    const upload = this.#uploads.get(key);
    this.#uploads.delete(key);
    await upload?.giveUp();
  }

  async probe(
    temp: string,
    expected: ProbeExpectation,
  ): Promise<"unpublished" | "published" | "unknown"> {
    const { name, fileId, size } = expected;
    const standing = await this.#look(name, null);
    if (fileId !== null && standing?.metadata?.[UPLOAD_METADATA] === fileId) {
      return standing.size === size ? "published" : "unknown";
    }
    const upload = this.#uploads.get(this.#keyOf(temp));
    if (upload === null || upload.facts.fileId !== fileId) return "unknown";
    // A session that stands can be ended, and with it what was asked of it; one request cannot.
    return upload.isInMemory && upload.isUnresolved ? "unknown" : "unpublished";
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #begin(name: string, fileId: string, base: string): Promise<UploadSession> {
    const object = objectOf(joinPath(this.#directory, name));
    const properties = { object, generation: base, metadata: { [UPLOAD_METADATA]: fileId } };
    return UploadSession.begin(this.#client, properties, `write ${this.#shown(name)}`);
  }

  /** A session replaces what stood there when it began, and nothing else: without leave not even that. */
  async #assertMayReplace(
    upload: GcsUpload,
    { replace }: PublishOptions,
    action: string,
  ): Promise<void> {
    if (replace || upload.facts.base === "0") return;
    const standing = await this.#look(upload.facts.name, null);
    if (standing?.metadata?.[UPLOAD_METADATA] === upload.facts.fileId) return;
    if (standing === null) {
      const message = `cannot ${action}: what stood there was removed since this began; start over`;
      throw new ProtocolError("changed", message, { retryable: false });
    }
    throw new ProtocolError("exists", `cannot ${action}: the name is taken`);
  }

  async #look(name: string, signal: AbortSignal | null): Promise<GcsObject | null> {
    safeName(name);
    const action = `look at ${this.#shown(name)}`;
    if (signal !== null) assertNotAborted(action, signal);
    const object = objectOf(joinPath(this.#directory, name));
    try {
      const value = await this.#client.json({
        method: "GET",
        target: this.#client.resource(object),
        query: { fields: OBJECT_FIELDS },
        action,
      }, signal);
      return objectIn(action, value);
    } catch (thrown) {
      if (thrown instanceof ProtocolError && thrown.code === "notFound") return null;
      throw thrown;
    }
  }

  #keyOf(temp: string): string {
    const directory = `${this.#client.place.origin}/${this.#client.place.bucket}${this.#directory}`;
    return JSON.stringify([directory, this.name, safeName(temp)]);
  }

  #refused(verb: string, name: string, reason: string): ProtocolError {
    return new ProtocolError("unsupported", `cannot ${verb} ${this.#shown(name)}: ${reason}`);
  }

  #shown(name: string): string {
    return `${this.#client.place.label}${shownPath(joinPath(this.#directory, name))}`;
  }
}
