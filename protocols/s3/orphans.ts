/** Giving up what nobody will go on with: markers of ours that are too old, and their uploads. */

import { messageOf } from "../../runtime/base/errors.ts";
import { protocolLimits } from "../limits.ts";
import type { S3Client } from "./client.ts";
import { listPage } from "./listing.ts";
import { readMarker } from "./marker.ts";
import { deleteObject } from "./objects.ts";
import { abortUpload, listUploads, shown } from "./uploads.ts";

/** How the temporary files of jobs begin; no other name is touched. */
const OURS = ".quorus-";

/**
 * Looks at one page of our markers in a directory and gives up those that nobody has written for
 * `s3OrphanAgeMs`. It is a courtesy: what fails is said in the log and tried again by the next upload.
 */
export async function sweepOrphans(
  client: S3Client,
  directory: string,
  except: string,
): Promise<void> {
  const { log, clock } = client.env;
  const nowMs = clock.now() + client.service.clockOffsetMs;
  try {
    const action = `look for old uploads below ${shown(client, directory)}`;
    const query = { prefix: `${directory}${OURS}`, delimiter: "/" };
    const { objects } = await listPage(client, query, action, null);
    for (const { key, mtimeMs } of objects) {
      const isOld = mtimeMs !== null && nowMs - mtimeMs > protocolLimits.s3OrphanAgeMs;
      if (isOld && key !== except) await giveUp(client, key, nowMs);
    }
  } catch (thrown) {
    log.write("warn", "old uploads could not be given up", { error: messageOf(thrown) });
  }
}

async function giveUp(client: S3Client, markerKey: string, nowMs: number): Promise<void> {
  const standing = await readMarker(client, markerKey, null);
  if (standing === null) return;
  const { key, uploadId, createdMs } = standing.marker;
  if (uploadId !== null) await abortUpload(client, { key, uploadId }, null);
  else {
    // Its writer has ended before it could write down the upload's name.
    for (const upload of await listUploads(client, key)) {
      const isOld = upload.begunMs !== null &&
        nowMs - upload.begunMs > protocolLimits.s3OrphanAgeMs &&
        upload.begunMs >= createdMs - CLOCKS_APART_MS;
      if (upload.key === key && isOld) await abortUpload(client, upload, null);
    }
  }
  await deleteObject(client, markerKey, `remove ${shown(client, markerKey)}`, null);
  client.env.log.write("info", "an old upload was given up", { marker: markerKey });
}

/** What S3 lets a client's clock differ. */
const CLOCKS_APART_MS = 900_000;
