/** A real FTP server that knows MLSD and MFMT: pyftpdlib, on a free port of loopback, for one user. */

import { identity, pem } from "./tls_files.ts";

/** A running pyftpdlib. */
export interface Pyftpd {
  readonly port: number;
  /** An empty folder that is `/` for the user. */
  readonly root: string;
  readonly user: string;
  readonly password: string;
  readonly folder: string;
  /** PEM of the authority that signed its certificate. */
  readonly ca: string;
  /** Stops it and removes its folder. */
  close(): Promise<void>;
}

const PROGRAM = `
import sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer

folder, encrypted = sys.argv[1], sys.argv[2] == "explicit"
authorizer = DummyAuthorizer()
authorizer.add_user("files", "a pass word", folder + "/root", perm="elradfmwMT")
handler = TLS_FTPHandler if encrypted else FTPHandler
handler.authorizer = authorizer
if encrypted:
    handler.certfile = folder + "/tls.pem"
    handler.tls_control_required = True
    handler.tls_data_required = True
server = FTPServer(("127.0.0.1", 0), handler)
print(server.address[1], flush=True)
server.serve_forever()
`;

/** Whether the library is there; a test that needs it is skipped, by name, unless nothing may be. */
export function requirePyftpd(): { readonly ignore: boolean } {
  const { success } = new Deno.Command("/usr/bin/python3", {
    args: ["-c", "import pyftpdlib, OpenSSL"],
    stderr: "null",
  }).outputSync();
  if (success) return { ignore: false };
  const message = "Cannot run a test: apt-get install python3-pyftpdlib python3-openssl";
  if (Deno.env.get("QUORUS_REQUIRE_ALL") === "1") throw new Error(message);
  console.warn(`${message} (the test is skipped)`);
  return { ignore: true };
}

/** Starts the server; resolves when it accepts connections. */
export async function startPyftpd(tls: "none" | "explicit" = "none"): Promise<Pyftpd> {
  const folder = await Deno.makeTempDir({ prefix: "quorus-pyftpd-" });
  const root = `${folder}/root`;
  await Deno.mkdir(root);
  const { cert, key } = identity("server");
  await Deno.writeTextFile(`${folder}/tls.pem`, `${key}\n${cert}`);
  const child = new Deno.Command("/usr/bin/python3", {
    args: ["-W", "ignore", "-c", PROGRAM, folder, tls],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const port = Number(new TextDecoder().decode(value));
  return {
    ...{ port, root, folder },
    user: "files",
    password: "a pass word",
    ca: pem("ca"),
    close: async () => {
      child.kill("SIGKILL");
      await reader.cancel();
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}
