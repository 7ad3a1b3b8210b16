/**
 * `bench transfer-large`: 1 GiB from a local nginx to a local file, on tmpfs and on disk, beside curl
 * and rclone on the same server in the same run.
 *
 * Verified means: the SHA-256 of what was written is known and the file is synced; the peers need a
 * second command for each (`openssl dgst`, `sync`). Bare means: bytes copied, nothing else.
 */

import { realEnv } from "../../runtime/env/real.ts";
import type { Env } from "../../runtime/env/env.ts";
import { planText, runPlan } from "./engine.ts";
import { command, type Nginx, onEachPlace } from "./nginx.ts";
import { alternate, type Report } from "./report.ts";

const BYTES = 2 ** 30;
const ROUNDS = 5;

/** Contestants take the same source and destination; each resolves to seconds. */
type Contestants = Readonly<Record<string, () => Promise<number>>>;

interface Ground {
  readonly env: Env;
  readonly nginx: Nginx;
  readonly folder: string;
}

export async function bench(report: Report): Promise<void> {
  const env = realEnv();
  const missing = (peer: string) =>
    report({ bench: "transfer-large", measure: "all", unit: "ratio", values: null, peer });
  try {
    await onEachPlace(
      ["curl", "rclone", "openssl"],
      missing,
      (sources) => randomFile(`${sources}/big.bin`),
      (place, folder, nginx) => onPlace(report, place, { env, nginx, folder }),
    );
  } finally {
    env.close();
  }
}

async function onPlace(report: Report, place: string, ground: Ground): Promise<void> {
  const plain = await alternate(ROUNDS, httpContestants(ground, place));
  const say = (measure: string, unit: string, values: number[], aim?: string) =>
    report({
      bench: "transfer-large",
      measure: `${place}.${measure}`,
      unit,
      values,
      ...(aim === undefined ? {} : { aim }),
    });
  const speed = (seconds: number[] | undefined) => (seconds ?? []).map((s) => BYTES / s / 1e6);
  for (const [name, seconds] of Object.entries(plain)) say(name, "MB/s", speed(seconds));
  say("verified_vs_curl_dgst", "ratio", ratios(plain, "curl_dgst", "quorus_verified"), ">=1.3");
  say("verified_vs_rclone_dgst", "ratio", ratios(plain, "rclone_dgst", "quorus_verified"), ">=1.4");
  say("verified_vs_rclone_unverified", "ratio", ratios(plain, "rclone", "quorus_verified"));
  say("bare_vs_rclone", "ratio", ratios(plain, "rclone", "quorus_bare"), ">=1.1");
  if (place !== "tmpfs") return;
  const tls = await alternate(ROUNDS, httpsContestants(ground));
  for (const [name, seconds] of Object.entries(tls)) say(`https.${name}`, "MB/s", speed(seconds));
  say("https.verified_vs_curl_dgst", "ratio", ratios(tls, "curl_dgst", "quorus_verified"), ">=1.1");
  const vsRclone = ratios(tls, "rclone_dgst", "quorus_verified");
  say("https.verified_vs_rclone_dgst", "ratio", vsRclone, ">=1.1");
}

/** Round by round: how many times faster `ours` was than `theirs`. */
function ratios(
  seconds: Readonly<Record<string, number[]>>,
  theirs: string,
  ours: string,
): number[] {
  return (seconds[theirs] ?? []).map((value, round) => value / (seconds[ours]?.[round] ?? NaN));
}

function httpContestants(ground: Ground, place: string): Contestants {
  const { nginx } = ground;
  const url = `${nginx.http}/big.bin`;
  const peers = peersOf(ground, url, []);
  const sync = place === "disk" ? ["sync", "-d"] : null;
  return {
    quorus_verified: () => quorus(ground, url, { hash: true, sync: true }),
    curl_dgst: () => peers.curl(true, sync),
    rclone_dgst: () => peers.rclone(true, sync),
    rclone: () => peers.rclone(false, null),
    quorus_bare: () => quorus(ground, url, { hash: false, sync: false }),
  };
}

function httpsContestants(ground: Ground): Contestants {
  const { nginx } = ground;
  const url = `${nginx.https}/big.bin`;
  const peers = peersOf(ground, url, [nginx.caFile]);
  return {
    quorus_verified: () => quorus(ground, url, { hash: true, sync: true, caFile: nginx.caFile }),
    curl_dgst: () => peers.curl(true, null),
    rclone_dgst: () => peers.rclone(true, null),
  };
}

function peersOf({ folder }: Ground, url: string, ca: readonly string[]) {
  const target = `${folder}/peer.bin`;
  const finish = async (verify: boolean, sync: readonly string[] | null) => {
    if (sync !== null) await command(sync[0] as string, ...sync.slice(1), target);
    if (verify) await command("openssl", "dgst", "-sha256", target);
  };
  return {
    curl: (verify: boolean, sync: readonly string[] | null) =>
      timed(target, async () => {
        const tls = ca.length > 0 ? ["--cacert", ca[0] as string] : [];
        await command("curl", "-sf", ...tls, "-o", target, url);
        await finish(verify, sync);
      }),
    rclone: (verify: boolean, sync: readonly string[] | null) =>
      timed(target, async () => {
        const tls = ca.length > 0 ? ["--ca-cert", ca[0] as string] : [];
        const { origin, pathname } = new URL(url);
        const from = `:http,url='${origin}':${pathname.slice(1)}`;
        await command("rclone", "copyto", "--ignore-times", ...tls, from, target);
        await finish(verify, sync);
      }),
  };
}

async function quorus(
  { env, folder }: Ground,
  url: string,
  how: { hash: boolean; sync: boolean; caFile?: string },
): Promise<number> {
  const target = `${folder}/quorus.bin`;
  const tls = how.caFile === undefined ? "" : `, tls: { ca: "${how.caFile}" }`;
  const plan = planText(
    `apiVersion: quorus.dev/v1
kind: Transfer
metadata: { name: large }
spec:
  source: { uri: "${url}"${tls} }
  destination: { path: "${target}" }
  transfer: { hash: ${how.hash} }
`,
    0,
  );
  return await timed(target, async () => {
    await runPlan(env, plan, { sync: how.sync, folder: `${folder}/run` });
  });
}

/** Seconds that `work` takes to make `target`; the file is removed before and after. */
async function timed(target: string, work: () => Promise<void>): Promise<number> {
  await Deno.remove(target).catch(() => {});
  // What the contestant before has left to be written must not slow this one down.
  await command("sync");
  await warmMemory(target);
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1_000;
  const { size } = await Deno.stat(target);
  if (size !== BYTES) throw new Error(`${target} has ${size} bytes`);
  await Deno.remove(target);
  return seconds;
}

/**
 * Has the page cache hold a file of this size, and frees it. A virtual machine gives free memory back to
 * its host, and to get it again costs up to 4.5 s of system time a GiB (`dd` from /dev/zero: 0.35 s with
 * memory just freed, 4.7 s after a pause): whoever ran after somebody small would pay for it.
 */
async function warmMemory(path: string): Promise<void> {
  await command("dd", "if=/dev/zero", `of=${path}`, "bs=1M", `count=${BYTES / 2 ** 20}`);
  await Deno.remove(path);
}

async function randomFile(path: string): Promise<void> {
  const file = await Deno.open(path, { write: true, create: true });
  const block = new Uint8Array(65_536);
  for (let written = 0; written < BYTES; written += block.length) {
    crypto.getRandomValues(block);
    await file.write(block);
  }
  file.close();
}
