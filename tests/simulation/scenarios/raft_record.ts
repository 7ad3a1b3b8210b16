/** What clients saw, in the checker's format; its clock counts calls and returns. */

import type { RaftError } from "../../../runtime/raft/errors.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { check } from "../../linearizability/check.ts";
import { type HistoryLine, operationsOf } from "../../linearizability/history.ts";
import { kvModel } from "../../linearizability/kv_model.ts";
import { judgeAppends } from "../../linearizability/sessions.ts";

type Asked = Pick<HistoryLine, "op" | "key" | "value" | "expect">;
type Answer = NonNullable<HistoryLine["result"]>;

/** Keys of this prefix hold lists, and are judged by what stands in them at the end. */
export const LIST = "list/";
/** Steps of the checker in one key; more than any history of these scenarios has needed. */
const STEPS = 300_000;

/** The history of a run. */
export class Recorder {
  readonly #sim: Simulation;
  readonly #lines: (HistoryLine & { callNs: number })[] = [];
  #events = 0;

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  get lines(): readonly HistoryLine[] {
    return this.#lines;
  }

  /** An operation begins; what is returned ends it. Without an end its outcome is unknown. */
  call(client: string, asked: Asked): { ok(result: Answer): void; failed(error: unknown): void } {
    const place = this.#lines.length;
    const open = {
      client,
      id: place,
      ...asked,
      callNs: this.#events += 1,
      returnNs: null,
      result: null,
      outcome: "unknown" as const,
    };
    this.#lines.push(open);
    return {
      ok: (result) => {
        this.#lines[place] = { ...open, returnNs: this.#events += 1, result, outcome: "ok" };
      },
      failed: (error) => {
        if (isDefinite(error)) this.#lines[place] = { ...open, outcome: "failed" };
      },
    };
  }

  /** Fails the run unless one object could have given all these answers. */
  judge(): void {
    const values = this.#lines.filter(({ key }) => !key.startsWith(LIST));
    const judgement = check(kvModel, operationsOf(values), STEPS);
    const { verdict, counterexample, unfinished } = judgement;
    const details = verdict === "illegal" ? counterexample : unfinished;
    this.#sim.check("the history is linearizable", verdict !== "illegal", details);
    // Never ok without an order: a history that is too hard is found, not passed.
    this.#sim.check("the history can be judged", verdict === "ok", details);
    const lists = judgeAppends(this.#lines.filter(({ key }) => key.startsWith(LIST)));
    this.#sim.check("each command is applied once", lists.verdict !== "illegal", lists.violations);
    this.#sim.check("each list is read at the end", lists.verdict === "ok", lists.unread);
  }
}

function isDefinite(error: unknown): boolean {
  return (error as RaftError).definite === true;
}
