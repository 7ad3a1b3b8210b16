/** A real Samba server on a free port of loopback, for the user that runs the tests. */

import { findProgram } from "../real/require.ts";

/** A running smbd. */
export interface Samba {
  readonly port: number;
  /** The folder of the share `share`. */
  readonly root: string;
  readonly user: string;
  readonly password: string;
  /** The folder with its configuration and state. */
  readonly folder: string;
  /** Ends it and every process that serves a connection, at once. */
  kill(): Promise<void>;
  /** Starts it again, on its port, with its files. */
  start(): Promise<void>;
  /** Stops it and removes its folder. */
  close(): Promise<void>;
}

/** What a test may want otherwise. */
export interface SambaOptions {
  /** Further lines of its global configuration. */
  readonly config?: string;
  /** Further lines of the share. */
  readonly share?: string;
  /** The folder of the share, instead of a fresh one. */
  readonly root?: string;
}

const PASSWORD = "canary-Passw0rd %'\"\\;$x";
const START_ATTEMPTS = 400;
const START_STEP_MS = 25;
const STATE_FOLDERS = ["private", "lock", "state", "cache", "pid", "ncalrpc"];

/** Starts smbd in the foreground; resolves when it accepts connections. */
export async function startSamba(options: SambaOptions = {}): Promise<Samba> {
  const folder = await Deno.makeTempDir({ prefix: "quorus-samba-" });
  const root = options.root ?? `${folder}/root`;
  await Deno.mkdir(root, { recursive: true });
  for (const name of STATE_FOLDERS) await Deno.mkdir(`${folder}/${name}`);
  const port = freePort();
  const config = `${folder}/smb.conf`;
  await Deno.writeTextFile(config, configOf(folder, root, port, options));
  const user = (await output("id", ["-un"])).trim();
  await output("smbpasswd", ["-c", config, "-a", "-s", user], `${PASSWORD}\n${PASSWORD}\n`);
  const server = new Server(config, folder, port);
  const close = async () => {
    await server.kill();
    await Deno.remove(folder, { recursive: true });
  };
  try {
    await server.start();
  } catch (thrown) {
    const log = await Deno.readTextFile(`${folder}/log.smbd`).catch(() => "");
    await close();
    throw new Error(`smbd did not start: ${log}`, { cause: thrown });
  }
  return {
    ...{ port, root, user, folder, close, password: PASSWORD },
    kill: () => server.kill(),
    start: () => server.start(),
  };
}

class Server {
  readonly #config: string;
  readonly #folder: string;
  readonly #port: number;
  #child: Deno.ChildProcess | null = null;

  constructor(config: string, folder: string, port: number) {
    this.#config = config;
    this.#folder = folder;
    this.#port = port;
  }

  async start(): Promise<void> {
    this.#child = new Deno.Command(findProgram("smbd") ?? "smbd", {
      args: ["-F", "--no-process-group", "-s", this.#config, "-l", this.#folder],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await accepting(this.#port, this.#child);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    // Each connection has a process of its own, which outlives the one that listens.
    for (const pid of [child.pid, ...descendants(child.pid)]) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
    await child.status;
  }
}

function descendants(pid: number): number[] {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
    const children = text.trim().split(" ").filter((one) => one !== "").map(Number);
    return children.flatMap((child) => [child, ...descendants(child)]);
  } catch {
    return [];
  }
}

function configOf(folder: string, root: string, port: number, options: SambaOptions): string {
  return `
[global]
  workgroup = TEST
  server role = standalone server
  passdb backend = tdbsam:${folder}/passdb.tdb
  private dir = ${folder}/private
  lock directory = ${folder}/lock
  state directory = ${folder}/state
  cache directory = ${folder}/cache
  pid directory = ${folder}/pid
  ncalrpc dir = ${folder}/ncalrpc
  smb ports = ${port}
  interfaces = 127.0.0.1
  bind interfaces only = yes
  disable netbios = yes
  load printers = no
  printcap name = /dev/null
  disable spoolss = yes
  usershare max shares = 0
  server min protocol = SMB2_02
  ${options.config ?? ""}

[share]
  path = ${root}
  read only = no
  ${options.share ?? ""}
`;
}

async function output(program: string, args: readonly string[], input = ""): Promise<string> {
  const child = new Deno.Command(findProgram(program) ?? program, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
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
