/**
 * Plants each bug of the tables in a copy of the tree, and lets its scenario look for it:
 *
 * deno run -A tests/mutants/run.ts [--table NAME] [--only MUTANT] [--json]
 *
 * `--json` prints one line for each bug. Exit code 1 where one was not found, or has no place any more.
 */

import { dirname, join } from "node:path";
import { repositoryRoot } from "../tidy/repository.ts";
import type { Hunt } from "./hunt.ts";
import { type Mutant, planted } from "./mutant.ts";
import { TABLES } from "./tables.ts";

/** A bug that hangs its hunt for so long counts as found. */
const HUNT_MS = 600_000;
const COPIED = /\.(ts|json|lock)$/;

/** What became of one bug. */
interface Outcome extends Hunt {
  readonly table: string;
  readonly mutant: string;
  readonly scenario: string;
  readonly most: number;
  readonly seconds: number;
}

async function output(program: string, args: string[], cwd: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd,
    signal: AbortSignal.timeout(HUNT_MS),
  }).output();
  if (!success) {
    throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  }
  return new TextDecoder().decode(stdout);
}

/** Every source file as it stands, committed or not. */
async function copyTree(into: string): Promise<void> {
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const paths = (await output("git", list, repositoryRoot)).split("\0");
  for (const path of new Set(paths.filter((one) => COPIED.test(one)))) {
    await Deno.mkdir(join(into, dirname(path)), { recursive: true });
    await Deno.copyFile(join(repositoryRoot, path), join(into, path)).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // deleted, and not committed
    });
  }
}

async function hunt(tree: string, { name, scenario, seeds }: Mutant): Promise<Hunt> {
  const args = ["run", "--no-check", "--no-prompt", "--ignore-env", "tests/mutants/hunt.ts"];
  const startedMs = performance.now();
  try {
    return JSON.parse(await output(Deno.execPath(), [...args, scenario, `${seeds}`], tree)) as Hunt;
  } catch (error) {
    if (performance.now() - startedMs >= HUNT_MS) return { seeds, found: "its hunt does not end" };
    // A copy that does not run finds nothing: the tree was in the midst of a change, or the bug is none.
    console.error(`${name}: ${(error as Error).message}`);
    return { seeds: 0, found: null };
  }
}

async function tryOne(tree: string, table: string, mutant: Mutant): Promise<Outcome> {
  const path = join(tree, mutant.file);
  const whole = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, planted(whole, mutant));
  const startedMs = performance.now();
  const found = await hunt(tree, mutant);
  await Deno.writeTextFile(path, whole);
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  const { name, scenario, seeds } = mutant;
  return { table, mutant: name, scenario, most: seeds, seconds, ...found };
}

function row({ mutant, scenario, seeds, found, seconds }: Outcome): string {
  const verdict = found === null ? `NOT FOUND in ${seeds} seeds` : `seed ${seeds}`;
  const name = mutant.padEnd(36) + scenario.padEnd(22);
  return `${name}${verdict.padEnd(12)} ${seconds.toFixed(1).padStart(6)} s  ${found ?? ""}`;
}

function valueOf(args: readonly string[], flag: string): string | null {
  const index = args.indexOf(flag);
  return index < 0 ? null : args[index + 1] ?? "";
}

async function main(args: readonly string[]): Promise<number> {
  const [table, only] = [valueOf(args, "--table"), valueOf(args, "--only")];
  const wanted = Object.entries(TABLES).flatMap(([name, mutants]) =>
    mutants
      .filter((mutant) => (table ?? name) === name && (only ?? mutant.name) === mutant.name)
      .map((mutant) => ({ table: name, mutant }))
  );
  if (wanted.length === 0) {
    console.error(`no such bug; the tables are ${Object.keys(TABLES).join(", ")}`);
    return 2;
  }
  const tree = await Deno.makeTempDir({ prefix: "mutants-" });
  let missed = 0;
  try {
    await copyTree(tree);
    for (const one of wanted) {
      const outcome = await tryOne(tree, one.table, one.mutant);
      if (outcome.found === null) missed += 1;
      console.log(args.includes("--json") ? JSON.stringify(outcome) : row(outcome));
    }
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
  return missed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
