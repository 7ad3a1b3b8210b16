/** A real ProFTPD that speaks SFTP (mod_sftp) on a free port of loopback, for one user and one key. */

import { findProgram } from "../real/require.ts";
import { makeKey } from "./sshd.ts";

/** A running ProFTPD. */
export interface Proftpd {
  readonly port: number;
  /** An empty folder that the user may write to. */
  readonly root: string;
  readonly user: string;
  /** A file with the user's private key. */
  readonly keyFile: string;
  /** `SHA256:...` of the host's key. */
  readonly fingerprint: string;
  /** Stops it and removes its folder. */
  close(): Promise<void>;
}

const START_ATTEMPTS = 200;
const START_STEP_MS = 25;

/** Starts it in the foreground; resolves when it accepts connections. */
export async function startProftpd(): Promise<Proftpd> {
  const folder = await Deno.makeTempDir({ prefix: "quorus-proftpd-" });
  const root = `${folder}/root`;
  for (const made of [root, `${folder}/keys`]) await Deno.mkdir(made);
  for (const key of ["host", "user"]) await makeKey(`${folder}/${key}`);
  const user = (await output("id", ["-un"])).trim();
  const port = freePort();
  // The form of RFC 4716.
  const key = await output("ssh-keygen", ["-e", "-f", `${folder}/user.pub`]);
  await Deno.writeTextFile(`${folder}/keys/${user}`, key);
  const account = `${user}:x:${Deno.uid()}:${Deno.gid()}::${root}:/bin/sh\n`;
  await Deno.writeTextFile(`${folder}/passwd`, account, { mode: 0o600 });
  await Deno.writeTextFile(`${folder}/proftpd.conf`, configOf(folder, port, user));
  const child = new Deno.Command(findProgram("proftpd") ?? "proftpd", {
    args: ["-n", "-q", "-c", `${folder}/proftpd.conf`],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const close = async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await child.status;
    await Deno.remove(folder, { recursive: true });
  };
  try {
    await accepting(port, child);
  } catch (thrown) {
    const log = await Deno.readTextFile(`${folder}/log`).catch(() => "");
    await close();
    throw new Error(`proftpd did not start: ${log}`, { cause: thrown });
  }
  const shown = await output("ssh-keygen", ["-l", "-f", `${folder}/host.pub`]);
  const fingerprint = shown.split(" ")[1]!;
  return { port, root, user, keyFile: `${folder}/user`, fingerprint, close };
}

function configOf(folder: string, port: number, user: string): string {
  return `
ServerType standalone
ServerName test
DefaultServer on
DefaultAddress 127.0.0.1
Port ${port}
UseIPv6 off
PidFile ${folder}/pid
ScoreboardFile ${folder}/scoreboard
SystemLog ${folder}/log
WtmpLog off
TransferLog none
DelayEngine off
User ${user}
RootLogin on
UseFtpUsers off
RequireValidShell off
AuthOrder mod_auth_file.c
AuthUserFile ${folder}/passwd
AllowOverwrite on
LoadModule mod_sftp.c
SFTPEngine on
SFTPHostKey ${folder}/host
SFTPAuthorizedUserKeys file:${folder}/keys/%u
SFTPAuthMethods publickey
`;
}

async function output(program: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(findProgram(program) ?? program, {
    args: [...args],
    stdin: "null",
  }).output();
  if (!success) throw new Error(`${program} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

async function accepting(port: number, child: Deno.ChildProcess): Promise<void> {
  let ended = false;
  void child.status.then(() => ended = true);
  for (let attempt = 0; attempt < START_ATTEMPTS && !ended; attempt++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, START_STEP_MS));
    }
  }
  throw new Error(`nothing listens on port ${port}`);
}
