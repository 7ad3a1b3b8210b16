/** Judges what clients were told: one store alone must have been able to give these answers. */

import { check } from "../../linearizability/check.ts";
import { type HistoryLine, historyLine, operationsOf } from "../../linearizability/history.ts";
import { kvModel } from "../../linearizability/kv_model.ts";
import { judgeAppends } from "../../linearizability/sessions.ts";

/** What the checkers said of a history. */
export interface Verdict {
  readonly linearizable: "ok" | "illegal" | "unknown";
  readonly exactlyOnce: "ok" | "illegal" | "unknown";
  readonly operations: number;
  readonly failed: number;
  readonly unknown: number;
  readonly appends: number;
  readonly text: string;
}

/** Judges a history by both checkers. */
export function judge(history: readonly HistoryLine[]): Verdict {
  const kv = check(kvModel, operationsOf(history));
  const appends = judgeAppends(history);
  const count = (wanted: string) => history.filter(({ outcome }) => outcome === wanted).length;
  return {
    linearizable: kv.verdict,
    exactlyOnce: appends.verdict,
    operations: history.length,
    failed: count("failed"),
    unknown: count("unknown"),
    appends: appends.appends,
    text: [kv.counterexample?.text ?? "", ...kv.unfinished, ...appends.violations].join("\n")
      .trim(),
  };
}

/** Writes a history where it can be judged again; the file's name. */
export async function keepHistory(history: readonly HistoryLine[], name: string): Promise<string> {
  const file = await Deno.makeTempFile({ prefix: `raft-${name}-`, suffix: ".ndjson" });
  await Deno.writeTextFile(file, history.map(historyLine).join(""));
  return file;
}

/** Error with the place of the kept history unless both checkers say ok. */
export async function assertJudgedOk(
  history: readonly HistoryLine[],
  name: string,
): Promise<Verdict> {
  const verdict = judge(history);
  if (verdict.linearizable === "ok" && verdict.exactlyOnce === "ok") return verdict;
  const file = await keepHistory(history, name);
  const { text, ...facts } = verdict;
  throw new Error(`judge the history ${file}: ${JSON.stringify(facts)}\n${text}`);
}
