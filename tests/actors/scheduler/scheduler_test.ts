import assert from "node:assert/strict";
import type { Effect } from "../../../actors/controller/applied.ts";
import { apply } from "../../../actors/controller/apply.ts";
import type { Command } from "../../../actors/controller/commands.ts";
import type { Group } from "../../../actors/controller/group.ts";
import { INITIAL_STATE, type State } from "../../../actors/controller/state.ts";
import { fixedCandidates } from "../../../actors/scheduler/candidates.ts";
import { scheduler } from "../../../actors/scheduler/scheduler.ts";
import { virtualNode } from "../../../testing.ts";
import { Rig } from "../job/rig.ts";
import { emptyPlan } from "../plans.ts";

/** A group without a log: commands are applied at once. */
class MemoryGroup implements Group {
  state: State = INITIAL_STATE;
  readonly listeners = new Set<(effects: readonly Effect[]) => void>();
  #index = 0;

  propose(command: Command): Promise<readonly string[]> {
    return Promise.resolve(this.apply(command).refused);
  }

  apply(command: Command): { effects: readonly Effect[]; refused: readonly string[] } {
    const applied = apply(this.state, { version: 1, atMs: 0, command }, ++this.#index);
    this.state = applied.state;
    for (const listener of this.listeners) listener(applied.effects);
    return applied;
  }

  subscribe(listener: (effects: readonly Effect[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

const { spec } = new Rig();

function groupOf(...names: string[]): MemoryGroup {
  const group = new MemoryGroup();
  group.apply({ type: "createRun", runId: "run", tenant: "acme", plan: emptyPlan() });
  const jobs = names.map((name) => ({ jobId: name, spec: { ...spec, name } }));
  group.apply({ type: "submitJobs", runId: "run", jobs, skipped: [] });
  return group;
}

function states(group: MemoryGroup, ...names: string[]): string[] {
  return names.map((name) => group.state.jobs.get(name)!.state);
}

function failed(jobId: string, group: MemoryGroup): Command {
  const lease = group.state.jobs.get(jobId)!.lease!;
  const error = { code: "x", message: "", retryable: false, definite: true };
  return { type: "jobEvent", jobId, event: { type: "fail", lease, error, retryAtMs: null } };
}

Deno.test("a scheduler that is told again what it knows neither leaks a slot nor makes one up", async () => {
  const group = groupOf("a", "b", "c");
  const { effects } = group.apply({
    type: "assignJobs",
    assignments: [{ jobId: "a", agent: "local" }],
  });
  const { node, world } = virtualNode({ roundTripMessages: false });
  const candidates = fixedCandidates(new Map([["local", 2]]));
  const ref = node.spawn(scheduler, { name: "scheduler", args: { group, candidates } });
  group.subscribe((told) => ref.tell("committed", { effects: [...told] }));
  // What a restarted scheduler finds in its mailbox, although it is in the state it began with.
  ref.tell("committed", { effects: [...effects] });
  await world.pass(100);
  assert.deepEqual(states(group, "a", "b", "c").filter((state) => state === "assigned").length, 2);
  group.apply(failed("a", group));
  await world.pass(100);
  assert.deepEqual(states(group, "b", "c"), ["assigned", "assigned"]);
  await world.complete(node.stop());
});

Deno.test("a retry is assigned when its time has come, and not before", async () => {
  const group = groupOf("a");
  const { node, world, env } = virtualNode({ roundTripMessages: false });
  const candidates = fixedCandidates(new Map([["local", 1]]));
  const ref = node.spawn(scheduler, { name: "scheduler", args: { group, candidates } });
  group.subscribe((told) => ref.tell("committed", { effects: [...told] }));
  await world.pass(10);
  const lease = group.state.jobs.get("a")!.lease!;
  const error = { code: "x", message: "", retryable: true, definite: true };
  const retryAtMs = env.clock.now() + 5_000;
  group.apply({ type: "jobEvent", jobId: "a", event: { type: "fail", lease, error, retryAtMs } });
  await world.pass(4_900);
  assert.deepEqual(states(group, "a"), ["retrying"]);
  await world.pass(300);
  assert.deepEqual(states(group, "a"), ["assigned"]);
  await world.complete(node.stop());
});

Deno.test("jobs that wait when a scheduler starts are taken in the order of their plan", async () => {
  const names = Array.from({ length: 12 }, (_, n) => `run-${n + 1}`);
  const group = groupOf(...names);
  const order: string[] = [];
  group.subscribe((effects) => {
    for (const effect of effects) if (effect.type === "jobChanged") order.push(effect.job.id);
  });
  const { node, world } = virtualNode({ roundTripMessages: false });
  node.spawn(scheduler, { args: { group, candidates: fixedCandidates(new Map([["local", 5]])) } });
  await world.pass(10);
  assert.deepEqual(order, names.slice(0, 5));
  await world.complete(node.stop());
});
