/** Files of a real NFS 4 server that nothing here has mounted, read through libnfs. */

import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { nfsProtocol } from "../../../protocols/nfs/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { realNfsLibrary } from "../../../runtime/env/real/nfs_library.ts";
import type { Harness } from "../../conformance/harness.ts";
import { type Ganesha, startGanesha } from "../../servers/ganesha.ts";
import { findProgram, requirePrograms } from "../require.ts";

const FOLDERS = ["x86_64-linux-gnu", "aarch64-linux-gnu", ""].map((one) => `/usr/lib/${one}`);
const NAME = "libnfs.so.13";
const FIRST_MTIME_S = 1_700_000_000;

/** Where the library is; the tests that need it are skipped where it is not. */
export const LIBRARY = findProgram(NAME, FOLDERS) ?? `/usr/lib/${NAME}`;

/** What to spread into a test: the server and the library are there, and the right to use them. */
export function requireGanesha(): { readonly ignore: boolean } {
  const find = (name: string) => name === NAME ? findProgram(name, FOLDERS) : findProgram(name);
  const there = requirePrograms(["ganesha.nfsd", NAME], find);
  return Deno.uid() === 0 ? there : { ignore: true };
}

/** A server of its own. */
export interface LibraryHarness extends Harness {
  readonly server: Ganesha;
  /** A URI below the export. */
  uri(name: string): string;
}

/** With the export of the server, or none of them. */
export async function libraryHarness(): Promise<LibraryHarness> {
  const server = await startGanesha();
  const env = realEnv();
  const base = `nfs://127.0.0.1:${server.port}/export`;
  const exports = [{ uri: base, library: LIBRARY }];
  const protocol = nfsProtocol({
    ...{ mounts: [], files: null },
    reading: { exports, library: realNfsLibrary() },
  });
  const uri = (name: string) => `${base}/${name.split("/").map(encodeURIComponent).join("/")}`;
  let puts = 0;
  const put = async (name: string, bytes: Uint8Array) => {
    const path = `${server.root}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    puts += 1;
    const fresh = `${server.folder}/fresh-${puts}`;
    await Deno.writeFile(fresh, bytes);
    await Deno.utime(fresh, FIRST_MTIME_S + puts, FIRST_MTIME_S + puts + 0.25);
    await Deno.rename(fresh, path);
  };
  return {
    ...{ server, protocol, uri },
    context: { env },
    source: {
      ...{ uri, put },
      truncate: (name, atBytes) =>
        Promise.resolve(() => Deno.truncate(`${server.root}/${name}`, atBytes)),
    },
    directory: { uri, put },
    close: async () => {
      server.continue();
      await protocol.close!();
      env.close();
      await server.close();
    },
  };
}

/** An endpoint of the server. */
export function endpointOf(harness: LibraryHarness, name: string) {
  return plainEndpoint(harness.uri(name));
}
