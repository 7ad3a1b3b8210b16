/** Situations of files on a real Samba server. */

import type { Endpoint } from "../../../protocols/contract.ts";
import { isSmbName } from "../../../protocols/smb/names.ts";
import { smbProtocol } from "../../../protocols/smb/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import type { Harness } from "../../conformance/harness.ts";
import { type Samba, type SambaOptions, startSamba } from "../../servers/samba.ts";

const FIRST_MTIME_S = 1_700_000_000;

/** A server of its own, and the protocol with the user's password. */
export interface SmbHarness extends Harness {
  readonly samba: Samba;
}

/** With a folder for short files on their way, unless told not to. */
export async function smbHarness(
  options: SambaOptions & { readonly endpoint?: Partial<Endpoint>; readonly spools?: boolean } = {},
): Promise<SmbHarness> {
  const samba = await startSamba(options);
  const env = realEnv();
  const folder = options.spools === false ? null : samba.folder;
  const protocol = smbProtocol({ ticketCache: null, folder });
  const { user, password } = samba;
  const endpoint: Partial<Endpoint> = {
    auth: { type: "basic", username: user, password },
    ...options.endpoint,
  };
  const pathOf = (name: string) => `${samba.root}/${name}`;
  const uri = (path: string) =>
    `smb://127.0.0.1:${samba.port}/share/${path.split("/").map(encodeURIComponent).join("/")}`;
  let puts = 0;
  const put = async (name: string, bytes: Uint8Array) => {
    const path = pathOf(name);
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    puts += 1;
    const fresh = `${samba.folder}/fresh-${puts}`;
    await Deno.writeFile(fresh, bytes);
    await Deno.utime(fresh, FIRST_MTIME_S + puts, FIRST_MTIME_S + puts);
    await Deno.rename(fresh, path);
  };
  const refusesName = (name: string) => !isSmbName(name);
  return {
    samba,
    protocol,
    context: { env },
    source: {
      ...{ uri, put, endpoint, refusesName },
      oneByteMore: (name) =>
        Promise.resolve(() => Deno.writeFile(pathOf(name), Uint8Array.of(1), { append: true })),
    },
    sink: {
      ...{ uri, put, endpoint, refusesName },
      published: (name) => Deno.readFile(pathOf(name)).catch(() => null),
      directories: true,
      mtimeGrainMs: 1_000,
    },
    directory: { uri, put, endpoint },
    close: async () => {
      await protocol.close!();
      env.close();
      await samba.close();
    },
  };
}
