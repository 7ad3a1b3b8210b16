/**
 * Plants each of the 24 bugs of Raft in a copy of the tree; lets the scripts play, or the test that is
 * named for it, and lets the exploration of the core look for it:
 *
 * deno run -A tests/mutants/raft.ts [--only NUMBER,NUMBER] [--seeds N] [--json]
 *
 * Exit code 1 where a script or test stays green, or where nothing but it could have found the bug.
 */

import { dirname, join } from "node:path";
import { RAFT_BUGS, type RaftBug, withBug } from "../runtime/raft/scripts/bugs.ts";
import type { exploreMeshes as exploredMeshes } from "../runtime/raft/scripts/partial_mesh.ts";
import type { RedScript } from "../runtime/raft/scripts/play_all.ts";
import { repositoryRoot } from "../tidy/repository.ts";
import { repositoryPaths } from "../tidy/tidy.ts";

const SEEDS = 3_000;
/** A run that takes longer counts as found: it hangs. */
const RUN_MS = 600_000;
const COPIED = /\.(ts|json|lock)$|^tests\/(golden\/raft|compat)\//;

/** What became of one bug. */
interface Outcome {
  readonly number: number;
  readonly name: string;
  /** The script or test that is named for it, if it turned red. */
  readonly foundBy: string | null;
  readonly why: string | null;
  /** Other scripts that turned red. */
  readonly others: readonly string[];
  /** After how many seeds exploration found it; null: in none. */
  readonly seeds: number | null;
  readonly invariant: string | null;
  readonly hidden: string | null;
}

/** Every source file as it stands, committed or not, and what tests compare with. */
async function copyTree(into: string): Promise<void> {
  for (const path of repositoryPaths().filter((one) => COPIED.test(one))) {
    await Deno.mkdir(join(into, dirname(path)), { recursive: true });
    await Deno.copyFile(join(repositoryRoot, path), join(into, path)).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // deleted, and not committed
    });
  }
}

/** Whether a program of the copy ended well, and what it printed. */
async function run(args: readonly string[], cwd: string): Promise<{ ok: boolean; text: string }> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    stderr: "null",
    signal: AbortSignal.timeout(RUN_MS),
  }).output();
  return { ok: success, text: new TextDecoder().decode(stdout) };
}

async function redScripts(tree: string): Promise<readonly RedScript[]> {
  const program = "tests/runtime/raft/scripts/play_all.ts";
  const { text } = await run(["run", "--no-check", "--no-prompt", "--allow-read", program], tree);
  return JSON.parse(text) as RedScript[];
}

function testIsGreen(tree: string, test: string): Promise<boolean> {
  return run(["test", "--no-check", "-A", "--quiet", test], tree).then(({ ok }) => ok);
}

/** Scripts and tests that are red without any bug would find everything. */
async function checkWithoutBugs(tree: string, bugs: readonly RaftBug[]): Promise<void> {
  const red = (await redScripts(tree)).map(({ script, why }) => `${script}: ${why}`);
  for (
    const test of new Set(bugs.flatMap(({ foundBy }) => "test" in foundBy ? foundBy.test : []))
  ) {
    if (!await testIsGreen(tree, test)) red.push(test);
  }
  if (red.length > 0) throw new Error(`red although no bug is planted:\n${red.join("\n")}`);
}

/** The script or test that is named for the bug, and what else turned red. */
async function tryScripts(tree: string, { foundBy }: RaftBug) {
  const red = await redScripts(tree);
  if ("test" in foundBy) {
    const ok = await testIsGreen(tree, foundBy.test);
    return {
      foundBy: ok ? null : foundBy.test,
      why: ok ? null : "the test fails",
      others: red.map(({ script }) => script),
    };
  }
  const own = red.find(({ script }) => script === foundBy.script);
  const others = red.map(({ script }) => script).filter((script) => script !== foundBy.script);
  return { foundBy: own?.script ?? null, why: own?.why ?? null, others };
}

interface Exploration {
  readonly seeds: number;
  readonly failures: number;
  readonly found: readonly { readonly invariant: string }[];
}

async function explore(tree: string, seeds: number) {
  const program = "tests/simulation/raft/core/main.ts";
  const flags = ["--seeds", `${seeds}`, "--failures", "1", "--json"];
  const { text } = await run(["run", "--no-check", "--no-prompt", program, ...flags], tree);
  const report = JSON.parse(text.trim().split("\n").at(-1)!) as Exploration;
  if (report.failures === 0) return { seeds: null, invariant: null };
  return { seeds: report.seeds, invariant: report.found[0]!.invariant };
}

async function exploreMeshes(tree: string, seeds: number) {
  const program = "tests/runtime/raft/scripts/partial_mesh.ts";
  const { text } = await run(["run", "--no-check", "--no-prompt", program, `${seeds}`], tree);
  const found = JSON.parse(text) as ReturnType<typeof exploredMeshes>;
  return { seeds: found?.seed ?? null, invariant: found?.why ?? null };
}

async function tryOne(tree: string, bug: RaftBug, seeds: number): Promise<Outcome> {
  const path = join(tree, bug.file);
  const whole = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, withBug(whole, bug));
  const { number, name, hiddenFromExploring, isOfMeshes } = bug;
  const hidden = hiddenFromExploring ?? null;
  try {
    const scripts = await tryScripts(tree, bug);
    const explored = hidden === null
      ? await (isOfMeshes ? exploreMeshes : explore)(tree, seeds)
      : { seeds: null, invariant: null };
    return { number, name, ...scripts, ...explored, hidden };
  } finally {
    await Deno.writeTextFile(path, whole);
  }
}

function row({ number, name, foundBy, others, seeds, invariant, hidden }: Outcome): string {
  const script = foundBy ?? "NOT FOUND";
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  const explored = seeds === null ? hidden ?? "not found" : `${seeds} seeds: ${invariant}`;
  return `| ${number} | ${name} | ${script}${more} | ${explored} |`;
}

function valueOf(args: readonly string[], flag: string): string | null {
  const index = args.indexOf(flag);
  return index < 0 ? null : args[index + 1] ?? "";
}

async function main(args: readonly string[]): Promise<number> {
  const only = valueOf(args, "--only")?.split(",") ?? null;
  const seeds = Number(valueOf(args, "--seeds") ?? SEEDS);
  const isJson = args.includes("--json");
  const wanted = RAFT_BUGS.filter(({ number }) => only?.includes(`${number}`) ?? true);
  if (wanted.length === 0) {
    console.error(`no bug ${only}; they are 1 to ${RAFT_BUGS.at(-1)!.number}`);
    return 2;
  }
  if (!isJson) console.log("| # | bug | found by | exploration |\n|---|---|---|---|");
  const tree = await Deno.makeTempDir({ prefix: "raft-mutants-" });
  let missed = 0;
  try {
    await copyTree(tree);
    await checkWithoutBugs(tree, wanted);
    for (const bug of wanted) {
      const outcome = await tryOne(tree, bug, seeds);
      if (outcome.foundBy === null) missed += 1;
      console.log(isJson ? JSON.stringify(outcome) : row(outcome));
    }
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
  return missed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
