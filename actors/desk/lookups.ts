/**
 * Many questions by id, answered from one reading of the state: one round of the quorum, one message and
 * no parsing for all that a gateway was asked in a moment.
 */

import type { State } from "../controller/state.ts";
import type { LookedUp, Lookups, Principal } from "./messages.ts";
import { sees } from "./permissions.ts";
import { type ReadContext, unread } from "./reads.ts";
import type { ViewTexts } from "./view_texts.ts";

/** What lookups work with. */
export interface LookupContext extends Pick<ReadContext, "node" | "replica" | "limits"> {
  readonly texts: ViewTexts;
}

/** Answers in the order of the questions; never rejects. */
export async function lookUp(
  context: LookupContext,
  { consistency, principals, looks }: Lookups,
): Promise<LookedUp> {
  const { node, replica, limits, texts } = context;
  try {
    const { state, index, atMs } = await replica.read(consistency, limits.readMs);
    const looked = looks.map(({ by, kind, id }) => {
      const principal = principals[by];
      return principal === undefined ? null : look(state, texts, principal, kind, id);
    });
    return { looked, refused: null, node, appliedIndex: index, appliedAtMs: atMs };
  } catch (error) {
    const { index, nowMs } = replica.state;
    const refused = unread(error, context);
    return { looked: [], refused, node, appliedIndex: index, appliedAtMs: nowMs };
  }
}

function look(
  state: State,
  texts: ViewTexts,
  principal: Principal,
  kind: "job" | "run",
  id: string,
): LookedUp["looked"][number] {
  if (kind === "job") {
    const job = state.jobs.get(id);
    if (job === undefined || !sees(principal, job.tenant)) return null;
    return { text: texts.job(job, state.runs.get(job.runId)), version: job.version };
  }
  const run = state.runs.get(id);
  if (run === undefined || !sees(principal, run.tenant)) return null;
  return { text: texts.run(run, state), version: run.version };
}
