/**
 * The gate: `deno task ok` runs every check that changes nothing, the slow ones beside each other,
 * prints a line for each and the whole output of those that failed, and exits 1 if any did.
 */

import { repositoryRoot } from "./repository.ts";

/** A check: its name, the arguments of `deno`, and what to do when it fails. */
interface Check {
  readonly name: string;
  readonly args: readonly string[];
  readonly advice: string;
}

const checks: readonly Check[] = [
  { name: "fmt", args: ["fmt", "--check"], advice: "deno task fix" },
  { name: "lint", args: ["lint"], advice: "deno task fix mends some; each message says the rest" },
  { name: "check", args: ["check", "--quiet", "--frozen", "."], advice: "mend the types" },
  { name: "tidy", args: ["run", "-A", "tests/tidy/tidy.ts"], advice: "each line says what to do" },
  { name: "docs", args: ["run", "-A", "tests/tidy/docs.ts"], advice: "write the docstrings" },
];

interface Outcome {
  readonly check: Check;
  readonly isOk: boolean;
  readonly seconds: number;
  readonly output: string;
}

async function run(check: Check): Promise<Outcome> {
  const startedMs = performance.now();
  const output = await new Deno.Command(Deno.execPath(), {
    args: [...check.args],
    cwd: repositoryRoot,
    stdin: "null",
    env: Deno.stdout.isTerminal() ? {} : { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return {
    check,
    isOk: output.success,
    seconds: (performance.now() - startedMs) / 1000,
    output: decoder.decode(output.stdout) + decoder.decode(output.stderr),
  };
}

function show({ check, isOk, seconds }: Outcome): string {
  const verdict = isOk ? "ok    " : "FAILED";
  const advice = isOk ? "" : `  (${check.advice})`;
  return `${verdict} ${check.name.padEnd(6)} ${seconds.toFixed(1).padStart(5)} s${advice}`;
}

const outcomes = await Promise.all(checks.map(run));
const failed = outcomes.filter(({ isOk }) => !isOk);
for (const { check, output } of failed) console.log(`--- ${check.name}\n${output.trimEnd()}\n`);
for (const outcome of outcomes) console.log(show(outcome));
console.log(`ok: ${outcomes.length - failed.length} checks passed, ${failed.length} failed`);
if (failed.length > 0) Deno.exit(1);
