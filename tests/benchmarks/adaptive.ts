/**
 * `bench adaptive`: the time of a set, and of one large file, with fixed numbers at a time and with one that
 * follows its way, on paper hosts in this process: one that gives each connection a rate, one that refuses
 * beyond a number, one that gets slower when it has too much. A fixed number that is refused is tried again
 * by the job until all files are there.
 */

import { realEnv } from "../../runtime/env/real.ts";
import { PaperHost, type PaperHostOptions } from "./adaptive_server.ts";
import { planText, runPlan } from "./engine.ts";
import { alternate, median, type Report } from "./report.ts";

const ROUNDS = 3;
const SET_FILES = 400;
const LARGE_BYTES = 32 * 2 ** 20;
const CHUNK_BYTES = 512 * 1_024;

/** How much at a time: so many, or as it follows, up to so many. */
interface Setting {
  readonly most: number;
  readonly isFixed: boolean;
}

const SMALL = { bytes: 32 * 1_024, answerMs: 5, bytesPerSecond: 2 ** 20 } as const;

const HOSTS: Readonly<Record<string, PaperHostOptions>> = {
  "rated": SMALL,
  "refusing": { ...SMALL, most: 6 },
  "thrashing": { ...SMALL, thrashesFrom: 8 },
};

const SETTINGS: Readonly<Record<string, Setting>> = {
  fixed_1: { most: 1, isFixed: true },
  fixed_4: { most: 4, isFixed: true },
  fixed_32: { most: 32, isFixed: true },
  adaptive_32: { most: 32, isFixed: false },
};

export async function bench(report: Report): Promise<void> {
  for (const [name, host] of Object.entries(HOSTS)) await ofHost(report, name, host, setOnce);
  const large = { bytes: LARGE_BYTES, answerMs: 5, bytesPerSecond: 4 * 2 ** 20 };
  await ofHost(report, "large_file", large, fileOnce);
}

/** What a host has seen, and how long it took. */
interface Once {
  readonly seconds: number;
  readonly host: PaperHost;
}

type Run = (host: PaperHost, setting: Setting) => Promise<void>;

async function ofHost(
  report: Report,
  name: string,
  options: PaperHostOptions,
  run: Run,
): Promise<void> {
  const seen = new Map<string, Once[]>();
  const contestants = Object.fromEntries(
    Object.entries(SETTINGS).map(([setting, how]) => [setting, async () => {
      const host = new PaperHost(options);
      const beganMs = performance.now();
      await run(host, how);
      const seconds = (performance.now() - beganMs) / 1_000;
      seen.set(setting, [...seen.get(setting) ?? [], { seconds, host }]);
      return seconds;
    }]),
  );
  const took = await alternate(ROUNDS, contestants);
  for (const [setting, values] of Object.entries(took)) {
    report({ bench: "adaptive", measure: `${name}.${setting}`, unit: "s", values });
    const hosts = (seen.get(setting) ?? []).map(({ host }) => host);
    const count = (measure: string, of: (host: PaperHost) => number) =>
      report({
        bench: "adaptive",
        measure: `${name}.${setting}.${measure}`,
        unit: "count",
        values: hosts.map(of),
      });
    count("peak", ({ peak }) => peak);
    if (options.most !== undefined) count("refused", ({ refused }) => refused);
  }
  const fixed = Object.entries(took).filter(([setting]) => setting.startsWith("fixed"));
  const best = Math.min(...fixed.map(([, values]) => median(values)));
  report({
    bench: "adaptive",
    measure: `${name}.adaptive_vs_best`,
    unit: "ratio",
    values: took["adaptive_32"]!.map((seconds) => seconds / best),
    aim: "<=1.5",
  });
}

function setOnce(host: PaperHost, { most, isFixed }: Setting): Promise<void> {
  return carryOut(host, {
    source: { uri: `paper:///${SET_FILES}/` },
    destination: { path: `${FOLDER}/out/`, createDirectories: true },
    transfer: { concurrentFiles: most, adaptive: !isFixed },
  });
}

function fileOnce(host: PaperHost, { most, isFixed }: Setting): Promise<void> {
  return carryOut(host, {
    source: { uri: "paper:///large" },
    destination: { path: `${FOLDER}/large`, createDirectories: true },
    transfer: { parallelRanges: most, chunkSize: CHUNK_BYTES, adaptive: !isFixed },
  });
}

const FOLDER = "/var/tmp/quorus-bench-adaptive";

async function carryOut(
  host: PaperHost,
  spec: Readonly<Record<string, unknown>>,
): Promise<void> {
  const env = realEnv({ logLevel: "error" });
  const retry = { maxAttempts: 1_000, initialDelay: "100ms", maxDelay: "100ms" };
  const document = {
    apiVersion: "quorus.dev/v1",
    kind: "Transfer",
    metadata: { name: "adaptive" },
    spec: { ...spec, retry },
  };
  try {
    await runPlan(env, planText(JSON.stringify(document), Date.now()), {
      sync: false,
      folder: `${FOLDER}/run`,
      protocols: [host.protocol()],
    });
  } finally {
    env.close();
    await Deno.remove(FOLDER, { recursive: true }).catch(() => {});
  }
}
