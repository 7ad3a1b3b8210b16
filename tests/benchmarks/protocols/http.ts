/**
 * HTTPS from an nginx of this machine beside curl and rclone, and uploads to one that takes PUT, beside curl; rclone
 * has no uploads. Small files are a group of transfers, since the server does not tell its names.
 */

import { startNginx } from "../../servers/nginx.ts";
import { pem } from "../../servers/tls_files.ts";
import { startNginxDav } from "../../servers/webdav.ts";
import { type Contest, type Ground, REQUESTS, type Stand } from "./contest.ts";
import { curl } from "./curl.ts";
import { folderFar } from "./far.ts";
import { ours } from "./quorus.ts";
import { rclone, remoteOf } from "./rclone.ts";

const WORKERS = 2;

/** See the file's comment. */
export const http: Ground = {
  name: "http",
  programs: ["nginx", "curl", "rclone"],
  hold: async (stand, compete) => {
    await gets(stand, compete);
    await uploads(stand, compete);
  },
};

type Compete = (contest: Contest) => Promise<void>;

async function gets(stand: Stand, compete: Compete): Promise<void> {
  const nginx = await startNginx(WORKERS);
  const origin = nginx.secureOrigin.replace("127.0.0.1", "localhost");
  const ca = `${stand.folder}/ca.pem`;
  await Deno.writeTextFile(ca, pem("ca"));
  try {
    await compete({
      bench: "https",
      far: folderFar(nginx.root),
      directions: ["get"],
      contestants: {
        ...ours(stand, {
          uri: (far) => `${origin}/${far}`,
          access: `tls: { ca: "${ca}" }`,
          ...{ filesAtOnce: REQUESTS, ranges: 1, isListed: false, keepsMtime: true },
        }),
        curl: curl({ url: (far) => `${origin}/${far}`, args: ["--cacert", ca] }),
        rclone: rclone(remoteOf("http", { url: origin }, "", ["--ca-cert", ca]), REQUESTS, {
          isListed: false,
        }),
      },
      aims: () => ({ curl: ">=0.8", rclone: ">=1.0" }),
    });
  } finally {
    await nginx.close();
  }
}

async function uploads(stand: Stand, compete: Compete): Promise<void> {
  const nginx = await startNginxDav();
  const origin = `http://127.0.0.1:${nginx.port}`;
  try {
    await compete({
      bench: "http-put",
      far: folderFar(nginx.root),
      directions: ["put"],
      contestants: {
        ...ours(stand, {
          uri: (far) => `${origin}/${far}`,
          access: "",
          ...{ filesAtOnce: REQUESTS, ranges: 1, isListed: false, keepsMtime: false },
        }),
        curl: curl({ url: (far) => `${origin}/${far}`, args: [] }),
      },
      aims: () => ({ curl: null }),
    });
  } finally {
    await nginx.close();
  }
}
