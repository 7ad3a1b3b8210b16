/**
 * FTP in clear and by TLS: a vsftpd of this machine, beside lftp, which copies as many files at once as the
 * others, and rclone. lftp verifies sizes.
 */

import { startVsftpd, type Vsftpd } from "../../servers/vsftpd.ts";
import { command } from "./command.ts";
import { type Contest, type Contestant, type Ground, SESSIONS, type Stand } from "./contest.ts";
import { folderFar } from "./far.ts";
import { ours } from "./quorus.ts";
import { rclone, type Remote, remoteOf } from "./rclone.ts";

type Tls = "none" | "explicit";

/** See the file's comment. */
export const ftp: Ground = {
  name: "ftp",
  programs: ["vsftpd", "lftp", "rclone"],
  hold: async (stand, compete) => {
    for (const tls of ["none", "explicit"] as const) {
      const server = await startVsftpd({ tls });
      try {
        await compete(await contestOf(stand, server, tls));
      } finally {
        await server.close();
      }
    }
  },
};

async function contestOf(stand: Stand, server: Vsftpd, tls: Tls): Promise<Contest> {
  const scheme = tls === "none" ? "ftp" : "ftps";
  return {
    bench: scheme,
    far: folderFar(server.root),
    directions: ["get", "put"],
    contestants: {
      ...ours(stand, {
        uri: (far) => `${scheme}://localhost:${server.port}/${far}`,
        access: await accessOf(server, tls),
        ...{ filesAtOnce: SESSIONS, ranges: 1, isListed: true, keepsMtime: true },
      }),
      lftp: lftp(server, tls),
      rclone: rclone(await remote(server, tls), SESSIONS),
    },
    aims: () => ({ lftp: null, rclone: ">=1.0" }),
  };
}

/** What a workflow says beside the URI. */
export async function accessOf({ folder, user, password }: Vsftpd, tls: Tls): Promise<string> {
  await Deno.writeTextFile(`${folder}/password`, password);
  const how = tls === "none" ? "options: { tls: none }" : `tls: { ca: "${folder}/ca.pem" }`;
  const secret = `\${file:${folder}/password}`;
  return `auth: { type: basic, username: ${user}, password: "${secret}" }, ${how}`;
}

function lftp({ port, user, password, folder }: Vsftpd, tls: Tls): Contestant {
  return {
    copy: async ({ direction, near, far }) => {
      const mirror = direction === "get" ? `/${far} ${near}` : `-R ${near} /${far}`;
      await command("lftp", [
        "--norc",
        "-c",
        [
          `set ssl:ca-file ${folder}/ca.pem`,
          `set ftp:ssl-force ${tls !== "none"}`,
          `set ftp:ssl-allow ${tls !== "none"}`,
          // With TLS 1.3 vsftpd 3.0.3 takes the end of what it sends for a broken connection.
          "set ssl:priority NORMAL:-VERS-TLS1.3",
          `open -u ${user},"${password}" -p ${port} localhost`,
          `mirror --parallel=${SESSIONS} ${mirror}`,
        ].join("; "),
      ]);
    },
  };
}

async function remote({ port, user, password }: Vsftpd, tls: Tls): Promise<Remote> {
  const pass = (await command("rclone", ["obscure", password])).trim();
  return remoteOf(
    "ftp",
    {
      ...{ host: "localhost", port: String(port), user, pass },
      explicit_tls: String(tls !== "none"),
      disable_tls13: "true",
      no_check_certificate: "true",
    },
    "",
    // It breaks off its parts of a large file, and takes the answer to that for a failure.
    ["--multi-thread-streams", "0"],
  );
}
