/** WebDAV: `rclone serve webdav`, beside curl and rclone. */

import { RCLONE_USER, startRclone } from "../../servers/webdav.ts";
import { command } from "./command.ts";
import { type Ground, REQUESTS } from "./contest.ts";
import { curl } from "./curl.ts";
import { remoteFar } from "./far.ts";
import { ours } from "./quorus.ts";
import { rclone, remoteOf } from "./rclone.ts";

/** See the file's comment. */
export const webdav: Ground = {
  name: "webdav",
  programs: ["rclone", "curl"],
  hold: async (stand, compete) => {
    const server = await startRclone(undefined, true);
    try {
      const { port, folder } = server;
      const { username, password } = RCLONE_USER;
      const origin = `http://127.0.0.1:${port}`;
      const pass = (await command("rclone", ["obscure", password])).trim();
      await Deno.writeTextFile(`${folder}/secret`, password);
      const settings = { url: origin, vendor: "other", user: username, pass };
      const remote = remoteOf("webdav", settings, "");
      const secret = `\${file:${folder}/secret}`;
      await compete({
        bench: "webdav",
        far: remoteFar(remote),
        directions: ["get", "put"],
        contestants: {
          ...ours(stand, {
            uri: (far) => `dav://127.0.0.1:${port}/${far}`,
            access: `auth: { type: basic, username: ${username}, password: "${secret}" }`,
            ...{ filesAtOnce: REQUESTS, ranges: 1, isListed: true, keepsMtime: false },
          }),
          curl: curl({
            url: (far) => `${origin}/${far}`,
            args: ["-u", `${username}:${password}`],
          }),
          rclone: rclone(remote, REQUESTS),
        },
        aims: () => ({ curl: null, rclone: ">=1.0" }),
      });
    } finally {
      await server.close();
    }
  },
};
