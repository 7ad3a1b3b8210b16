/** A real object store on free ports of loopback: OpenStack Swift, spoken to as S3. */

import { realEnv } from "../../runtime/env/real.ts";
import { type AccessKey, EMPTY_PAYLOAD, signedHeaders } from "../../protocols/s3/signing.ts";

/** A running Swift. */
export interface Swift {
  /** `http://127.0.0.1:port`, or https. */
  readonly origin: string;
  readonly port: number;
  readonly key: AccessKey;
  readonly folder: string;
  /** Makes a bucket. */
  makeBucket(name: string): Promise<void>;
  /** Ends the process that clients talk to, as a crash would, and starts it again. */
  crash(): Promise<void>;
  /** Stops it and removes its folder. */
  close(): Promise<void>;
}

/** What a test may want otherwise. */
export interface SwiftOptions {
  /** PEM files: then it speaks TLS. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Where its files are; a fresh folder unless set. */
  readonly parent?: string;
}

/** The programs that it consists of; each is a Debian package of nearly that name. */
export const SWIFT_PROGRAMS = [
  "swift-proxy-server",
  "swift-account-server",
  "swift-container-server",
  "swift-object-server",
] as const;

const KINDS = ["account", "container", "object"] as const;
const USER = "test:tester";
const SECRET = "testing";
const START_ATTEMPTS = 1_800;
const START_STEP_MS = 50;
const RINGS = `
import json, sys
from swift.common.ring import RingBuilder
for name, port in json.loads(sys.argv[2]).items():
    builder = RingBuilder(4, 1, 1)
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": port,
        "replication_ip": "127.0.0.1", "replication_port": port, "device": "d", "weight": 1.0,
        "meta": ""})
    builder.rebalance()
    builder.get_ring().save(sys.argv[1] + "/" + name + ".ring.gz")
`;

/** Starts all four servers; resolves when they accept connections. */
export async function startSwift(options: SwiftOptions = {}): Promise<Swift> {
  const folder = await Deno.makeTempDir({
    ...(options.parent === undefined ? {} : { dir: options.parent }),
    prefix: "quorus-swift-",
  });
  await Deno.mkdir(`${folder}/srv/d`, { recursive: true });
  await haveHashConfiguration();
  const ports = { account: freePort(), container: freePort(), object: freePort() };
  const port = freePort();
  await python(["-c", RINGS, folder, JSON.stringify(ports)]);
  for (const kind of KINDS) {
    await Deno.writeTextFile(`${folder}/${kind}.conf`, storageConfig(folder, kind, ports[kind]));
  }
  await Deno.writeTextFile(`${folder}/proxy.conf`, proxyConfig(folder, port, options));
  const children = new Map<string, Deno.ChildProcess>();
  const start = (kind: string) => children.set(kind, started(folder, kind));
  const stop = async (kind: string) => {
    const child = children.get(kind);
    try {
      child?.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await child?.status;
  };
  const close = async () => {
    await Promise.all([...children.keys()].map(stop));
    await Deno.remove(folder, { recursive: true });
  };
  for (const kind of [...KINDS, "proxy"]) start(kind);
  try {
    for (const at of [...Object.values(ports), port]) await accepting(at);
  } catch (thrown) {
    await close();
    throw thrown;
  }
  const origin = `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  const key = { accessKeyId: USER, secretAccessKey: SECRET, sessionToken: null };
  return {
    ...{ origin, port, key, folder, close },
    makeBucket: (name) => makeBucket(`http://127.0.0.1:${port}`, key, name, options),
    crash: async () => {
      await stop("proxy");
      start("proxy");
      await accepting(port);
    },
  };
}

/** Swift reads this one file from one place. */
async function haveHashConfiguration(): Promise<void> {
  const path = "/etc/swift/swift.conf";
  const text = await Deno.readTextFile(path).catch(() => "");
  if (/^swift_hash_path_suffix\s*=\s*\S/m.test(text)) return;
  await Deno.mkdir("/etc/swift", { recursive: true });
  await Deno.writeTextFile(path, "[swift-hash]\nswift_hash_path_suffix = quorus\n");
}

function started(folder: string, kind: string): Deno.ChildProcess {
  const log = `${folder}/${kind}.log`;
  return new Deno.Command("/bin/sh", {
    args: [
      "-c",
      'exec /usr/bin/python3 "$1" "$2" >>"$3" 2>&1 </dev/null',
      "sh",
      `/usr/bin/swift-${kind}-server`,
      `${folder}/${kind}.conf`,
      log,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

function commonConfig(folder: string, port: number): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
user = ${Deno.env.get("USER") ?? "root"}
swift_dir = ${folder}
devices = ${folder}/srv
mount_check = false
workers = 0
log_level = WARNING
eventlet_debug = false
fallocate_reserve = 0
`;
}

function storageConfig(folder: string, kind: string, port: number): string {
  return `${commonConfig(folder, port)}
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
`;
}

function proxyConfig(folder: string, port: number, { tls }: SwiftOptions): string {
  const secure = tls === undefined
    ? ""
    : `cert_file = ${tls.certFile}\nkey_file = ${tls.keyFile}\n`;
  return `${commonConfig(folder, port)}${secure}
[pipeline:main]
pipeline = catch_errors proxy-logging cache listing_formats bulk s3api tempauth copy slo dlo proxy-logging proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:proxy-logging]
use = egg:swift#proxy_logging
access_log_level = DEBUG
[filter:cache]
use = egg:swift#memcache
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
max_upload_part_num = 10000
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = ${SECRET} .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
max_manifest_segments = 10000
[filter:dlo]
use = egg:swift#dlo
`;
}

const TRIES = 50;
const AGAIN_MS = 100;

async function makeBucket(
  origin: string,
  key: AccessKey,
  name: string,
  { tls }: SwiftOptions,
): Promise<void> {
  const url = new URL(`${tls === undefined ? origin : origin.replace("http:", "https:")}/${name}`);
  const env = realEnv();
  try {
    const ca = tls === undefined
      ? {}
      : { tls: { caCerts: [await Deno.readTextFile(tls.certFile.replace(/[^/]+$/, "ca.pem"))] } };
    const put = async () => {
      const request = { method: "PUT", url, headers: {}, payload: EMPTY_PAYLOAD };
      const scope = { region: "us-east-1", service: "s3" };
      const headers = signedHeaders(env.hash, request, key, scope, env.clock.now());
      const { signal } = new AbortController();
      const asked = { method: "PUT", url: url.href, headers, signal, ...ca };
      const { status, body } = await env.net.request(asked);
      await body.cancel();
      return status;
    };
    // Servers that listen may still have to find each other.
    for (let tries = 1;; tries += 1) {
      const status = await put();
      if (status === 200) return;
      if (tries === TRIES) throw new Error(`cannot make the bucket ${name}: status ${status}`);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  } finally {
    env.close();
  }
}

async function python(args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("/usr/bin/python3", {
    args: [...args],
    stdin: "null",
  }).output();
  if (!success) throw new Error(`python3 failed: ${new TextDecoder().decode(stderr)}`);
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
  throw new Error(`nothing of Swift listens on port ${port}`);
}
