/** SMB: a Samba server of this machine, beside smbclient, which verifies nothing and has one session, and rclone. */

import { type Samba, startSamba } from "../../servers/samba.ts";
import { command } from "./command.ts";
import { type Contestant, type Ground, SESSIONS } from "./contest.ts";
import { folderFar } from "./far.ts";
import { ours } from "./quorus.ts";
import { rclone, remoteOf } from "./rclone.ts";

/** See the file's comment. */
export const smb: Ground = {
  name: "smb",
  programs: ["smbd", "smbclient", "rclone"],
  hold: async (stand, compete) => {
    const samba = await startSamba();
    try {
      const { port, user, password, folder, root } = samba;
      const pass = (await command("rclone", ["obscure", password])).trim();
      const settings = { host: "127.0.0.1", port: String(port), user, pass };
      await Deno.writeTextFile(`${folder}/password`, password);
      const secret = `\${file:${folder}/password}`;
      await compete({
        bench: "smb",
        far: folderFar(root),
        directions: ["get", "put"],
        contestants: {
          ...ours(stand, {
            uri: (far) => `smb://127.0.0.1:${port}/share/${far}`,
            access: `auth: { type: basic, username: ${user}, password: "${secret}" }`,
            ...{ filesAtOnce: SESSIONS, ranges: 1, isListed: true, keepsMtime: true },
          }),
          smbclient: smbclient(samba),
          rclone: rclone(remoteOf("smb", settings, "share/"), SESSIONS),
        },
        aims: () => ({ smbclient: null, rclone: ">=1.0" }),
      });
    } finally {
      await samba.close();
    }
  },
};

function smbclient({ port, user, password }: Samba): Contestant {
  return {
    copy: async ({ direction, near, far }) => {
      const copy = `prompt; lcd ${near}; cd ${far}; m${direction} *`;
      const args = ["//127.0.0.1/share", "-p", String(port), "-U", user, "-s", "/dev/null"];
      await command("smbclient", [...args, "-c", copy], { PASSWD: password });
    },
  };
}
