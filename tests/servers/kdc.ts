/** A real Kerberos KDC (MIT) of one realm on a free port of loopback, from a folder of its own. */

import { findProgram } from "../real/require.ts";

/** The realm, and how a process is told of it. */
export interface Kdc {
  readonly realm: string;
  readonly folder: string;
  /** What a program needs in its environment to find the realm. */
  readonly environment: Readonly<Record<string, string>>;
  /** Makes a principal with that password. */
  addUser(name: string, password: string): Promise<void>;
  /** Makes a service with a random key, which is put into the key table at `keytab`. */
  addService(name: string, keytab: string): Promise<void>;
  /** Asks for tickets of a user, valid for so long, into the cache `cache`. */
  ticket(user: string, password: string, cache: string, lifetime: string): Promise<void>;
  close(): Promise<void>;
}

export const KDC_PROGRAMS = ["krb5kdc", "kdb5_util", "kadmin.local", "kinit"] as const;
const REALM = "QUORUS.TEST";
const MASTER_PASSWORD = "master";
const START_ATTEMPTS = 400;
const START_STEP_MS = 25;

/** Starts it in the foreground; resolves when it accepts connections. */
export async function startKdc(): Promise<Kdc> {
  const folder = await Deno.makeTempDir({ prefix: "quorus-kdc-" });
  const port = freePort();
  await Deno.writeTextFile(`${folder}/krb5.conf`, clientConfig(port));
  await Deno.writeTextFile(`${folder}/kdc.conf`, serverConfig(folder, port));
  const environment = { KRB5_CONFIG: `${folder}/krb5.conf` };
  const own = { ...environment, KRB5_KDC_PROFILE: `${folder}/kdc.conf` };
  const admin = (query: string) => ran("kadmin.local", ["-q", query], own);
  await ran("kdb5_util", ["create", "-s", "-r", REALM, "-P", MASTER_PASSWORD], own);
  const child = new Deno.Command(findProgram("krb5kdc") ?? "krb5kdc", {
    args: ["-n"],
    env: own,
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
    await accepting(port);
  } catch (thrown) {
    await close();
    throw thrown;
  }
  return {
    ...{ realm: REALM, folder, environment, close },
    addUser: (name, password) => admin(`addprinc -pw ${password} ${name}`),
    addService: async (name, keytab) => {
      await admin(`addprinc -randkey ${name}`);
      await admin(`ktadd -k ${keytab} ${name}`);
    },
    ticket: (user, password, cache, lifetime) =>
      ran("kinit", ["-c", cache, "-l", lifetime, user], environment, `${password}\n`),
  };
}

/** No name is looked up anywhere: this realm is all there is. */
function clientConfig(port: number): string {
  return `[libdefaults]
  default_realm = ${REALM}
  dns_lookup_realm = false
  dns_lookup_kdc = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 0
[realms]
  ${REALM} = {
    kdc = 127.0.0.1:${port}
  }
`;
}

/** A Samba that is in no domain refuses tickets that say what groups a domain gives (PAC). */
function serverConfig(folder: string, port: number): string {
  return `[kdcdefaults]
  kdc_listen = 127.0.0.1:${port}
  kdc_tcp_listen = 127.0.0.1:${port}
[realms]
  ${REALM} = {
    database_name = ${folder}/principal
    key_stash_file = ${folder}/stash
    disable_pac = true
  }
`;
}

async function ran(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input = "",
): Promise<void> {
  const child = new Deno.Command(findProgram(program) ?? program, {
    args: [...args],
    env: { ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { success, stderr } = await child.output();
  if (!success) throw new Error(`${program} failed: ${new TextDecoder().decode(stderr)}`);
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

async function accepting(port: number): Promise<void> {
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, START_STEP_MS));
    }
  }
  throw new Error(`no KDC listens on port ${port}`);
}
