/** Situations of files on real WebDAV servers. */

import type { Credentials } from "../../../protocols/credentials.ts";
import { webdavProtocol } from "../../../protocols/webdav/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import type { Harness } from "../../conformance/harness.ts";
import { APACHE_USER, startApacheDav } from "../../servers/apache.ts";
import {
  RCLONE_USER,
  startNginxDav,
  startRclone,
  type WebdavServer,
} from "../../servers/webdav.ts";

const FIRST_MTIME_S = 1_700_000_000;

/** rclone has everything: source, sink and directory. */
export async function rcloneHarness(): Promise<Harness> {
  return harnessOf(await startRclone(), RCLONE_USER, true);
}

/** nginx tells no properties: files only. */
export async function nginxHarness(): Promise<Harness> {
  return harnessOf(await startNginxDav(), null, false);
}

/** Apache has everything, and its user logs in by digest authentication. */
export async function apacheHarness(): Promise<Harness> {
  return harnessOf(await startApacheDav(), APACHE_USER, true);
}

function harnessOf(server: WebdavServer, auth: Credentials | null, hasNames: boolean): Harness {
  const env = realEnv();
  const pathOf = (name: string) => `${server.root}/${name}`;
  const uri = (path: string) =>
    `dav://127.0.0.1:${server.port}/${path.split("/").map(encodeURIComponent).join("/")}`;
  let puts = 0;
  const put = async (name: string, bytes: Uint8Array) => {
    const path = pathOf(name);
    await makeFolders(server.root, name.split("/").slice(0, -1));
    puts += 1;
    const fresh = `${server.folder}/fresh-${puts}`;
    await Deno.writeFile(fresh, bytes);
    await Deno.utime(fresh, FIRST_MTIME_S + puts, FIRST_MTIME_S + puts);
    await Deno.rename(fresh, path);
  };
  return {
    protocol: webdavProtocol(),
    context: { env },
    source: { uri, put, endpoint: { auth } },
    sink: {
      uri,
      put,
      endpoint: { auth },
      published: (name) => Deno.readFile(pathOf(name)).catch(() => null),
      directories: true,
    },
    // rclone lists a directory once for each name in it, as it is told to remember nothing.
    ...(hasNames ? { directory: { uri, put, endpoint: { auth }, manyEntries: 100 } } : {}),
    close: async () => {
      env.close();
      await server.close();
    },
  };
}

/** Folders that the server may write into, whoever it runs as. */
async function makeFolders(root: string, names: readonly string[]): Promise<void> {
  let path = root;
  for (const name of names) {
    path += `/${name}`;
    await Deno.mkdir(path, { recursive: true });
    await Deno.chmod(path, 0o777);
  }
}
