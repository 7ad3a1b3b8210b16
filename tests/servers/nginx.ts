/** A real nginx on a free port, serving one temporary folder over http and https. */

import { findProgram } from "../real/require.ts";
import { identity } from "./tls_files.ts";

/** A running nginx. */
export interface Nginx {
  /** The folder that is served. */
  readonly root: string;
  readonly origin: string;
  readonly secureOrigin: string;
  /** Stops nginx and removes its folder. */
  close(): Promise<void>;
}

const START_ATTEMPTS = 200;
const START_STEP_MS = 25;

/** Somebody else may take a free port before nginx does. */
const PORT_ATTEMPTS = 5;

/** Starts nginx in the foreground; resolves when it accepts connections. */
export async function startNginx(workers = 1): Promise<Nginx> {
  for (let attempt = 1;; attempt += 1) {
    try {
      return await startOnFreePorts(workers);
    } catch (thrown) {
      if (attempt === PORT_ATTEMPTS) throw thrown;
    }
  }
}

async function startOnFreePorts(workers: number): Promise<Nginx> {
  const folder = await Deno.makeTempDir({ prefix: "quorus-nginx-" });
  const root = `${folder}/root`;
  const [port, securePort] = [freePort(), freePort()];
  await Deno.mkdir(root);
  const { cert, key } = identity("server");
  await Deno.writeTextFile(`${folder}/cert.pem`, cert);
  await Deno.writeTextFile(`${folder}/key.pem`, key);
  await Deno.writeTextFile(`${folder}/nginx.conf`, config(folder, port, securePort, workers));
  // Workers of an nginx that root started run as somebody else.
  await Deno.chmod(folder, 0o755);
  const child = new Deno.Command(findProgram("nginx") ?? "nginx", {
    args: ["-p", folder, "-e", `${folder}/error.log`, "-c", `${folder}/nginx.conf`],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const close = async () => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    await child.status;
    await Deno.remove(folder, { recursive: true });
  };
  try {
    await accepting(port, child);
  } catch (thrown) {
    await close();
    throw thrown;
  }
  return {
    root,
    origin: `http://127.0.0.1:${port}`,
    secureOrigin: `https://127.0.0.1:${securePort}`,
    close,
  };
}

function config(folder: string, port: number, securePort: number, workers: number): string {
  return `
daemon off; master_process ${workers > 1 ? "on" : "off"}; worker_processes ${workers};
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_body_temp_path ${folder}/t1; proxy_temp_path ${folder}/t2; fastcgi_temp_path ${folder}/t3;
  uwsgi_temp_path ${folder}/t4; scgi_temp_path ${folder}/t5;
  types {} default_type application/octet-stream;
  server {
    listen 127.0.0.1:${port};
    listen 127.0.0.1:${securePort} ssl;
    ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;
    root ${folder}/root;
    location = /denied.bin { return 403; }
  }
}
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
  throw new Error(`nginx did not start on port ${port}`);
}
