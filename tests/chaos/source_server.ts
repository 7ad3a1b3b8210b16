/** An nginx on a host of its own, serving one folder at a bounded rate per connection. */

import { findProgram } from "../real/require.ts";
import { diesWithUs } from "../real/raft/member.ts";
import type { Places } from "./places.ts";

/** So that a large file takes long enough to be hit by something. */
const RATE = "1m";
const START_ATTEMPTS = 200;
const START_STEP_MS = 50;

/** A running nginx. */
export interface SourceServer {
  readonly root: string;
  readonly origin: string;
  stop(): Promise<void>;
}

/** Starts it with its files in `folder`. */
export async function startSource(
  folder: string,
  { hostname, port, prefix }: Places["source"],
): Promise<SourceServer> {
  const root = `${folder}/root`;
  Deno.mkdirSync(root, { recursive: true });
  Deno.writeTextFileSync(`${folder}/nginx.conf`, config(folder, hostname, port));
  const nginx = findProgram("nginx")!;
  const [command, ...args] = [...diesWithUs(), ...prefix, nginx];
  const files = ["-p", folder, "-e", `${folder}/error.log`, "-c", `${folder}/nginx.conf`];
  const child = new Deno.Command(command!, {
    args: [...args, ...files],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const stop = async () => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    await child.status;
  };
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
    try {
      (await Deno.connect({ hostname, port })).close();
      return { root, origin: `http://${hostname}:${port}`, stop };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, START_STEP_MS));
    }
  }
  await stop();
  throw new Error(`nginx did not start on ${hostname}:${port}; see ${folder}/error.log`);
}

function config(folder: string, hostname: string, port: number): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  return `
daemon off; master_process off; pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; ${temporary}
  types {} default_type application/octet-stream;
  server { listen ${hostname}:${port}; root ${folder}/root; limit_rate ${RATE}; }
}
`;
}
