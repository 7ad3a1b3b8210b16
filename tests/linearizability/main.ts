/**
 * Judges recorded histories: `deno run -A tests/linearizability/main.ts FILE...` prints a line of JSON
 * for each file and, on stderr, a picture of what is wrong. Exits 1 if any is illegal, 3 if any could
 * not be judged within the budget, 2 if one could not be read. Options: `--model kv|lock|counter|appends`
 * (kv) and `--steps N`, the budget of one part of a history.
 */

import { parseArgs } from "node:util";
import { judgeAppends } from "./sessions.ts";
import { check, type Judgement, STEP_BUDGET } from "./check.ts";
import {
  type HistoryLine,
  type HistoryOp,
  type HistoryResult,
  operationsOf,
  parseHistory,
} from "./history.ts";
import { kvModel } from "./kv_model.ts";
import { counterModel, lockModel } from "./lock_model.ts";

type Verdict = "ok" | "illegal" | "unknown" | "unreadable";

/** What is printed for a file. */
interface Report {
  readonly file: string;
  readonly verdict: Verdict;
  readonly [fact: string]: unknown;
}

function judge(model: string, lines: readonly HistoryLine[], steps: number): Omit<Report, "file"> {
  const operations = operationsOf(lines);
  switch (model) {
    case "kv":
      return factsOf(check(kvModel, operations, steps));
    case "lock":
      return factsOf(check(lockModel, operations, steps));
    case "counter":
      return factsOf(check(counterModel, operations, steps));
    case "appends": {
      const { verdict, violations, ...facts } = judgeAppends(lines);
      return { verdict, ...facts, text: violations.join("\n") };
    }
    default:
      throw new Error(`judge a history: no model is named ${model}; kv, lock, counter or appends`);
  }
}

function factsOf(judgement: Judgement<HistoryOp, HistoryResult>): Omit<Report, "file"> {
  const { counterexample, ...facts } = judgement;
  if (counterexample === undefined) return facts;
  const { keys, stuck, prefix, text } = counterexample;
  const ids = prefix.slice(-20).map(({ client, id }) => [client, id]);
  return { ...facts, keys, stuck: [stuck.client, stuck.id], order: prefix.length, last: ids, text };
}

function reportOn(file: string, model: string, steps: number): Report {
  try {
    return { file, ...judge(model, parseHistory(Deno.readTextFileSync(file)), steps) } as Report;
  } catch (error) {
    return { file, verdict: "unreadable", text: error instanceof Error ? error.message : "" };
  }
}

const { values, positionals } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: {
    model: { type: "string", default: "kv" },
    steps: { type: "string", default: String(STEP_BUDGET) },
  },
});
const reports = positionals.map((file) => reportOn(file, values.model, Number(values.steps)));
for (const report of reports) {
  console.log(JSON.stringify(report));
  if (typeof report["text"] === "string" && report["text"] !== "") console.error(report["text"]);
}
const verdicts = new Set(reports.map(({ verdict }) => verdict));
if (verdicts.has("illegal")) Deno.exit(1);
if (verdicts.has("unreadable") || reports.length === 0) Deno.exit(2);
if (verdicts.has("unknown")) Deno.exit(3);
