/**
 * SFTP: an OpenSSH server of this machine, by the library and by the machine's own ssh, beside sftp and rclone.
 * sftp verifies nothing and has one session, over which it asks ahead.
 */

import { type Sshd, startSshd } from "../../servers/sshd.ts";
import { command } from "./command.ts";
import { type Contestant, type Ground, SESSIONS } from "./contest.ts";
import { folderFar } from "./far.ts";
import { ours } from "./quorus.ts";
import { rclone, remoteOf } from "./rclone.ts";

/** How ours reaches the server, and what it is to be of OpenSSH's own client. */
const WAYS = { library: ">=0.8", program: ">=0.95" } as const;

/** See the file's comment. */
export const sftp: Ground = {
  name: "sftp",
  programs: ["sshd", "sftp", "rclone"],
  hold: async (stand, compete) => {
    const sshd = await startSshd();
    try {
      for (const way of ["library", "program"] as const) {
        await compete({
          bench: way === "library" ? "sftp" : "sftp-program",
          far: folderFar(sshd.root),
          directions: ["get", "put"],
          contestants: {
            ...ours(stand, {
              uri: (far) => `sftp://127.0.0.1:${sshd.port}${sshd.root}/${far}`,
              access: accessOf(sshd, way),
              ...{ filesAtOnce: SESSIONS, ranges: 1, isListed: true, keepsMtime: true },
            }),
            sftp: native(sshd),
            rclone: rclone(
              remoteOf("sftp", {
                host: "127.0.0.1",
                port: String(sshd.port),
                user: sshd.user,
                key_file: `${sshd.folder}/user`,
                known_hosts_file: sshd.knownHosts,
              }, `${sshd.root}/`),
              SESSIONS,
              // Else it runs a program of the server for each of them.
              { smallFlags: ["--sftp-disable-hashcheck"] },
            ),
          },
          aims: () => ({ sftp: WAYS[way], rclone: ">=1.0" }),
        });
      }
    } finally {
      await sshd.close();
    }
  },
};

/** What a workflow says beside the URI. */
export function accessOf({ user, folder, knownHosts }: Sshd, way: keyof typeof WAYS): string {
  const key = `${folder}/user`;
  return way === "library"
    ? `auth: { type: key, username: ${user}, privateKey: "\${file:${key}}" }, ` +
      `options: { knownHosts: "${knownHosts}" }`
    : `auth: { type: agent, username: ${user} }, ` +
      `options: { transport: program, identityFile: "${key}", knownHosts: "${knownHosts}" }`;
}

/** One session: it has no concurrency of its own. */
function native({ root, folder, knownHosts, user, port }: Sshd): Contestant {
  return {
    copy: async ({ direction, names, near, far }) => {
      const there = `${root}/${far}`;
      const [from, to] = direction === "get" ? [there, near] : [near, there];
      const batch = names.map((name) => `${direction} ${from}/${name} ${to}/${name}`);
      await command(
        "sftp",
        [
          ...["-q", "-b", "-", "-P", String(port), "-i", `${folder}/user`],
          ...["-o", `UserKnownHostsFile=${knownHosts}`, `${user}@127.0.0.1`],
        ],
        {},
        `${batch.join("\n")}\n`,
      );
    },
  };
}
