/** Situations of files on a real vsftpd. */

import type { Endpoint, Source } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { ftpProtocol } from "../../../protocols/ftp/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import type { Harness } from "../../conformance/harness.ts";
import { startVsftpd, type Vsftpd, type VsftpdOptions } from "../../servers/vsftpd.ts";

const FIRST_MTIME_S = 1_700_000_000;

/** What is known of a server, whichever it is. */
export type FtpServer = Pick<
  Vsftpd,
  "port" | "root" | "user" | "password" | "folder" | "ca" | "close"
>;

/** What a test of a real server has in hand. */
export interface FtpHarness<Server extends FtpServer = Vsftpd> extends Harness {
  readonly server: Server;
  /** The scheme, the endpoint and whatever else reaches the server's files. */
  readonly endpoint: Partial<Endpoint>;
}

/** How the files of a server are reached. */
export function endpointOf(
  { user, password, ca }: FtpServer,
  tls: VsftpdOptions["tls"] = "none",
): Partial<Endpoint> {
  const auth = { type: "basic", username: user, password } as const;
  if (tls === "none") return { auth, options: { tls: "none" } };
  return { auth, tls: { caCerts: [ca] }, options: { tlsMode: tls } };
}

/** A vsftpd of its own, and the protocol with what reaches it. */
export async function ftpHarness(options: VsftpdOptions = {}): Promise<FtpHarness> {
  return harnessOf(await startVsftpd(options), options.tls ?? "none", "user");
}

/** The protocol with what reaches a server that was started, and is closed with the harness; root reads all. */
export function harnessOf<Server extends FtpServer>(
  server: Server,
  tls: "none" | "explicit" | "implicit",
  readsAs: "user" | "root",
): FtpHarness<Server> {
  const env = realEnv();
  const protocol = ftpProtocol();
  const endpoint = endpointOf(server, tls);
  const scheme = tls === "none" ? "ftp" : "ftps";
  const pathOf = (name: string) => `${server.root}/${name}`;
  const uri = (name: string) =>
    `${scheme}://127.0.0.1:${server.port}/${name.split("/").map(encodeURIComponent).join("/")}`;
  let puts = 0;
  const put = async (name: string, bytes: Uint8Array) => {
    const path = pathOf(name);
    await makeFolders(server.root, name);
    puts += 1;
    const fresh = `${server.folder}/fresh-${puts}`;
    await Deno.writeFile(fresh, bytes);
    await Deno.chmod(fresh, 0o666);
    await Deno.utime(fresh, FIRST_MTIME_S + puts, FIRST_MTIME_S + puts);
    await Deno.rename(fresh, path);
  };
  return {
    protocol,
    server,
    endpoint,
    context: { env },
    source: {
      uri,
      put,
      endpoint,
      refusesName: (name) => name.includes("\n"),
      ...(readsAs === "root" ? {} : { deny: (name) => Deno.chmod(pathOf(name), 0) }),
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
      await server.close();
    },
  };
}

/** A source of a file on the server. */
export function sourceAt(
  { protocol, context, source, endpoint }: FtpHarness,
  name: string,
  more: Partial<Endpoint> = {},
): Source {
  return protocol.source!({ ...plainEndpoint(source!.uri(name)), ...endpoint, ...more }, context);
}

/** The folders of a name, which the server's user may write to. */
async function makeFolders(root: string, name: string): Promise<void> {
  const parts = name.split("/").slice(0, -1);
  for (let end = 1; end <= parts.length; end += 1) {
    const folder = `${root}/${parts.slice(0, end).join("/")}`;
    await Deno.mkdir(folder).catch(() => {});
    await Deno.chmod(folder, 0o777);
  }
}
