/** A real NFS 4 server (nfs-ganesha) on a free port of loopback; it takes root to open files by handles. */

import { findProgram } from "../real/require.ts";

/** A running ganesha.nfsd. */
export interface Ganesha {
  readonly port: number;
  /** The folder that it exports, read only, as `/export`. */
  readonly root: string;
  /** The folder with its configuration and state. */
  readonly folder: string;
  /** Stops it in its tracks, connections and all, until it is continued. */
  pause(): void;
  continue(): void;
  kill(): Promise<void>;
  /** Starts it again, on its port, with its files. */
  start(): Promise<void>;
  /** Stops it and removes its folder. */
  close(): Promise<void>;
}

const START_ATTEMPTS = 400;
const START_STEP_MS = 25;

/** Starts it in the foreground; resolves when it accepts connections. */
export async function startGanesha(): Promise<Ganesha> {
  const folder = await Deno.makeTempDir({ prefix: "quorus-ganesha-" });
  const root = `${folder}/root`;
  for (const made of [root, `${folder}/state`]) await Deno.mkdir(made);
  const port = freePort();
  await Deno.writeTextFile(`${folder}/ganesha.conf`, configOf(folder, root, port));
  let child: Deno.ChildProcess | null = null;
  const signal = (name: Deno.Signal) => {
    try {
      child?.kill(name);
    } catch {
      // It has ended by itself.
    }
  };
  const kill = async () => {
    signal("SIGKILL");
    await child?.status;
    child = null;
  };
  const start = async () => {
    const files = ["-f", `${folder}/ganesha.conf`, "-L", `${folder}/log`, "-p", `${folder}/pid`];
    child = new Deno.Command(findProgram("ganesha.nfsd") ?? "ganesha.nfsd", {
      args: ["-F", ...files, "-N", "NIV_WARN"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await accepting(port, child);
  };
  const close = async () => {
    await kill();
    await Deno.remove(folder, { recursive: true });
  };
  try {
    await start();
  } catch (thrown) {
    const log = await Deno.readTextFile(`${folder}/log`).catch(() => "");
    await close();
    throw new Error(`ganesha.nfsd did not start: ${log.slice(-2_000)}`, { cause: thrown });
  }
  return {
    ...{ port, root, folder, kill, start, close },
    pause: () => signal("SIGSTOP"),
    continue: () => signal("SIGCONT"),
  };
}

/** Without a portmapper, without caches of what is changed behind its back, and open at once. */
function configOf(folder: string, root: string, port: number): string {
  return `
NFS_CORE_PARAM {
  NFS_Port = ${port};
  Bind_addr = 127.0.0.1;
  Protocols = 4;
  Enable_NLM = false;
  Enable_RQUOTA = false;
  Enable_UDP = false;
}
NFSV4 { Graceless = true; RecoveryBackend = fs; RecoveryRoot = ${folder}/state; }
MDCACHE { Dir_Chunk = 0; }
EXPORT_DEFAULTS { Attr_Expiration_Time = 0; }
EXPORT {
  Export_Id = 1;
  Path = ${root};
  Pseudo = /export;
  Access_Type = RO;
  Squash = No_Root_Squash;
  SecType = sys;
  Protocols = 4;
  Transports = TCP;
  FSAL { Name = VFS; }
}
LOG { Default_Log_Level = WARN; }
`;
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
