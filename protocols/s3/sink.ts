/** Writing to an object store: an upload in parts, or one PUT, published by a request with conditions. */

import { assert } from "../../runtime/base/assert.ts";
import { assertNotAborted } from "../aborting.ts";
import { containedPath, joinPath, safeName, splitPath } from "../containment.ts";
import type {
  DestinationFacts,
  NoServerCopy,
  ProbeExpectation,
  PublishOptions,
  ServerCopy,
  Sink,
  SinkCapabilities,
  SinkFile,
  SinkPlace,
  SourceEndpoint,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { learnAbilities } from "./abilities.ts";
import type { S3Client } from "./client.ts";
import { keyOf } from "./endpoint.ts";
import { foreignId, newFileId } from "./file_id.ts";
import { readMarker } from "./marker.ts";
import { deleteObject, headObject, type S3Object } from "./objects.ts";
import { sweepOrphans } from "./orphans.ts";
import type { PartRoom } from "./part_room.ts";
import { evenPartBytes } from "./part_sizes.ts";
import { assertPublishable, publishUpload } from "./publish.ts";
import { s3Copy } from "./server_copy.ts";
import { S3SinkFile } from "./sink_file.ts";
import { taken, Upload, type UploadFacts, type UploadTools } from "./upload.ts";
import { abortUpload, listParts, type Part, shown } from "./uploads.ts";

/** What the best of servers lets a sink do. */
export const S3_SINK_CAPABILITIES: SinkCapabilities = {
  fence: "conditional",
  resume: true,
  randomWrites: false,
  renameNoReplace: true,
  durableSync: false,
  fileId: true,
  readBack: false,
  mtime: false,
  permissions: false,
  serverCopy: true,
};

/** What is being written in this process. */
export interface OpenUploads {
  /** Temporary files by origin, bucket and temporary key. */
  readonly files: Map<string, Upload>;
  readonly room: PartRoom;
}

/** A sink of an object store. */
export class S3Sink implements Sink {
  readonly name: string;
  readonly #client: S3Client;
  readonly #uploads: OpenUploads;
  readonly #clientTo: (source: SourceEndpoint) => S3Client;
  readonly #directory: string;
  /** Those that this sink has opened: forgotten with it. */
  readonly #opened = new Set<string>();
  /** What stood at a name when it was last looked at; used once. */
  #seen: { readonly name: string; readonly etag: string | null } | null = null;

  /** `escapes` and `nameRefused` for paths that containment refuses; nothing is contacted. */
  constructor(
    client: S3Client,
    place: SinkPlace,
    uploads: OpenUploads,
    clientTo: (source: SourceEndpoint) => S3Client,
  ) {
    const { root } = place;
    const { path } = client.place;
    const { directory, name } = splitPath(root === null ? path : containedPath(root, path));
    this.#directory = root === null ? directory : containedPath(root, directory);
    this.name = name;
    this.#client = client;
    this.#uploads = uploads;
    this.#clientTo = clientTo;
    this.#keyOf(name);
  }

  /** Until a server was tried, what S3 itself does. */
  get capabilities(): SinkCapabilities {
    const { createsOnly, replacesOnly, completesOnly } = this.#client.service.abilities;
    const creates = createsOnly !== false && completesOnly !== false;
    return {
      ...S3_SINK_CAPABILITIES,
      fence: creates && replacesOnly !== false ? "conditional" : "none",
      renameNoReplace: creates,
    };
  }

  async stat(name: string, signal: AbortSignal): Promise<DestinationFacts | null> {
    const key = this.#keyOf(name);
    const standing = await headObject(this.#client, key, `look at ${this.#shown(key)}`, signal);
    this.#seen = { name, etag: standing?.etag ?? null };
    return standing === null ? null : destinationFactsOf(standing);
  }

  serverCopy(source: SourceEndpoint): ServerCopy | NoServerCopy {
    return s3Copy(this.#clientTo(source), this.#client);
  }

  hash(name: string): Promise<string | null> {
    return Promise.resolve().then(() => {
      const key = this.#keyOf(name);
      const message = `cannot hash ${this.#shown(key)}: nothing is read back from an object store`;
      throw new ProtocolError("unsupported", message);
    });
  }

  async create(
    temp: string,
    signal: AbortSignal,
    size: number | null = null,
    name: string = this.name,
  ): Promise<SinkFile> {
    const markerKey = this.#keyOf(temp);
    assertNotAborted(`create ${this.#shown(markerKey)}`, signal);
    if (this.#uploads.files.has(this.#registered(markerKey))) {
      const message = `cannot create ${this.#shown(markerKey)}: it exists`;
      throw new ProtocolError("exists", message, { definite: true });
    }
    await learnAbilities(this.#client, this.#prefix(), signal);
    const facts: UploadFacts = {
      ...{ key: this.#keyOf(name), name, markerKey, temp },
      base: await this.#base(name, signal),
      fileId: newFileId(this.#client.env),
      partBytes: this.#client.place.partBytes ?? (size === null ? null : evenPartBytes(size)),
    };
    return this.#open(new Upload(this.#toolsFor(() => this.#sweep(markerKey)), facts));
  }

  async reopen(temp: string, signal: AbortSignal): Promise<SinkFile | null> {
    const markerKey = this.#keyOf(temp);
    assertNotAborted(`reopen ${this.#shown(markerKey)}`, signal);
    const known = this.#uploads.files.get(this.#registered(markerKey));
    if (known !== undefined && !known.isBroken && !known.isTaken) return this.#open(known);
    await learnAbilities(this.#client, this.#prefix(), signal);
    const standing = await readMarker(this.#client, markerKey, signal);
    const name = standing === null ? null : this.#nameOf(standing.marker.key);
    if (standing === null || name === null) return null;
    const { key, fileId, base, uploadId, partBytes } = standing.marker;
    const facts = { key, name, fileId, base, markerKey, temp, partBytes };
    const found = uploadId === null ? [] : await listParts(this.#client, { key, uploadId }, signal);
    if (found === null) {
      await deleteObject(this.#client, markerKey, `remove ${this.#shown(markerKey)}`, signal);
      return null;
    }
    return this.#open(
      new Upload(this.#toolsFor(() => Promise.resolve()), facts, standing, leading(found)),
    );
  }

  async publish(file: SinkFile, options: PublishOptions): Promise<DestinationFacts> {
    assert(file instanceof S3SinkFile, "publish() takes a file that this protocol opened");
    const { upload } = file;
    const { markerKey } = upload.facts;
    try {
      assertPublishable(options);
      const key = this.#keyOf(options.name);
      if (upload.isTaken) throw taken("publish", upload);
      if (upload.isMarked) await this.#assertStanding(upload);
      if (upload.isMarked && upload.boundTo === null) {
        await deleteObject(this.#client, markerKey, `remove ${this.#shown(markerKey)}`, null);
        upload.unmark();
      }
      const published = await publishUpload(this.#client, {
        ...{ upload, key, options },
        isFenced: this.capabilities.fence === "conditional",
      });
      this.#forget(markerKey);
      if (upload.isMarked) await this.#removeMarker(markerKey);
      return published;
    } finally {
      await file.close();
    }
  }

  seize(temp: string, to: string): Promise<boolean> {
    return Promise.resolve().then(() => {
      this.#keyOf(to);
      const message =
        `cannot seize ${this.#shown(this.#keyOf(temp))}: an upload has no name that ` +
        "could be changed; abort it";
      throw new ProtocolError("unsupported", message);
    });
  }

  async abort(temp: string): Promise<void> {
    const markerKey = this.#keyOf(temp);
    const known = this.#uploads.files.get(this.#registered(markerKey));
    known?.take();
    // A part that lands after its upload was aborted would stay for ever.
    await known?.landed();
    this.#forget(markerKey);
    // Nothing at the server speaks of a short file that was never synced.
    if (known !== undefined && !known.isMarked) return;
    const standing = await readMarker(this.#client, markerKey, null);
    const uploadId = standing?.marker.uploadId ?? known?.uploadId ?? null;
    const key = standing?.marker.key ?? this.#keyOf(this.name);
    if (uploadId !== null) await abortUpload(this.#client, { key, uploadId }, null);
    if (standing === null) return;
    await deleteObject(this.#client, markerKey, `remove ${this.#shown(markerKey)}`, null);
  }

  async probe(
    temp: string,
    expected: ProbeExpectation,
  ): Promise<"unpublished" | "published" | "unknown"> {
    const markerKey = this.#keyOf(temp);
    const key = this.#keyOf(expected.name);
    const standing = await readMarker(this.#client, markerKey, null);
    const uploadId = standing?.marker.uploadId ?? null;
    if (standing !== null && uploadId !== null) {
      const place = { key: standing.marker.key, uploadId };
      if (await listParts(this.#client, place, null) !== null) return "unpublished";
    }
    const final = await headObject(this.#client, key, `look at ${this.#shown(key)}`, null);
    if (isExpected(final, expected)) {
      if (standing !== null) await this.#removeMarker(markerKey);
      return "published";
    }
    // Of a short file a marker is removed before the request that publishes it.
    if (standing !== null && uploadId === null) return "unpublished";
    const known = this.#uploads.files.get(this.#registered(markerKey));
    const isHeld = known !== undefined && known.facts.fileId === expected.fileId;
    return isHeld && !known.isTaken && !known.isUnresolved ? "unpublished" : "unknown";
  }

  close(): Promise<void> {
    for (const registered of this.#opened) this.#uploads.files.delete(registered);
    this.#opened.clear();
    return Promise.resolve();
  }

  /** A look that was taken just before serves: the fence is only the stricter for it. */
  async #base(name: string, signal: AbortSignal): Promise<string | null> {
    const seen = this.#seen;
    this.#seen = null;
    if (seen?.name === name) return seen.etag;
    const key = this.#keyOf(name);
    const action = `look at ${this.#shown(key)}`;
    return (await headObject(this.#client, key, action, signal))?.etag ?? null;
  }

  /** An upload whose marker is gone belongs to somebody else's past: its writer was overtaken. */
  async #assertStanding(upload: Upload): Promise<void> {
    const { markerKey } = upload.facts;
    const action = `look at ${this.#shown(markerKey)}`;
    if (await headObject(this.#client, markerKey, action, null) === null) {
      throw taken("publish", upload);
    }
  }

  /** The file is published: a marker that stays is swept up later. */
  async #removeMarker(markerKey: string): Promise<void> {
    const action = `remove ${this.#shown(markerKey)}`;
    await deleteObject(this.#client, markerKey, action, null).catch(() => {
      this.#client.env.log.write("warn", "a marker of a published file could not be removed");
    });
  }

  async #sweep(markerKey: string): Promise<void> {
    await sweepOrphans(this.#client, this.#prefix(), markerKey);
  }

  #toolsFor(began: () => Promise<void>): UploadTools {
    return { client: this.#client, room: this.#uploads.room, began };
  }

  #open(upload: Upload): S3SinkFile {
    const registered = this.#registered(upload.facts.markerKey);
    this.#uploads.files.set(registered, upload);
    this.#opened.add(registered);
    return new S3SinkFile(upload);
  }

  #forget(markerKey: string): void {
    this.#uploads.files.delete(this.#registered(markerKey));
  }

  #registered(markerKey: string): string {
    const { origin, bucket } = this.#client.place;
    return JSON.stringify([origin.href, bucket, markerKey]);
  }

  /** Of the keys in this directory: empty, or with a slash at its end. */
  #prefix(): string {
    const { directory } = splitPath(joinPath(this.#directory, this.name));
    return directory === "/" ? "" : `${directory.slice(1)}/`;
  }

  /** The name of a key in this directory, `null` for any other one. */
  #nameOf(key: string): string | null {
    const prefix = this.#prefix();
    const name = key.startsWith(prefix) ? key.slice(prefix.length) : "";
    return name === "" || name.includes("/") ? null : name;
  }

  #keyOf(name: string): string {
    return keyOf(joinPath(this.#directory, safeName(name)));
  }

  #shown(key: string): string {
    return shown(this.#client, key);
  }
}

/** The parts from the first one on without a gap: what side by side came later is sent again. */
function leading(parts: readonly Part[]): readonly Part[] {
  const sorted = [...parts].sort((a, b) => a.number - b.number);
  const gap = sorted.findIndex(({ number }, index) => number !== index + 1);
  return gap < 0 ? sorted : sorted.slice(0, gap);
}

function isExpected(final: S3Object | null, expected: ProbeExpectation): boolean {
  if (final === null || final.size !== expected.size) return false;
  return expected.fileId !== null && final.fileId === expected.fileId;
}

function destinationFactsOf({ size, fileId, etag }: S3Object): DestinationFacts {
  return { size: size ?? 0, mtimeMs: null, fileId: fileId ?? foreignId(etag) };
}
