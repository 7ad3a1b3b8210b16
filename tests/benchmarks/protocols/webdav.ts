/**
 * `bench protocols-webdav`: one file of 256 MiB and 500 of 4 KiB, put and got, beside rclone on
 * `rclone serve webdav`, and the large one beside curl on nginx, by WebDAV and by a plain upload.
 */

import { webdavProtocol } from "../../../protocols/webdav/protocol.ts";
import type { Env } from "../../../runtime/env/env.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { findProgram } from "../../real/require.ts";
import {
  RCLONE_USER,
  startNginxDav,
  startRclone,
  type WebdavServer,
} from "../../servers/webdav.ts";
import { planText, runPlan } from "../engine.ts";
import { alternate, type Report } from "../report.ts";

const BENCH = "protocols-webdav";
const LARGE_BYTES = 256 * 2 ** 20;
const FILES = 500;
const SMALL_BYTES = 4_096;
const CONCURRENCY = 16;
const ROUNDS = 3;

export async function bench(report: Report): Promise<void> {
  const missing = ["rclone", "nginx", "curl"].find((name) => findProgram(name) === undefined);
  if (missing !== undefined) {
    report({ bench: BENCH, measure: "all", unit: "ratio", values: null, peer: missing });
    return;
  }
  const env = realEnv();
  const folder = await Deno.makeTempDir({ dir: "/dev/shm", prefix: "quorus-webdav-" });
  const [rclone, nginx] = [await startRclone(folder, true), await startNginxDav(folder)];
  try {
    await fill(folder);
    const arena = new Arena(env, folder, rclone, nginx);
    await besideCurl(report, arena);
    await besideRclone(report, arena);
  } finally {
    await rclone.close();
    await nginx.close();
    await Deno.remove(folder, { recursive: true });
    env.close();
  }
}

async function fill(folder: string): Promise<void> {
  for (const part of ["in/small", "out/small", "peer/small"]) {
    await Deno.mkdir(`${folder}/${part}`, { recursive: true });
  }
  const content = new Uint8Array(LARGE_BYTES);
  for (let at = 0; at < LARGE_BYTES; at += 65_536) {
    crypto.getRandomValues(content.subarray(at, at + 65_536));
  }
  await Deno.writeFile(`${folder}/in/large`, content);
  for (let n = 0; n < FILES; n++) {
    const bytes = content.subarray(n * SMALL_BYTES, (n + 1) * SMALL_BYTES);
    await Deno.writeFile(`${folder}/in/small/${n}`, bytes);
  }
}

async function besideRclone(report: Report, arena: Arena): Promise<void> {
  const large = await alternate(ROUNDS, {
    put: () => arena.quorus(["large"], "in", "rclone"),
    rclonePut: () => arena.rclone("copyto", "in/large", ":webdav:large"),
    get: () => arena.quorus(["large"], "rclone", "out"),
    rcloneGet: () => arena.rclone("copyto", ":webdav:large", "peer/large"),
  });
  const names = Array.from({ length: FILES }, (_, n) => `small/${n}`);
  const small = await alternate(ROUNDS, {
    put: () => arena.quorus(names, "in", "rclone"),
    rclonePut: () => arena.rclone("copy", "in/small", ":webdav:small"),
    get: () => arena.quorus(names, "rclone", "out"),
    rcloneGet: () => arena.rclone("copy", ":webdav:small", "peer/small"),
  });
  say(report, "large", large, LARGE_BYTES / 1e6, "MB/s");
  say(report, "small", small, FILES, "files/s");
  compare(report, "large_put_vs_rclone", large.rclonePut, large.put);
  compare(report, "large_get_vs_rclone", large.rcloneGet, large.get);
  compare(report, "small_put_vs_rclone", small.rclonePut, small.put);
  compare(report, "small_get_vs_rclone", small.rcloneGet, small.get);
}

async function besideCurl(report: Report, arena: Arena): Promise<void> {
  const large = await alternate(ROUNDS, {
    davPut: () => arena.quorus(["large"], "in", "nginx"),
    uploadPut: () => arena.quorus(["large"], "in", "http"),
    curlPut: () => arena.curl("put"),
    davGet: () => arena.quorus(["large"], "nginx", "out"),
    curlGet: () => arena.curl("get"),
  });
  say(report, "nginx_large", large, LARGE_BYTES / 1e6, "MB/s");
  compare(report, "nginx_dav_put_vs_curl", large.curlPut, large.davPut);
  compare(report, "nginx_upload_put_vs_curl", large.curlPut, large.uploadPut);
  compare(report, "nginx_dav_get_vs_curl", large.curlGet, large.davGet);
}

