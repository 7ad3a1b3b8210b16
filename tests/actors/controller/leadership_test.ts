/** The leader's part: it begins after the barrier, on one node at a time, and ends with the term. */

import assert from "node:assert/strict";
import { z } from "zod";
import { leadership } from "../../../actors/controller/leadership.ts";
import { actor } from "../../../runtime/actor/definition.ts";
import { protocol, tell } from "../../../runtime/actor/protocol.ts";
import type { Ref } from "../../../runtime/actor/ref.ts";
import { emptyPlan } from "../plans.ts";
import { Controllers, type Member } from "./controllers.ts";

const THREE = ["a", "b", "c"];
const Part = protocol("test.part", {
  version: 1,
  messages: { fail: tell(z.object({})), end: tell(z.object({})) },
});

/** What parts have done, on all nodes together. */
class Stage {
  readonly log: string[] = [];
  readonly alive = new Map<string, number>();
  readonly parts = new Map<string, Ref<typeof Part>>();
  /** Runs that were in the state when a part began. */
  readonly seen: number[] = [];
  /** How long a part takes to let go. */
  stopMs = 0;

  readonly begun = ({ id, env, node, replica }: Member): void => {
    this.alive.set(id, 0);
    const part = actor(Part, {
      state: (args: { readonly term: number }) => {
        this.log.push(`${id} begins ${args.term}`);
        this.seen.push(replica.state.runs.size);
        this.alive.set(id, this.alive.get(id)! + 1);
        assert.equal(this.alive.get(id), 1, "one part on a node");
        return args;
      },
      on: {
        fail: () => {
          throw new Error("planned");
        },
        end: (_state, _body, ctx) => ctx.stop(),
      },
      stopping: async ({ term }) => {
        await new Promise<void>((resolve) => void env.timers.after(this.stopMs, resolve));
        this.log.push(`${id} ended ${term}`);
        this.alive.set(id, this.alive.get(id)! - 1);
      },
    });
    node.spawn(leadership, {
      name: "leadership",
      restart: "permanent",
      args: {
        replica,
        begin: (ctx, term) => {
          // Without a name, which would keep two of them apart by itself.
          const ref = ctx.spawn(part, { args: { term } });
          this.parts.set(id, ref);
          return ref;
        },
      },
    });
  };

  /** Since the last look. */
  take(): string[] {
    return this.log.splice(0);
  }
}

async function begin(stage: Stage): Promise<Controllers> {
  const group = await Controllers.start(THREE, { begun: stage.begun });
  await group.until("a part has begun", () => stage.log.length > 0);
  return group;
}

/** Cuts a member off until it says itself that it leads no more, then heals. */
async function depose(group: Controllers, { id, replica }: Member): Promise<void> {
  group.world.network.partition([[id], THREE.filter((other) => other !== id)]);
  await group.until("it has noticed", () => !replica.isLeader);
  group.world.network.heal();
}

Deno.test("the part of a leader begins when everything before its term is applied", async () => {
  const stage = new Stage();
  const group = await begin(stage);
  const first = await group.leader();
  assert.deepEqual(stage.take(), [`${first.id} begins ${first.replica.term}`]);
  for (let n = 0; n < 10; n += 1) {
    await group.done(
      first.replica.propose({
        type: "createRun",
        runId: `run-${n}`,
        tenant: "acme",
        plan: emptyPlan(),
      }),
    );
  }
  group.crash(first.id);
  await group.until("the next part has begun", () => stage.log.length > 0);
  const next = await group.leader();
  assert.deepEqual(stage.take(), [`${next.id} begins ${next.replica.term}`]);
  assert.deepEqual(stage.seen, [0, 10]);
  await group.stop();
});

Deno.test("a part ends when leadership is lost, though nobody else is heard", async () => {
  const stage = new Stage();
  const group = await begin(stage);
  const first = await group.leader();
  const { term } = first.replica;
  stage.take();
  await depose(group, first);
  await group.until("it has ended", () => stage.log.includes(`${first.id} ended ${term}`));
  assert.equal(first.replica.leading, null);
  await group.stop();
});

Deno.test("leadership that is regained quickly waits for the old part's end", async () => {
  const stage = new Stage();
  const group = await begin(stage);
  stage.stopMs = 3_000;
  const first = await group.leader();
  const { term } = first.replica;
  await depose(group, first);
  await group.leader();
  stage.take();
  for (let n = 0; n < 50 && !first.replica.isLeader; n += 1) {
    const { replica } = await group.leader();
    await group.done(replica.raft.transfer(first.id).catch(() => {}));
    await group.world.pass(20);
  }
  assert.equal(first.replica.isLeader, true);
  assert.equal(
    stage.log.includes(`${first.id} ended ${term}`),
    false,
    "the old part is still there",
  );
  const again = `${first.id} begins ${first.replica.term}`;
  await group.until("the new part has begun", () => stage.log.includes(again));
  const own = stage.log.filter((line) => line.startsWith(first.id));
  assert.deepEqual(own, [`${first.id} ended ${term}`, again]);
  await group.stop();
});

Deno.test("a part that fails is started again in its term, one that ends too", async () => {
  const stage = new Stage();
  const group = await begin(stage);
  const { id, replica: { term } } = await group.leader();
  for (const tag of ["fail", "end"] as const) {
    stage.take();
    stage.parts.get(id)!.tell(tag, {});
    await group.until("it is back", () => stage.log.length === 2);
    assert.deepEqual(stage.take(), [`${id} ended ${term}`, `${id} begins ${term}`]);
  }
  await group.stop();
});

Deno.test("a part that fails too often takes its supervisor along, which begins anew", async () => {
  const stage = new Stage();
  const group = await begin(stage);
  const { id, replica: { term } } = await group.leader();
  for (let n = 0; n < 8; n += 1) {
    stage.take();
    stage.parts.get(id)!.tell("fail", {});
    await group.until("it is back", () => stage.log.includes(`${id} begins ${term}`));
  }
  assert.equal(stage.alive.get(id), 1);
  await group.stop();
});

Deno.test("a controller that stops ends its part, and another one begins", async () => {
  const stage = new Stage();
  const group = await begin(stage);
  const { id, node, replica: { term } } = await group.leader();
  stage.take();
  await group.done(node.stop());
  assert.equal(stage.take()[0], `${id} ended ${term}`);
  group.members.delete(id);
  await group.until("the next part has begun", () => stage.log.length > 0);
  assert.match(stage.take()[0]!, /begins/);
  await group.stop();
});
