/**
 * Finding out whether a server keeps the conditions of writes and compares checksums. One that does not
 * know them mostly ignores them, so it is tried on an object of our own, once for each server.
 */

import { unlessAborted } from "../../runtime/base/unless_aborted.ts";
import { abortedError } from "../aborting.ts";
import { hex } from "./file_id.ts";
import { described } from "./checksums.ts";
import type { S3Client } from "./client.ts";
import { isUnmet, S3Refusal } from "./failure.ts";
import { deleteObject, putObject } from "./objects.ts";
import { abortUpload, completeUpload, createUpload, uploadPart } from "./uploads.ts";

const IF_ABSENT = { "if-none-match": "*" };
const IF_OTHER = { "if-match": '"00000000000000000000000000000000"' };

/**
 * Tries what is not known yet, below `directory`, a prefix that ends in `/` or is empty. A condition
 * that holds must let a write through, and one that does not must refuse it: some servers do neither.
 */
export async function learnAbilities(
  client: S3Client,
  directory: string,
  signal: AbortSignal | null,
): Promise<void> {
  const { service } = client;
  if (service.abilities.completesOnly !== null) return;
  // One trial for all who wait; it is not ended by the signal of one of them.
  service.learning ??= learn(client, directory).finally(() => service.learning = null);
  if (signal === null) return await service.learning;
  try {
    await unlessAborted(signal, service.learning);
  } catch (thrown) {
    throw thrown === signal.reason ? abortedError("try a server", signal) : thrown;
  }
}

async function learn(client: S3Client, directory: string): Promise<void> {
  const { abilities } = client.service;
  const key = `${directory}.quorus-probe-${hex(client.env, 8)}`;
  const action = `try the server's conditions of writes on ${key}`;
  const put = (headers: Readonly<Record<string, string>>) =>
    putObject(client, key, { bytes: new Uint8Array() }, 0, {
      ...{ action, headers, signal: null },
      checksum: client.place.checksum,
    });
  try {
    const isLetThrough = !await isRefused(() => put(IF_ABSENT));
    const isKept = isLetThrough && await isRefused(() => put(IF_ABSENT));
    const tag = (await put({})).headers.get("etag") ?? "";
    const createsOnly = isKept;
    const replacesOnly = await isRefused(() => put(IF_OTHER)) &&
      !await isRefused(() => put({ "if-match": tag }));
    const completesOnly = createsOnly && await completesOnlyAt(client, key, tag);
    const checksSums = await isSumChecked(client, key, action);
    Object.assign(abilities, { createsOnly, replacesOnly, completesOnly, checksSums });
  } finally {
    await deleteObject(client, key, action, null).catch(() => {});
  }
  client.env.log.write("info", "what a server keeps was tried", { ...abilities });
}

/** Sends a byte with the checksum of another one; the signature's own hash is the right one. */
async function isSumChecked(client: S3Client, key: string, action: string): Promise<boolean> {
  const { env, place: { checksum } } = client;
  if (checksum === "none") return false;
  const [sent, other] = [Uint8Array.of(1), Uint8Array.of(2)];
  const { headers } = await described(env, { bytes: other }, other.length, checksum);
  const { bodyHash } = await described(env, { bytes: sent }, sent.length, checksum);
  const request = { method: "PUT", key, action, headers, body: sent, bodyHash } as const;
  return await isRefused(() => client.ask({ ...request, signal: null, isOnce: true }));
}

async function completesOnlyAt(
  client: S3Client,
  key: string,
  tag: string,
): Promise<boolean> {
  const tried = [[IF_ABSENT, true], [IF_OTHER, true], [{ "if-match": tag }, false]] as const;
  for (const [condition, isToBeRefused] of tried) {
    if (await isCompletionRefused(client, key, condition) !== isToBeRefused) return false;
  }
  return true;
}

async function isCompletionRefused(
  client: S3Client,
  key: string,
  condition: Readonly<Record<string, string>>,
): Promise<boolean> {
  const { checksum } = client.place;
  const upload = { key, uploadId: await createUpload(client, key, {}, checksum, null) };
  try {
    const block = { bytes: new Uint8Array(1) };
    const part = await uploadPart(client, upload, 1, block, 1, checksum, null);
    return await isRefused(() => completeUpload(client, upload, [part], condition));
  } finally {
    await abortUpload(client, upload, null).catch(() => {});
  }
}

/** A server refuses what does not hold, or answers that it does not know the condition at all. */
async function isRefused(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return false;
  } catch (thrown) {
    const isKnown = isUnmet(thrown) ||
      (thrown instanceof S3Refusal && (thrown.status === 501 || thrown.status === 400));
    if (isKnown) return true;
    throw thrown;
  }
}