function say(
  report: Report,
  size: string,
  seconds: Readonly<Record<string, readonly number[]>>,
  amount: number,
  unit: string,
): void {
  for (const [name, values] of Object.entries(seconds)) {
    const rates = values.map((value) => amount / value);
    report({ bench: BENCH, measure: `${size}_${name}`, unit, values: rates });
  }
}

function compare(
  report: Report,
  measure: string,
  theirs: readonly number[],
  ours: readonly number[],
): void {
  const values = theirs.map((value, index) => value / ours[index]!);
  report({ bench: BENCH, measure, unit: "ratio", values, aim: ">=1.0" });
}

type Where = "in" | "out" | "rclone" | "nginx" | "http";

/** The contestants, on the same servers. */
class Arena {
  readonly #env: Env;
  readonly #folder: string;
  readonly #rclone: WebdavServer;
  readonly #nginx: WebdavServer;
  #runs = 0;

  constructor(env: Env, folder: string, rclone: WebdavServer, nginx: WebdavServer) {
    this.#env = env;
    this.#folder = folder;
    this.#rclone = rclone;
    this.#nginx = nginx;
  }

  /** Seconds that a run takes for these files. */
  async quorus(names: readonly string[], from: Where, to: Where): Promise<number> {
    const lines = names.map((name) =>
      `    - {name: f${name.replace("/", "-")}, source: ${this.#end(from, name)}, ` +
      `destination: ${this.#end(to, name)}}`
    );
    const plan = planText(
      `apiVersion: quorus.dev/v1
kind: TransferGroup
metadata: {name: webdav}
spec:
  execution: {strategy: parallel, maxConcurrency: ${CONCURRENCY}}
  defaults: {destination: {conflict: overwrite, createDirectories: true}}
  transfers:
${lines.join("\n")}
`,
      0,
    );
    const start = performance.now();
    await runPlan(this.#env, plan, {
      sync: false,
      folder: `${this.#folder}/run-${this.#runs++}`,
      protocols: [webdavProtocol()],
    });
    return (performance.now() - start) / 1_000;
  }

  #end(where: Where, name: string): string {
    if (where === "in" || where === "out") return `{path: "${this.#folder}/${where}/${name}"}`;
    if (where === "nginx") return `{uri: "dav://127.0.0.1:${this.#nginx.port}/${name}"}`;
    if (where === "http") return `{uri: "http://127.0.0.1:${this.#nginx.port}/${name}"}`;
    const secret = `${this.#folder}/secret`;
    Deno.writeTextFileSync(secret, RCLONE_USER.password);
    return `{uri: "dav://127.0.0.1:${this.#rclone.port}/${name}", ` +
      `auth: {type: basic, username: ${RCLONE_USER.username}, password: "\${file:${secret}}"}}`;
  }

  async rclone(verb: string, from: string, to: string): Promise<number> {
    const place = (path: string) => path.startsWith(":") ? path : `${this.#folder}/${path}`;
    return await this.#timed("rclone", [
      ...["--config", "/dev/null", "--ignore-times", "--transfers", String(CONCURRENCY)],
      ...["--checkers", String(CONCURRENCY)],
      ...["--webdav-url", `http://127.0.0.1:${this.#rclone.port}`, "--webdav-vendor", "other"],
      ...["--webdav-user", RCLONE_USER.username],
      ...["--webdav-pass", await this.#obscured(), verb, place(from), place(to)],
    ]);
  }

  async #obscured(): Promise<string> {
    const { stdout } = await new Deno.Command("rclone", {
      args: ["obscure", RCLONE_USER.password],
    }).output();
    return new TextDecoder().decode(stdout).trim();
  }

  async curl(direction: "get" | "put"): Promise<number> {
    const url = `http://127.0.0.1:${this.#nginx.port}/large`;
    const file = direction === "put"
      ? ["-T", `${this.#folder}/in/large`]
      : ["-o", `${this.#folder}/peer/large`];
    return await this.#timed("curl", ["-sSf", ...file, url]);
  }

  async #timed(program: string, args: readonly string[]): Promise<number> {
    const start = performance.now();
    const { success, stderr } = await new Deno.Command(program, {
      args: [...args],
      stdin: "null",
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return (performance.now() - start) / 1_000;
  }
}
