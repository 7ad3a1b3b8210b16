/**
 * Finding out whether a server keeps the conditions of writes. One that does not know them mostly
 * ignores them and overwrites, so it is tried on an object of our own, once for each server.
 */

import { hex } from "./file_id.ts";
import type { S3Client } from "./client.ts";
import { isUnmet, S3Refusal } from "./failure.ts";
import { deleteObject, putObject } from "./objects.ts";
import { abortUpload, completeUpload, createUpload, uploadPart } from "./uploads.ts";

const IF_ABSENT = { "if-none-match": "*" };
const IF_OTHER = { "if-match": '"00000000000000000000000000000000"' };

/** Tries what is not known yet, below `directory`, a prefix that ends in `/` or is empty. */
export async function learnAbilities(
  client: S3Client,
  directory: string,
  signal: AbortSignal | null,
): Promise<void> {
  const { abilities } = client.service;
  if (abilities.completesOnly !== null) return;
  const key = `${directory}.quorus-probe-${hex(client.env, 8)}`;
  const action = `try the server's conditions of writes on ${key}`;
  const put = (headers: Readonly<Record<string, string>>) =>
    putObject(client, key, { bytes: new Uint8Array() }, 0, {
      ...{ action, headers, signal },
      checksum: client.place.checksum,
    });
  await put({});
  try {
    const createsOnly = await isRefused(() => put(IF_ABSENT));
    const replacesOnly = await isRefused(() => put(IF_OTHER));
    const completesOnly = await completesOnlyAt(client, key, signal);
    Object.assign(abilities, { createsOnly, replacesOnly, completesOnly });
  } finally {
    await deleteObject(client, key, action, null).catch(() => {});
  }
  client.env.log.write("info", "a server's conditions of writes were tried", { ...abilities });
}

async function completesOnlyAt(
  client: S3Client,
  key: string,
  signal: AbortSignal | null,
): Promise<boolean> {
  const { checksum } = client.place;
  for (const condition of [IF_ABSENT, IF_OTHER]) {
    const uploadId = await createUpload(client, key, {}, checksum, signal);
    const upload = { key, uploadId };
    try {
      const block = { bytes: new Uint8Array(1) };
      const part = await uploadPart(client, upload, 1, block, 1, checksum, signal);
      if (!await isRefused(() => completeUpload(client, upload, [part], condition))) return false;
    } finally {
      await abortUpload(client, upload, null).catch(() => {});
    }
  }
  return true;
}

/** A server that knows the condition says that it does not hold, or that it is not implemented. */
async function isRefused(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return false;
  } catch (thrown) {
    if (isUnmet(thrown)) return true;
    const isUnknown = thrown instanceof S3Refusal &&
      (thrown.status === 501 || thrown.status === 400);
    if (isUnknown) return false;
    throw thrown;
  }
}
