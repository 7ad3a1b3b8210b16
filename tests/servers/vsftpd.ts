/** A real vsftpd on a free port of loopback, for one user who logs in by name. */

import { findProgram } from "../real/require.ts";
import { identity, pem } from "./tls_files.ts";

/** A running vsftpd. */
export interface Vsftpd {
  readonly port: number;
  /** An empty folder that is `/` for the user. */
  readonly root: string;
  readonly user: string;
  readonly password: string;
  /** The folder with its configuration. */
  readonly folder: string;
  /** PEM of the authority that signed its certificate. */
  readonly ca: string;
  /** Ends it and every session, as a machine does that loses its power. */
  kill(): Promise<void>;
  /** Starts it again on the same port, over the same files. */
  restart(): Promise<void>;
  /** Stops it and removes its folder. */
  close(): Promise<void>;
}

/** What a test may want otherwise. */
export interface VsftpdOptions {
  /** `explicit`: nobody logs in without AUTH TLS. */
  readonly tls?: "none" | "explicit" | "implicit";
  /** A certificate other than the usual one. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** Further lines of its configuration. */
  readonly config?: string;
}

const START_ATTEMPTS = 200;
const START_STEP_MS = 25;
const USER = "files";
const PASSWORD = "a pass word";

/** vsftpd asks PAM, whose services are files of the system. */
export function requireRoot(): { readonly ignore: boolean } {
  const isRoot = Deno.uid() === 0;
  if (!isRoot) console.warn("Cannot run a test: vsftpd needs root (the test is skipped)");
  return { ignore: !isRoot };
}

/** Starts vsftpd in the foreground; resolves when it accepts connections. */
export async function startVsftpd(options: VsftpdOptions = {}): Promise<Vsftpd> {
  const folder = await Deno.makeTempDir({ prefix: "quorus-vsftpd-" });
  const root = `${folder}/root`;
  for (const made of [root, `${folder}/empty`]) await Deno.mkdir(made);
  await Deno.chmod(root, 0o777);
  await Deno.chmod(folder, 0o755);
  const port = freePort();
  const service = `quorus-test-${port}`;
  const { cert, key } = options.certificate ?? identity("server");
  await Deno.writeTextFile(`${folder}/tls.pem`, `${key}\n${cert}`);
  await Deno.writeTextFile(`${folder}/ca.pem`, pem("ca"));
  await Deno.writeTextFile(`${folder}/users`, `${USER}\n`);
  await Deno.writeTextFile(`/etc/pam.d/${service}`, pamOf(folder));
  await Deno.writeTextFile(`${folder}/vsftpd.conf`, configOf(folder, port, service, options));
  const start = () => started(folder, port);
  let child = await start();
  const kill = async () => {
    for (const pid of await family(child.pid)) killOne(pid);
    await child.status;
  };
  return {
    ...{ port, root, folder, kill },
    user: USER,
    password: PASSWORD,
    ca: pem("ca"),
    restart: async () => void (child = await start()),
    close: async () => {
      await kill();
      await Deno.remove(`/etc/pam.d/${service}`);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/**
 * One user, and any password: vsftpd reaps the children of PAM modules that would compare it by a program,
 * and the other modules need accounts of the system.
 */
function pamOf(folder: string): string {
  return `auth required pam_listfile.so item=user sense=allow file=${folder}/users onerr=fail
auth required pam_permit.so
account required pam_permit.so
`;
}

function configOf(
  folder: string,
  port: number,
  service: string,
  { tls = "none", config = "" }: VsftpdOptions,
): string {
  return `
background=NO
listen=YES
listen_address=127.0.0.1
listen_port=${port}
anonymous_enable=NO
local_enable=YES
guest_enable=YES
guest_username=games
virtual_use_local_privs=YES
pam_service_name=${service}
check_shell=NO
local_root=${folder}/root
chroot_local_user=YES
allow_writeable_chroot=YES
secure_chroot_dir=${folder}/empty
write_enable=YES
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
session_support=NO
utf8_filesystem=YES
max_per_ip=0
max_login_fails=100
delay_failed_login=0
${tls === "none" ? "" : tlsOf(folder, tls)}
${config}
`;
}

function tlsOf(folder: string, tls: "explicit" | "implicit"): string {
  return `
ssl_enable=YES
ssl_tlsv1=YES
implicit_ssl=${tls === "implicit" ? "YES" : "NO"}
force_local_logins_ssl=YES
force_local_data_ssl=YES
require_ssl_reuse=YES
rsa_cert_file=${folder}/tls.pem
ca_certs_file=${folder}/ca.pem
ssl_ciphers=HIGH
`;
}

async function started(folder: string, port: number): Promise<Deno.ChildProcess> {
  const child = new Deno.Command(findProgram("vsftpd") ?? "vsftpd", {
    args: [`${folder}/vsftpd.conf`],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const said = new Response(child.stdout).text();
  let ended = false;
  void child.status.then(() => ended = true);
  for (let attempt = 0; attempt < START_ATTEMPTS && !ended; attempt += 1) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return child;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, START_STEP_MS));
    }
  }
  killOne(child.pid);
  throw new Error(`vsftpd did not start: ${await said}`);
}

/** A process and everything that it has started, and those. */
async function family(pid: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => "");
    const parent = /^\d+ \(.*\) \S (\d+)/s.exec(stat)?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const all = [pid];
  for (const one of all) {
    for (const [child, parent] of parents) if (parent === one) all.push(child);
  }
  return all;
}

function killOne(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
