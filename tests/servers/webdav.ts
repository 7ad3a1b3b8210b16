/** Real WebDAV servers on free ports of the loopback interface, each with a fresh folder. */

import { findProgram } from "../real/require.ts";

/** A running server. */
export interface WebdavServer {
  readonly port: number;
  /** What it serves, on this machine's disk. */
  readonly root: string;
  /** The folder of the server's own files. */
  readonly folder: string;
  readonly pid: number;
  /** Ends it at once, however busy it is; its files stay until {@link WebdavServer.close}. */
  kill(): Promise<void>;
  /** Starts it again on the same port and folder. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Who may ask rclone. */
export const RCLONE_USER = { type: "basic", username: "u", password: "p" } as const;

const START_ATTEMPTS = 400;
const START_STEP_MS = 25;

/**
 * `rclone serve webdav`, which has every method. Unless it `remembers` directories, which is what makes
 * it fast, others can change them on the disk.
 */
export function startRclone(within?: string, remembers = false): Promise<WebdavServer> {
  const cache = remembers ? [] : ["--dir-cache-time", "1ms"];
  return startWebdav(within, (root, port) => ({
    program: "rclone",
    args: [
      ...["serve", "webdav", root, "--addr", `127.0.0.1:${port}`, ...cache],
      ...["--user", RCLONE_USER.username, "--pass", RCLONE_USER.password],
    ],
  }));
}

/** nginx with the methods that change files; what there is it does not tell. */
export function startNginxDav(within?: string): Promise<WebdavServer> {
  return startWebdav(within, async (root, port, folder) => {
    const temps = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
    await Deno.writeTextFile(
      `${folder}/nginx.conf`,
      `${Deno.uid() === 0 ? "user root;" : ""} daemon off; master_process off; pid ${folder}/pid;
      error_log ${folder}/error.log; events { worker_connections 1024; }
      http { access_log off; client_max_body_size 0; ${temps} server { listen 127.0.0.1:${port};
        root ${root}; keepalive_requests 1000000;
        location / { dav_methods PUT DELETE MKCOL COPY MOVE; } } }\n`,
    );
    return { program: "nginx", args: ["-c", `${folder}/nginx.conf`, "-e", `${folder}/error.log`] };
  });
}

interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** Starts what `commandOf` says for a folder to serve, a free port and a folder of its own. */
export async function startWebdav(
  within: string | undefined,
  commandOf: (root: string, port: number, folder: string) => Command | Promise<Command>,
): Promise<WebdavServer> {
  const folder = await Deno.makeTempDir({
    prefix: "quorus-webdav-",
    ...(within === undefined ? {} : { dir: within }),
  });
  const root = `${folder}/root`;
  await Deno.mkdir(root);
  const port = freePort();
  const { program, args } = await commandOf(root, port, folder);
  const spawn = async () => {
    const child = new Deno.Command(findProgram(program) ?? program, {
      args: [...args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await accepting(port, child);
    return child;
  };
  let child = await spawn();
  const kill = async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await child.status;
  };
  return {
    ...{ port, root, folder, kill },
    get pid() {
      return child.pid;
    },
    restart: async () => {
      child = await spawn();
    },
    close: async () => {
      await kill();
      await Deno.remove(folder, { recursive: true });
    },
  };
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
