/** What the controller makes of children that fail, and of a mailbox that was full. */

import assert from "node:assert/strict";
import type { Effect } from "../../../actors/controller/applied.ts";
import { apply } from "../../../actors/controller/apply.ts";
import type { Command } from "../../../actors/controller/commands.ts";
import { controller } from "../../../actors/controller/controller.ts";
import type { Group } from "../../../actors/controller/group.ts";
import { INITIAL_STATE, type State } from "../../../actors/controller/state.ts";
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

function started(group: MoodyGroup) {
  const { node, world } = virtualNode({ roundTripMessages: false });
  const ref = node.spawn(controller, {
    name: "controller",
    restart: "permanent",
    args: {
      group,
      agents: () => null,
      candidates: fixedCandidates(new Map()),
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
