/** What must hold of the log of a finished run, read again from the disk. */

import assert from "node:assert/strict";
import type { Effect } from "../../actors/controller/applied.ts";
import { apply } from "../../actors/controller/apply.ts";
import { logEntry } from "../../actors/controller/commands.ts";
import { INITIAL_STATE, type State } from "../../actors/controller/state.ts";
import type { Env } from "../../runtime/env/env.ts";
import { openJournal } from "../../runtime/store/journal.ts";

/** Every job ends once (or waits for a decision), and leases only grow. */
export async function checkLog(env: Env, epoch: number): Promise<void> {
  const journal = await openJournal(env, `/state/run/log-${epoch}`, {});
  let state: State = { ...INITIAL_STATE, epoch };
  const ends = new Map<string, number>();
  const leases = new Map<string, number>();
  for await (const { index, bytes } of journal.replay) {
    const entry = logEntry.parse(JSON.parse(new TextDecoder().decode(bytes)));
    const applied = apply(state, entry, index);
    state = applied.state;
    for (const effect of applied.effects) note(effect, ends, leases);
  }
  await journal.close();
  for (const job of state.jobs.values()) {
    const times = job.state === "unknown" ? 0 : 1;
    assert.equal(ends.get(job.id) ?? 0, times, `${job.id} ended ${ends.get(job.id)} times`);
  }
}

function note(effect: Effect, ends: Map<string, number>, leases: Map<string, number>): void {
  if (effect.type !== "jobChanged") return;
  const { job, before } = effect;
  const hadEnded = (before?.endedMs ?? null) !== null;
  if (job.endedMs !== null && !hadEnded) ends.set(job.id, (ends.get(job.id) ?? 0) + 1);
  assert.ok(!hadEnded, `${job.id} changed after its end`);
  if (job.lease === null || job.lease.index === before?.lease?.index) return;
  assert.ok(job.lease.index > (leases.get(job.id) ?? 0), `${job.id}: leases only grow`);
  leases.set(job.id, job.lease.index);
}
