/** A local nginx that serves one folder over HTTP and HTTPS, for benchmarks: the peers' own ground. */

/** A running nginx. */
export interface Nginx {
  readonly http: string;
  readonly https: string;
  /** PEM of the authority that signed its certificate, as a file. */
  readonly caFile: string;
  stop(): Promise<void>;
}

/** Runs a program to its end; throws with its error output if it fails. */
export async function command(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, {
    args,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`${program} ${args[0]}: ${new TextDecoder().decode(stderr)}`);
}

/** Whether a program is there. */
async function isInstalled(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command("which", { args: [program], stdout: "null" }).output()).success;
  } catch {
    return false;
  }
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

/** Makes an authority and a certificate for 127.0.0.1 in `folder`. */
async function certificates(folder: string): Promise<void> {
  const at = (name: string) => `${folder}/${name}`;
  const key = ["-newkey", "rsa:2048", "-nodes"];
  await command(
    "openssl",
    ...["req", "-x509", ...key, "-days", "30", "-subj", "/CN=Benchmark CA"],
    ...["-keyout", at("ca.key"), "-out", at("ca.pem")],
  );
  await Deno.writeTextFile(at("san"), "subjectAltName=IP:127.0.0.1\n");
  await command(
    "openssl",
    ...["req", ...key, "-subj", "/CN=127.0.0.1", "-keyout", at("key.pem"), "-out", at("csr.pem")],
  );
  await command(
    "openssl",
    ...["x509", "-req", "-days", "30", "-in", at("csr.pem"), "-extfile", at("san")],
    ...["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial", "-out", at("cert.pem")],
  );
}

/** Starts nginx on `root`; resolves once it answers. */
async function startNginx(root: string): Promise<Nginx> {
  // nginx's workers are nobody.
  await Deno.chmod(root, 0o755);
  const folder = await Deno.makeTempDir({ prefix: "quorus-nginx-" });
  await certificates(folder);
  const [plain, tls] = [freePort(), freePort()];
  const temps = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  await Deno.writeTextFile(
    `${folder}/nginx.conf`,
    `worker_processes 2; daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections 1024; }
    http { access_log off; sendfile on; keepalive_requests 1000000; ${temps}
      server { listen 127.0.0.1:${plain}; listen 127.0.0.1:${tls} ssl; root ${root};
        ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem; } }\n`,
  );
  const server = new Deno.Command("nginx", {
    args: ["-c", `${folder}/nginx.conf`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  await answers(plain);
  return {
    http: `http://127.0.0.1:${plain}`,
    https: `https://127.0.0.1:${tls}`,
    caFile: `${folder}/ca.pem`,
    stop: async () => {
      server.kill("SIGTERM");
      await server.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function answers(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  throw new Error(`nginx does not answer on port ${port}`);
}

/** Where the files of a benchmark go: memory, and a disk. */
const PLACES = { tmpfs: "/dev/shm", disk: "/var/tmp" } as const;

/**
 * Runs `body` with a fresh folder on each place, beside an nginx whose files `fill` has made; tells
 * `missing` instead if one of the programs is not installed.
 */
export async function onEachPlace(
  programs: readonly string[],
  missing: (program: string) => void,
  fill: (folder: string) => Promise<void>,
  body: (place: string, folder: string, nginx: Nginx) => Promise<void>,
): Promise<void> {
  for (const program of ["nginx", ...programs]) {
    if (!await isInstalled(program)) return missing(program);
  }
  const sources = await Deno.makeTempDir({ dir: PLACES.tmpfs, prefix: "quorus-bench-" });
  const nginx = await startNginx(sources);
  try {
    await fill(sources);
    for (const [place, dir] of Object.entries(PLACES)) {
      const folder = await Deno.makeTempDir({ dir, prefix: "quorus-bench-" });
      try {
        await body(place, folder, nginx);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    }
  } finally {
    await nginx.stop();
    await Deno.remove(sources, { recursive: true });
  }
}
