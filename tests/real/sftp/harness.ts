/** Situations of files on a real OpenSSH server. */

import type { Endpoint } from "../../../protocols/contract.ts";
import { sftpProtocol } from "../../../protocols/sftp/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import type { Harness } from "../../conformance/harness.ts";
import { startSshd } from "../../servers/sshd.ts";

const FIRST_MTIME_S = 1_700_000_000;

/** A server of its own, and the protocol with the user's key and the host's in known_hosts. */
export async function sftpHarness(
  transport: "library" | "program" = "library",
): Promise<Harness> {
  const sshd = await startSshd();
  const env = realEnv();
  const protocol = sftpProtocol({ knownHosts: sshd.knownHosts, agentSocket: null });
  const { user, privateKey } = sshd;
  const endpoint: Partial<Endpoint> = transport === "library"
    ? { auth: { type: "key", username: user, privateKey } }
    : {
      auth: { type: "agent", username: user },
      options: { transport, identityFile: `${sshd.folder}/user` },
    };
  const pathOf = (name: string) => `${sshd.root}/${name}`;
  const uri = (path: string) => {
    const encoded = pathOf(path).split("/").map(encodeURIComponent).join("/");
    return `sftp://127.0.0.1:${sshd.port}${encoded}`;
  };
  let puts = 0;
  const put = async (name: string, bytes: Uint8Array) => {
    const path = pathOf(name);
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    puts += 1;
    const fresh = `${sshd.folder}/fresh-${puts}`;
    await Deno.writeFile(fresh, bytes);
    await Deno.utime(fresh, FIRST_MTIME_S + puts, FIRST_MTIME_S + puts);
    await Deno.rename(fresh, path);
  };
  return {
    protocol,
    context: { env },
    source: {
      uri,
      put,
      endpoint,
      // No `truncate`: all of a small file may have come before it can be cut (paper_test.ts has it).
      oneByteMore: (name) =>
        Promise.resolve(() => Deno.writeFile(pathOf(name), Uint8Array.of(1), { append: true })),
    },
    sink: {
      uri,
      put,
      endpoint,
      published: (name) => Deno.readFile(pathOf(name)).catch(() => null),
      mode: async (name) => (await Deno.stat(pathOf(name))).mode! & 0o777,
      directories: true,
      mtimeGrainMs: 1_000,
    },
    directory: { uri, put, endpoint },
    close: async () => {
      await protocol.close!();
      env.close();
      await sshd.close();
    },
  };
}
