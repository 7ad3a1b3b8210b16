import assert from "node:assert/strict";
import type { Command } from "../../../actors/controller/commands.ts";
import { type LocalGroup, openLocalGroup } from "../../../actors/controller/local_group.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { openJournal } from "../../../runtime/store/journal.ts";
import { emptyPlan } from "../plans.ts";

function createRun(runId: string): Command {
  return { type: "createRun", runId, tenant: "acme", plan: emptyPlan() };
}

function endRun(runId: string): Command {
  return { type: "endRun", runId, outcome: "succeeded", why: "done" };
}

async function opened(env: SimulatedEnv): Promise<LocalGroup> {
  return await openLocalGroup(env, await openJournal(env, "/log", {}), 1);
}

Deno.test("a proposal made right after another was answered is answered too", async () => {
  const env = simulatedEnv({ seed: 1 });
  await env.world.complete((async () => {
    const group = await opened(env);
    assert.deepEqual(await group.propose(createRun("a")), []);
    assert.deepEqual(await group.propose(createRun("b")), []);
    assert.deepEqual(await group.propose(endRun("b")), []);
    await group.close();
  })());
});

Deno.test("proposals are applied in the order in which they were made", async () => {
  const env = simulatedEnv({ seed: 2 });
  await env.world.complete((async () => {
    const group = await opened(env);
    const order: string[] = [];
    group.subscribe((effects) => {
      for (const effect of effects) if (effect.type === "runChanged") order.push(effect.runId);
    });
    const names = Array.from({ length: 50 }, (_, n) => `run-${n}`);
    const answers = await Promise.all(names.map((name) => group.propose(createRun(name))));
    assert.ok(answers.every((refused) => refused.length === 0));
    assert.deepEqual(order, names);
    await group.close();
  })());
});

Deno.test("a command is answered only once it survives a power loss", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const env = simulatedEnv({ seed });
    const answered: string[] = [];
    const work = (async () => {
      const group = await opened(env);
      for (let n = 0; n < 20; n++) {
        await group.propose(createRun(`run-${n}`));
        answered.push(`run-${n}`);
      }
    })();
    void work;
    await env.world.pass(5 + seed);
    env.crash("power");
    const next = env.restart();
    const group = await next.world.complete(opened(next));
    for (const name of answered) assert.ok(group.state.runs.has(name), `${name} of seed ${seed}`);
    await next.world.complete(group.close());
  }
});

Deno.test("a reopened group has the state that it had", async () => {
  const env = simulatedEnv({ seed: 3 });
  await env.world.complete((async () => {
    const group = await opened(env);
    await group.propose(createRun("a"));
    await group.propose(createRun("b"));
    await group.propose(endRun("a"));
    const before = JSON.stringify([...group.state.runs]);
    const { index, nowMs } = group.state;
    await group.close();
    const again = await opened(env);
    assert.equal(JSON.stringify([...again.state.runs]), before);
    assert.deepEqual([again.state.index, again.state.nowMs], [index, nowMs]);
    await again.close();
  })());
});

Deno.test("a refused command is answered with its reason and changes nothing", async () => {
  const env = simulatedEnv({ seed: 4 });
  await env.world.complete((async () => {
    const group = await opened(env);
    await group.propose(createRun("a"));
    const { runs, jobs } = group.state;
    assert.deepEqual(await group.propose(createRun("a")), ["run a exists"]);
    assert.deepEqual(await group.propose(endRun("b")), ["no run b"]);
    assert.equal(group.state.runs, runs);
    assert.equal(group.state.jobs, jobs);
    await group.close();
  })());
});

Deno.test("a log that cannot be written is lost, and says so to everybody who waits", async () => {
  const env = simulatedEnv({ seed: 5 });
  await env.world.complete((async () => {
    const group = await opened(env);
    await group.propose(createRun("a"));
    env.machine.faults.syncErrorRate = 1;
    const outcomes = await Promise.allSettled([
      group.propose(createRun("b")),
      group.propose(createRun("c")),
    ]);
    assert.ok(outcomes.every((one) => one.status === "rejected" && one.reason.code === "lost"));
    await assert.rejects(group.lost, { code: "lost", definite: false });
    assert.equal(group.state.runs.has("b"), false);
    await assert.rejects(group.propose(createRun("d")));
  })());
});

Deno.test("an entry that this version does not know is refused by name", async () => {
  const env = simulatedEnv({ seed: 6 });
  await env.world.complete((async () => {
    const journal = await openJournal(env, "/log", {});
    await journal.durable(journal.append(new TextEncoder().encode('{"version":2}')));
    await assert.rejects(openLocalGroup(env, journal, 1), { code: "badEntry", message: /entry 1/ });
    await journal.close();
  })());
});
