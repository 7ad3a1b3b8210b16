/**
 * The long form of these tests: `deno run -A tests/real/raft/main.ts --minutes M --nodes 3|5 [--json]
 * [--seed S] [--faults NAME,NAME]`. Rounds of all faults that this machine can make, in random order,
 * each round judged for itself. Exit 1 at the first history that is refused or cluster that stands still.
 */

import { parseArgs } from "node:util";
import process from "node:process";
import { requireNamespaces } from "../namespaces.ts";
import { requireMount } from "../tmpfs.ts";
import { type Cluster, withCluster } from "./cluster.ts";
import { type Fault, FAULTS } from "./faults.ts";
import { requireSyscallFaults } from "./syscall_faults.ts";
import { tryFaults } from "./trial.ts";

const FAULTS_PER_ROUND = 4;
const DISK_MIB = 256;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    nodes: { type: "string", default: "3" },
    seed: { type: "string", default: "1" },
    faults: { type: "string" },
    clients: { type: "string", default: "8" },
    json: { type: "boolean", default: false },
  },
});

const able = {
  network: !requireNamespaces().ignore,
  syscalls: !requireSyscallFaults().ignore,
  smallDisk: !requireMount().ignore,
};
const chosen = values.faults?.split(",");
const faults = FAULTS.filter(({ name, needs }) =>
  (needs === undefined || able[needs]) && (chosen === undefined || chosen.includes(name))
);
if (faults.length === 0) {
  process.stderr.write(`--faults: some of ${FAULTS.map(({ name }) => name).join(",")}\n`);
  Deno.exit(2);
}

let seed = Number(values.seed);
const say = (line: Readonly<Record<string, unknown>>, text: string): void =>
  void process.stdout.write(`${values.json ? JSON.stringify(line) : text}\n`);

try {
  await withCluster({
    size: Number(values.nodes),
    hasNetwork: able.network,
    hasSyscallFaults: able.syscalls,
    ...(able.smallDisk && faults.some(({ needs }) => needs === "smallDisk")
      ? { firstDiskMiB: DISK_MIB }
      : {}),
  }, rounds);
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  say({ ok: false, error: text }, text);
  Deno.exit(1);
}

async function rounds(cluster: Cluster): Promise<void> {
  const untilMs = performance.now() + Number(values.minutes) * 60_000;
  const total = { rounds: 0, faults: 0, operations: 0, unknown: 0, appends: 0 };
  while (performance.now() < untilMs) {
    const round = Array.from({ length: FAULTS_PER_ROUND }, () => faults[random(faults.length)]!);
    const trial = await tryRound(cluster, round, `r${total.rounds}`);
    total.rounds += 1;
    total.faults += round.length;
    total.operations += trial.operations;
    total.unknown += trial.unknown;
    total.appends += trial.appends;
    const { text: _, ...facts } = trial;
    say({ round: total.rounds, ...facts }, `round ${total.rounds}: ${JSON.stringify(facts)}`);
  }
  say({ ok: true, nodes: cluster.members.length, seed: Number(values.seed), ...total }, "ok");
}

function tryRound(cluster: Cluster, round: readonly Fault[], name: string) {
  const told = (text: string) => values.json ? undefined : say({}, `  ${text}`);
  return tryFaults(cluster, { name, faults: round, clients: Number(values.clients), random, told });
}

/** mulberry32. */
function random(bound: number): number {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
}
