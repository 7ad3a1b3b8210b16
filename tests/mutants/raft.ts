/**
 * Plants each of the 24 bugs of Raft in a copy of the tree; lets the scripts play, or the test that is
 * named for it, and lets the exploration of the core look for it:
 *
 * deno run -A tests/mutants/raft.ts [--only NUMBER,NUMBER] [--seeds N] [--json]
 *
 * Exit code 1 where a script or test stays green.
 */

import { dirname, join } from "node:path";
import { RAFT_BUGS, type RaftBug, withBug } from "../runtime/raft/scripts/bugs.ts";
import type { exploreMeshes } from "../runtime/raft/scripts/partial_mesh.ts";
import type { RedScript } from "../runtime/raft/scripts/play_all.ts";
import type { Hunt } from "./hunt.ts";
import { repositoryRoot } from "../tidy/repository.ts";
import { repositoryPaths } from "../tidy/tidy.ts";

const SEEDS = 3_000;
/** Seeds of whole members take a second each. */
const MEMBER_SEEDS = 25;
/** A run that takes longer is ended, and has found nothing. */
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
  /** What explored, after how many seeds it found the bug (null: in none), and as what. */
  readonly exploredBy: string;
  readonly seeds: number | null;
  readonly what: string | null;
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

/** After how many seeds what was found; nulls: nothing was. */
interface Found {
  readonly seeds: number | null;
  readonly what: string | null;
}

/** What a program that explores prints, as JSON; one that ends badly has found nothing. */
async function explored<T>(tree: string, args: readonly string[], found: (line: T) => Found) {
  const { text } = await run(["run", "--no-check", "--no-prompt", ...args], tree);
  try {
    return found(JSON.parse(text.trim().split("\n").at(-1)!) as T);
  } catch {
    return { seeds: null, what: `${args[0]} ended badly` };
  }
}

interface CoreReport {
  readonly seeds: number;
  readonly found: readonly { readonly invariant: string }[];
}

function explore(tree: string, by: RaftBug["exploredBy"], seeds: number): Promise<Found> {
  if (by === "meshes") {
    type Mesh = ReturnType<typeof exploreMeshes>;
    return explored<Mesh>(
      tree,
      ["tests/runtime/raft/scripts/partial_mesh.ts", `${seeds}`],
      (mesh) => {
        return { seeds: mesh?.seed ?? null, what: mesh?.why ?? null };
      },
    );
  }
  if (by === "raft/kv") {
    const most = `${Math.min(seeds, MEMBER_SEEDS)}`;
    const args = ["--ignore-env", "tests/mutants/hunt.ts", by, most];
    return explored<Hunt>(tree, args, ({ seeds: tried, found }) => {
      return found === null
        ? { seeds: null, what: null }
        : { seeds: tried, what: found.split("\n", 1)[0]! };
    });
  }
  const flags = ["--seeds", `${seeds}`, "--failures", "1", "--json"];
  const args = ["tests/simulation/raft/core/main.ts", ...flags];
  return explored<CoreReport>(tree, args, ({ seeds: tried, found: [first] }) => {
    return { seeds: first === undefined ? null : tried, what: first?.invariant ?? null };
  });
}

async function tryOne(tree: string, bug: RaftBug, seeds: number): Promise<Outcome> {
  const path = join(tree, bug.file);
  const whole = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, withBug(whole, bug));
  const { number, name, exploredBy = "core" } = bug;
  try {
    const scripts = await tryScripts(tree, bug);
    return { number, name, ...scripts, exploredBy, ...await explore(tree, exploredBy, seeds) };
  } finally {
    await Deno.writeTextFile(path, whole);
  }
}

function row({ number, name, foundBy, others, exploredBy, seeds, what }: Outcome): string {
  const more = others.length === 0 ? "" : `, ${others.length} more`;
  const found = seeds === null ? what ?? "nothing" : `${seeds}: ${what}`;
  return `| ${number} | ${name} | ${foundBy ?? "NOT FOUND"}${more} | ${exploredBy}, ${found} |`;
}

/** What exploring finds must not be there without the bugs. */
async function checkExploring(tree: string, outcomes: readonly Outcome[]): Promise<void> {
  for (const by of ["core", "meshes", "raft/kv"] as const) {
    const tried = outcomes.filter(({ exploredBy }) => exploredBy === by);
    const most = Math.max(0, ...tried.map(({ seeds }) => seeds ?? 0));
    const { what } = most === 0 ? { what: null } : await explore(tree, by, most);
    if (what !== null) throw new Error(`${by} finds something although no bug is planted: ${what}`);
  }
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
  if (!isJson) {
    console.log("| # | bug | turns red | found by exploring, after seeds |\n|---|---|---|---|");
  }
  const tree = await Deno.makeTempDir({ prefix: "raft-mutants-" });
  const outcomes: Outcome[] = [];
  try {
    await copyTree(tree);
    await checkWithoutBugs(tree, wanted);
    for (const bug of wanted) {
      const outcome = await tryOne(tree, bug, seeds);
      outcomes.push(outcome);
      console.log(isJson ? JSON.stringify(outcome) : row(outcome));
    }
    await checkExploring(tree, outcomes);
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
  return outcomes.every(({ foundBy }) => foundBy !== null) ? 0 : 1;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
