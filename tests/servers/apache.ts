/** A real Apache with WebDAV, whose user logs in by digest authentication, on a free port of loopback. */

import { createHash } from "node:crypto";
import { startWebdav, type WebdavServer } from "./webdav.ts";

/** Who may ask. */
export const APACHE_USER = { type: "digest", username: "user", password: "a pass: word" } as const;

const REALM = "files of the tests";
const MODULES = "/usr/lib/apache2/modules";
/** In the order in which they need each other. */
const NEEDED = [
  ...["mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_digest"],
  ...["dav", "dav_fs", "dav_lock"],
];

/** Starts it with a fresh folder; nonces come of age after `nonceLifetimeS`. */
export function startApacheDav(within?: string, nonceLifetimeS = 300): Promise<WebdavServer> {
  return startWebdav(within, async (root, port, folder) => {
    const { username, password } = APACHE_USER;
    const account = createHash("md5").update(`${username}:${REALM}:${password}`).digest("hex");
    await Deno.writeTextFile(`${folder}/users`, `${username}:${REALM}:${account}\n`);
    await Deno.writeTextFile(
      `${folder}/apache.conf`,
      configOf({ root, port, folder, nonceLifetimeS }),
    );
    await Deno.chmod(folder, 0o755);
    await Deno.chmod(root, 0o777);
    await Deno.mkdir(`${folder}/locks`);
    await Deno.chmod(`${folder}/locks`, 0o777);
    return { program: "apache2", args: ["-f", `${folder}/apache.conf`, "-DFOREGROUND"] };
  });
}

interface Parts {
  readonly root: string;
  readonly port: number;
  readonly folder: string;
  readonly nonceLifetimeS: number;
}

function configOf({ root, port, folder, nonceLifetimeS }: Parts): string {
  const modules = NEEDED.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`);
  return `
ServerRoot ${folder}
ServerName localhost
Listen 127.0.0.1:${port}
PidFile ${folder}/pid
ErrorLog ${folder}/error.log
DefaultRuntimeDir ${folder}
Mutex posixsem
${modules.join("\n")}
User games
Group games
StartServers 1
ThreadsPerChild 16
MaxRequestWorkers 16
ServerLimit 1
DocumentRoot ${root}
DavLockDB ${folder}/locks/db
FileETag MTime Size INode
LimitRequestBody 0
KeepAlive On
MaxKeepAliveRequests 0
<Directory ${root}>
  Dav On
  AllowOverride None
  AuthType Digest
  AuthName "${REALM}"
  AuthDigestProvider file
  AuthDigestNonceLifetime ${nonceLifetimeS}
  AuthUserFile ${folder}/users
  Require valid-user
</Directory>
`;
}
