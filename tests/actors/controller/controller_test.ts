/** What the controller makes of children that fail, and of a mailbox that was full. */

import assert from "node:assert/strict";
import type { Effect } from "../../../actors/controller/applied.ts";
import { apply } from "../../../actors/controller/apply.ts";
import type { Command } from "../../../actors/controller/commands.ts";
import { controller } from "../../../actors/controller/controller.ts";
import type { Group } from "../../../actors/controller/group.ts";
import { INITIAL_STATE, type State } from "../../../actors/controller/state.ts";
import type { Agent } from "../../../actors/agent/messages.ts";
import { Run, Scheduler } from "../../../actors/controller/messages.ts";
import type { Delivery, Ref } from "../../../runtime/actor/ref.ts";
import { fixedCandidates } from "../../../actors/scheduler/candidates.ts";
import { virtualNode } from "../../../testing.ts";
import { emptyPlan } from "../plans.ts";

/** A group without a log, which fails some proposals. */
class MoodyGroup implements Group {
  state: State = INITIAL_STATE;
  readonly listeners = new Set<(effects: readonly Effect[]) => void>();
  fails: (command: Command) => boolean = () => false;
  subscriptions = 0;
  #index = 0;

  propose(command: Command): Promise<readonly string[]> {
    if (this.fails(command)) return Promise.reject(new Error("planned"));
    return Promise.resolve(this.apply(command));
  }

  apply(command: Command): readonly string[] {
    const applied = apply(this.state, { version: 1, atMs: 0, command }, ++this.#index);
    this.state = applied.state;
    for (const listener of this.listeners) listener(applied.effects);
    return applied.refused;
  }

  create(...runIds: string[]): void {
    for (const runId of runIds) {
      this.apply({ type: "createRun", runId, tenant: "acme", plan: emptyPlan() });
    }
  }

  subscribe(listener: (effects: readonly Effect[]) => void): () => void {
    this.subscriptions += 1;
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}

function started(
  group: MoodyGroup,
  slots = new Map<string, number>(),
  agent: () => Ref<typeof Agent> | null = () => null,
) {
  const { node, world } = virtualNode({ roundTripMessages: false });
  const ref = node.spawn(controller, {
    name: "controller",
    restart: "permanent",
    args: {
      group,
      agents: agent,
      candidates: fixedCandidates(slots),
      feed: null,
      actions: { perform: () => Promise.reject(new Error("no actions here")) },
    },
  });
  return { node, world, ref };
}

Deno.test("a run whose actor fails for ever costs no other run, and goes on when it can", async () => {
  const group = new MoodyGroup();
  let isBad = true;
  group.fails = (command) => isBad && command.type === "submitJobs" && command.runId === "bad";
  group.create("bad");
  const { node, world } = started(group);
  await world.pass(300_000);
  group.create("good");
  await world.pass(1_000);
  assert.equal(group.state.runs.get("good")?.jobs.size, 1);
  assert.equal(group.subscriptions, 1, "the controller was never restarted");
  assert.equal(group.state.runs.get("bad")?.jobs.size, 0);
  isBad = false;
  await world.pass(60_000);
  assert.equal(group.state.runs.get("bad")?.jobs.size, 1);
  await world.complete(node.stop());
});

Deno.test("a controller whose mailbox was full makes good what it has missed", async () => {
  const group = new MoodyGroup();
  const { node, world } = started(group);
  await world.pass(10);
  // As many in one turn as its mailbox has places: none of these is about a run.
  for (let n = 0; n < 65_536; n++) {
    for (const listener of group.listeners) listener([{ type: "archiveChanged" }]);
  }
  group.create("missed");
  await world.pass(10_000);
  assert.equal(group.state.runs.get("missed")?.jobs.size, 1);
  await world.complete(node.stop());
});

/** As many messages in one turn as a mailbox of the leader's part has places. */
function fill(tell: () => Delivery): void {
  for (let n = 0; n < 65_536; n++) tell();
  assert.equal(tell(), "full");
}

Deno.test("a scheduler whose mailbox was full learns of the slot that it was not told of", async () => {
  const group = new MoodyGroup();
  const { node, world } = started(group, new Map([["a", 1]]));
  group.create("one");
  await world.pass(10);
  const job = group.state.jobs.get("one-1")!;
  assert.equal(job.state, "assigned");
  const scheduler = node.ref(Scheduler, "quorus://virtual/controller/scheduler");
  group.apply({ type: "releaseAgent", agent: "a", why: "its process has ended" });
  fill(() => scheduler.tell("wake", {}));
  await world.pass(10_000);
  assert.equal(group.state.jobs.get("one-1")?.state, "assigned");
  assert.equal(group.state.jobs.get("one-1")?.attempts, 2);
  await world.complete(node.stop());
});

Deno.test("a run whose mailbox was full ends when its last job has", async () => {
  const group = new MoodyGroup();
  const { node, world } = started(group, new Map([["a", 1]]));
  group.create("one");
  await world.pass(10);
  const { id: jobId, lease } = group.state.jobs.get("one-1")!;
  const error = { code: "denied", message: "no", retryable: false, definite: true };
  const event = { type: "fail", lease: lease!, error, retryAtMs: null } as const;
  const run = node.ref(Run, "quorus://virtual/controller/run-one");
  group.apply({ type: "jobEvent", jobId, event });
  fill(() => run.tell("settled", { jobs: [] }));
  await world.pass(10_000);
  assert.equal(group.state.runs.get("one")?.state, "failed");
  await world.complete(node.stop());
});

Deno.test("an agent whose mailbox was full is given its jobs once it has room", async () => {
  const group = new MoodyGroup();
  const given: string[] = [];
  let isFull = true;
  const agent = {
    tell: (tag: string, body: { readonly jobs: readonly { readonly id: string }[] }): Delivery => {
      if (isFull) return "full";
      if (tag === "assign") given.push(...body.jobs.map(({ id }) => id));
      return "accepted";
    },
  } as unknown as Ref<typeof Agent>;
  const { node, world } = started(group, new Map([["a", 1]]), () => agent);
  group.create("one");
  await world.pass(1_000);
  assert.deepEqual(given, []);
  isFull = false;
  await world.pass(1_000);
  assert.deepEqual(given, ["one-1"]);
  await world.complete(node.stop());
});
