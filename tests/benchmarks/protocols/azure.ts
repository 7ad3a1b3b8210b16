/**
 * Azure Blob: azurite, beside rclone; there is no other client in Debian. Azurite is JavaScript: what is compared
 * is what each asks of it.
 */

import { makeContainer } from "../../real/azure/harness.ts";
import { accountSignature } from "../../real/azure/rclone.ts";
import { startAzurite } from "../../servers/azurite.ts";
import { type Ground, REQUESTS } from "./contest.ts";
import { remoteFar } from "./far.ts";
import { ours } from "./quorus.ts";
import { rclone, remoteOf } from "./rclone.ts";

/** As many as rclone reads of a large file at once. */
const RANGES = 4;

/** See the file's comment. */
export const azure: Ground = {
  name: "azure",
  programs: ["azurite-blob", "rclone"],
  hold: async (stand, compete) => {
    const azurite = await startAzurite();
    try {
      await makeContainer(azurite);
      const { account, accountKey, container, endpoint, folder } = azurite;
      const settings = { sas_url: `${endpoint}?${accountSignature(azurite)}` };
      const remote = remoteOf("azureblob", settings, `${container}/`);
      await Deno.writeTextFile(`${folder}/secret`, accountKey);
      const secret = `\${file:${folder}/secret}`;
      await compete({
        bench: "azure",
        far: remoteFar(remote),
        directions: ["get", "put"],
        contestants: {
          ...ours(stand, {
            uri: (far) => `azblob://${account}/${container}/${far}`,
            access: `auth: { type: sharedKey, account: ${account}, accountKey: "${secret}" }, ` +
              `options: { endpoint: "${endpoint}" }`,
            ...{ filesAtOnce: REQUESTS, ranges: RANGES, isListed: true, keepsMtime: true },
          }),
          rclone: rclone(remote, REQUESTS),
        },
        aims: () => ({ rclone: ">=1.0" }),
      });
    } finally {
      await azurite.close();
    }
  },
};
