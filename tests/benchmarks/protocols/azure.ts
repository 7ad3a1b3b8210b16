/**
 * `bench protocols-azure`: one file of 256 MiB and 500 of 4 KiB, to azurite and back, beside rclone on
 * the same server in the same run. Azurite is JavaScript: what is compared is what each asks of it.
 */

import { realEnv } from "../../../runtime/env/real.ts";
import type { Env } from "../../../runtime/env/env.ts";
import { azureProtocol } from "../../../protocols/azure/protocol.ts";
import { makeContainer } from "../../real/azure/harness.ts";
import { accountSignature } from "../../real/azure/rclone.ts";
import { findProgram } from "../../real/require.ts";
import { type Azurite, startAzurite } from "../../servers/azurite.ts";
import { planText, runPlan } from "../engine.ts";
import { alternate, type Report } from "../report.ts";

const BENCH = "protocols-azure";
const LARGE_BYTES = 256 * 2 ** 20;
const FILES = 500;
const SMALL_BYTES = 4_096;
const CONCURRENCY = 16;
/** As many as rclone reads of a large file at once. */
const RANGES = 4;
const ROUNDS = 3;

export async function bench(report: Report): Promise<void> {
  const missing = ["azurite-blob", "rclone"].find((name) => findProgram(name) === undefined);
  if (missing !== undefined) {
    report({ bench: BENCH, measure: "all", unit: "ratio", values: null, peer: missing });
    return;
  }
  const env = realEnv();
  const azurite = await startAzurite();
  try {
    await makeContainer(azurite);
    await measure(report, new Arena(env, azurite));
  } finally {
    await azurite.close();
    env.close();
  }
}

async function measure(report: Report, arena: Arena): Promise<void> {
  await arena.fill();
  const large = await alternate(ROUNDS, {
    put: () => arena.quorus("large", "in", "az"),
    rclonePut: () => arena.rclone("copyto", `${arena.folder}/in/large`, "az/large"),
    get: () => arena.quorus("large", "az", "out"),
    rcloneGet: () => arena.rclone("copyto", "az/large", `${arena.folder}/rclone/large`),
  });
  const small = await alternate(ROUNDS, {
    put: () => arena.quorus("small", "in", "az"),
    rclonePut: () => arena.rclone("copy", `${arena.folder}/in/small`, "az/small"),
    get: () => arena.quorus("small", "az", "out"),
    rcloneGet: () => arena.rclone("copy", "az/small", `${arena.folder}/rclone/small`),
  });
  for (
    const [size, seconds, amount, unit, aim] of [
      ["large", large, LARGE_BYTES / 1e6, "MB/s", ">=1.0"],
      ["small", small, FILES, "files/s", ">=1.0"],
    ] as const
  ) {
    for (const [name, values] of Object.entries(seconds)) {
      const rates = values.map((value) => amount / value);
      report({ bench: BENCH, measure: `${size}_${name}`, unit, values: rates });
    }
    const ratio = (theirs: number[], ours: number[]) => theirs.map((s, i) => s / ours[i]!);
    const say = (measure: string, values: number[]) =>
      report({ bench: BENCH, measure: `${size}_${measure}`, unit: "ratio", values, aim });
    say("put_vs_rclone", ratio(seconds.rclonePut, seconds.put));
    say("get_vs_rclone", ratio(seconds.rcloneGet, seconds.get));
  }
}

/** Both contestants on one server. */
class Arena {
  readonly folder: string;
  readonly #env: Env;
  readonly #azurite: Azurite;
  readonly #protocol = azureProtocol();
  #runs = 0;

  constructor(env: Env, azurite: Azurite) {
    this.#env = env;
    this.#azurite = azurite;
    this.folder = `${azurite.folder}/work`;
  }

  async fill(): Promise<void> {
    for (const part of ["in/small", "out/small", "rclone/small"]) {
      await Deno.mkdir(`${this.folder}/${part}`, { recursive: true });
    }
    const content = new Uint8Array(LARGE_BYTES);
    for (let at = 0; at < LARGE_BYTES; at += 65_536) {
      crypto.getRandomValues(content.subarray(at, at + 65_536));
    }
    await Deno.writeFile(`${this.folder}/in/large`, content);
    for (let n = 0; n < FILES; n++) {
      const bytes = content.subarray(n * SMALL_BYTES, (n + 1) * SMALL_BYTES);
      await Deno.writeFile(`${this.folder}/in/small/${n}`, bytes);
    }
  }

  /** Seconds that a run takes for one large file or for all small ones. */
  async quorus(what: "large" | "small", from: string, to: string): Promise<number> {
    const names = what === "large"
      ? ["large"]
      : Array.from({ length: FILES }, (_, n) => `small/${n}`);
    const lines = names.map((name) =>
      `    - {name: f${name.replace("/", "-")}, source: ${this.#end(from, name)}, ` +
      `destination: ${this.#end(to, name)}}`
    );
    const plan = planText(
      `apiVersion: quorus.dev/v1
kind: TransferGroup
metadata: {name: az}
spec:
  execution: {strategy: parallel, maxConcurrency: ${CONCURRENCY}}
  defaults: {transfer: {parallelRanges: ${RANGES}}}
  transfers:
${lines.join("\n")}
`,
      0,
    );
    const start = performance.now();
    await runPlan(this.#env, plan, {
      sync: false,
      folder: `${this.#azurite.folder}/run-${this.#runs++}`,
      protocols: [this.#protocol],
    });
    return (performance.now() - start) / 1_000;
  }

  #end(where: string, name: string): string {
    if (where !== "az") return `{path: "${this.folder}/${where}/${name}"}`;
    const { account, accountKey, endpoint, folder } = this.#azurite;
    const secret = `${folder}/secret`;
    Deno.writeTextFileSync(secret, accountKey);
    return `{uri: "azblob://${account}/box/${name}", ` +
      `auth: {type: sharedKey, account: ${account}, accountKey: "\${file:${secret}}"}, ` +
      `options: {endpoint: "${endpoint}"}}`;
  }

  async rclone(verb: string, from: string, to: string): Promise<number> {
    const { endpoint } = this.#azurite;
    const place = (path: string) => path.startsWith("az/") ? `az:box/${path.slice(3)}` : path;
    const start = performance.now();
    const { success, stderr } = await new Deno.Command("rclone", {
      args: [
        ...["--config", "/dev/null", "--ignore-times", "--transfers", String(CONCURRENCY)],
        ...["--checkers", String(CONCURRENCY), verb, place(from), place(to)],
      ],
      stdin: "null",
      clearEnv: true,
      env: {
        PATH: Deno.env.get("PATH") ?? "",
        HOME: this.folder,
        RCLONE_CONFIG_AZ_TYPE: "azureblob",
        RCLONE_CONFIG_AZ_SAS_URL: `${endpoint}?${accountSignature(this.#azurite)}`,
      },
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return (performance.now() - start) / 1_000;
  }
}
