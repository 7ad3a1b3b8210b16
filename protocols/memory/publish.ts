/** Publishing in a memory store: the fences, checked in one step of the store. */

import { shownPath } from "../containment.ts";
import type { DestinationFacts, PublishOptions, SinkCapabilities } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { unsupportedBy } from "./sink_file.ts";
import type { MemoryStore, StoredFile } from "./store.ts";
import type { Upload } from "./upload.ts";

const PUBLISHED_MODE = 0o644;
const PERMISSION_BITS = 0o777;

/** What one publish is about. */
export interface Publication {
  readonly upload: Upload;
  /** The path that the writer knows the upload by; a seized one is elsewhere. */
  readonly path: string;
  /** Of the endpoint: what tokens are for. */
  readonly declaredPath: string;
  readonly finalPath: string;
  readonly options: PublishOptions;
}

/** What is known of a published file in memory. */
export function destinationFactsOf(
  capabilities: SinkCapabilities,
  file: StoredFile,
): DestinationFacts {
  return {
    size: file.bytes.length,
    mtimeMs: file.mtimeMs,
    fileId: capabilities.fileId ? file.fileId : null,
  };
}

/** Checks the declared fence and makes the upload the final file. */
export function publishUpload(store: MemoryStore, publication: Publication): DestinationFacts {
  const { upload, path, finalPath, options } = publication;
  assertDeclared(store.sinkCapabilities, publication);
  if (store.uploads.get(path) !== upload) {
    throw refusal("notFound", path, "it is gone; a later attempt has taken over");
  }
  assertFence(store, publication);
  const taken = store.files.has(finalPath);
  if (taken && !options.replace) throw refusal("exists", path, `${finalPath} exists`);
  const file: StoredFile = {
    bytes: upload.bytes.slice(),
    fileId: upload.fileId,
    version: store.next(),
    mtimeMs: options.mtimeMs ?? store.env.clock.now(),
    mode: (options.mode ?? PUBLISHED_MODE) & PERMISSION_BITS,
  };
  store.files.set(finalPath, file);
  store.uploads.delete(path);
  const { bytes, fileId } = file;
  store.record("publish", path, fileId, { to: finalPath, size: bytes.length, bytes });
  return destinationFactsOf(store.sinkCapabilities, file);
}

function assertDeclared(capabilities: SinkCapabilities, { path, options }: Publication): void {
  if (options.mtimeMs !== null && !capabilities.mtime) throw unsupportedBy("date", path);
  if (options.mode !== null && !capabilities.permissions) {
    throw unsupportedBy("set permissions of", path);
  }
}

function assertFence(store: MemoryStore, publication: Publication): void {
  const { upload, path, declaredPath, finalPath } = publication;
  const { fence } = store.sinkCapabilities;
  if (fence === "token" && !store.holdsToken(declaredPath, upload)) {
    throw refusal("denied", path, "a later writer holds the token");
  }
  if (fence !== "conditional" || finalPath !== declaredPath) return;
  const version = store.files.get(finalPath)?.version ?? null;
  if (version === upload.baseVersion) return;
  // If-None-Match: * and If-Match of RFC 9110, 13.1.
  const code = upload.baseVersion === null ? "exists" : "changed";
  throw refusal(code, path, `${finalPath} is another version than when this upload began`);
}

function refusal(
  code: "notFound" | "denied" | "exists" | "changed",
  path: string,
  reason: string,
): ProtocolError {
  return new ProtocolError(
    code,
    `cannot publish ${shownPath(path)} in memory: ${reason}`,
    { retryable: false },
  );
}
