/** A real OpenSSH server on a free port of loopback, for one user and one key. */

import { findProgram } from "../real/require.ts";

/** A running sshd. */
export interface Sshd {
  readonly port: number;
  /** An empty folder that the user may write to. */
  readonly root: string;
  readonly user: string;
  /** The user's private key, in OpenSSH's own form. */
  readonly privateKey: string;
  /** `SHA256:...` of the host's key. */
  readonly fingerprint: string;
  /** A known_hosts file that names the host. */
  readonly knownHosts: string;
  /** The folder with its configuration and keys. */
  readonly folder: string;
  /** The process that listens; each session has one of its own. */
  readonly pid: number;
  /** Stops it and removes its folder. */
  close(): Promise<void>;
}

/** What a test may want otherwise. */
export interface SshdOptions {
  /** Further lines of its configuration. */
  readonly config?: string;
  readonly port?: number;
}

const START_ATTEMPTS = 200;
const START_STEP_MS = 25;

/** Makes a key pair `path` and `path.pub`. */
export async function makeKey(path: string, type = "ed25519", passphrase = ""): Promise<void> {
  const bits = type === "rsa" ? ["-b", "2048"] : [];
  await output("ssh-keygen", [
    "-q",
    "-t",
    type,
    ...bits,
    "-N",
    passphrase,
    "-C",
    "test",
    "-f",
    path,
  ]);
}

/** Starts sshd in the foreground; resolves when it accepts connections. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const folder = await Deno.makeTempDir({ prefix: "quorus-sshd-" });
  const root = `${folder}/root`;
  await Deno.mkdir(root);
  await makeKey(`${folder}/host`);
  await makeKey(`${folder}/user`);
  const port = options.port ?? freePort();
  await Deno.copyFile(`${folder}/user.pub`, `${folder}/authorized`);
  await Deno.writeTextFile(`${folder}/sshd.conf`, configOf(folder, port, options.config ?? ""));
  if (Deno.uid() === 0) await Deno.mkdir("/run/sshd", { recursive: true });
  const child = new Deno.Command(findProgram("sshd") ?? "sshd", {
    args: ["-D", "-f", `${folder}/sshd.conf`, "-E", `${folder}/log`],
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
    await removeFolder(folder);
  };
  try {
    await accepting(port, child);
  } catch (thrown) {
    const log = await Deno.readTextFile(`${folder}/log`).catch(() => "");
    await close();
    throw new Error(`sshd did not start: ${log}`, { cause: thrown });
  }
  const hostKey = (await Deno.readTextFile(`${folder}/host.pub`)).split(" ").slice(0, 2).join(" ");
  await Deno.writeTextFile(`${folder}/known_hosts`, `[127.0.0.1]:${port} ${hostKey}\n`);
  return {
    ...{ port, root, folder, close },
    user: (await output("id", ["-un"])).trim(),
    privateKey: await Deno.readTextFile(`${folder}/user`),
    fingerprint: (await output("ssh-keygen", ["-l", "-f", `${folder}/host.pub`])).split(" ")[1]!,
    knownHosts: `${folder}/known_hosts`,
    pid: child.pid,
  };
}

const TRIES = 50;
const AGAIN_MS = 100;

/** The processes of sessions end a moment after their server, and may write until then. */
async function removeFolder(folder: string): Promise<void> {
  for (let tries = 1;; tries += 1) {
    try {
      return await Deno.remove(folder, { recursive: true });
    } catch (thrown) {
      if (tries === TRIES) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

function configOf(folder: string, port: number, more: string): string {
  return `
ListenAddress 127.0.0.1
Port ${port}
HostKey ${folder}/host
PidFile none
AuthorizedKeysFile ${folder}/authorized
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
MaxStartups 200
MaxSessions 200
Subsystem sftp internal-sftp
${more}
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
