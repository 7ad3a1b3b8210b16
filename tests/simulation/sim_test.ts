/** The runner of simulations: what it finds, how small it makes it, and that a seed repeats. */

import assert from "node:assert/strict";
import { explore, type ScenarioReport } from "../../runtime/sim/explore.ts";
import { runSeed } from "../../runtime/sim/explore_seed.ts";
import { replaceGlobals } from "../../runtime/sim/globals.ts";
import { type Scenario, scenario } from "../../runtime/sim/scenario.ts";
import type { Simulation } from "../../runtime/sim/simulation.ts";
import { canary } from "./scenarios/canary.ts";
import { SCENARIOS } from "./scenarios/index.ts";

const monotonicMs = performance.now.bind(performance);

async function exploreWithout(one: Scenario, seeds: number): Promise<ScenarioReport> {
  const globals = replaceGlobals();
  try {
    return await explore(one, { seeds, monotonicMs });
  } finally {
    globals.restore();
  }
}

function simple(run: (sim: Simulation) => Promise<void>, more: Partial<Scenario> = {}): Scenario {
  return scenario({
    name: "test",
    describe: "a test of the runner",
    durationMs: 1_000,
    nodes: ["a"],
    run,
    ...more,
  });
}

async function failureOf(one: Scenario): Promise<string> {
  const { failure } = await runSeed(one, 1);
  return failure === null ? "none" : `${failure.code} ${failure.message}`;
}

for (const one of SCENARIOS) {
  Deno.test(`${one.name}: ${one.describe} (a few seeds)`, async () => {
    const report = await exploreWithout(one, one.canary === undefined ? 5 : 50);
    assert.deepEqual(report.failures.map(({ error }) => error.message), []);
    assert.ok(report.steps > 0 && report.simHours > 0 && report.simHoursPerHour > 0);
  });
}

Deno.test("a seed gives the same trace alone and after fifty others", async () => {
  const hashOf = async (seed: number) => (await runSeed(canary, seed)).traceHash;
  const alone = await hashOf(7);
  const hashes = new Set([alone]);
  for (let seed = 100; seed < 150; seed += 1) hashes.add(await hashOf(seed));
  assert.equal(hashes.size, 51, "seeds differ");
  assert.equal(await hashOf(7), alone);
});

Deno.test("the planted bug is found, shrunk to one power loss, drawn, and replayed by its command", async () => {
  const { found } = await exploreWithout(canary, 50);
  assert.ok(found !== null && found.shrunk !== null);
  assert.equal(found.error.check, "what was kept is there");
  assert.deepEqual(found.plan.events.map(({ kind }) => kind), ["crash"]);
  assert.ok(found.shrunk.durationMs < canary.durationMs);
  assert.match(found.diagram, /client +server\n.*o---+>\| +keep \d+ \(sent/);
  assert.match(found.diagram, /X +crash power/);
  const { command } = found;
  const prefix = "deno task sim ";
  assert.ok(command.startsWith(prefix), command);
  const replayed = await sim(command.slice(prefix.length).split(" "));
  assert.ok(replayed.stderr.includes(found.error.message), replayed.stderr);
  const again = await sim(command.slice(prefix.length).split(" "));
  assert.equal(again.stderr, replayed.stderr);
});

Deno.test("a canary that is not found fails", async () => {
  const { failures } = await explore({ ...canary, faults: { intensity: [0, 0] } }, {
    seeds: 3,
    monotonicMs,
  });
  assert.deepEqual(failures.map(({ error }) => error.code), ["notFound"]);
});

Deno.test("a run that depends on what ran before is reported", async () => {
  let runs = 0;
  const one = simple(async (sim) => {
    runs += 1;
    sim.world.note(`run ${runs}`);
    await sim.faults();
  });
  const { failures } = await explore(one, { seeds: 1, monotonicMs });
  assert.deepEqual(failures.map(({ error }) => error.code), ["nondeterministic"]);
  assert.match(failures[0]!.error.message, /"0.000 run 1" against "0.000 run 2"/);
});

Deno.test("an invariant fails at the event that breaks it", async () => {
  const one = simple(async (sim) => {
    let count = 0;
    sim.invariant("few", () => count < 3 || `${count} are many`);
    sim.cluster.start("a", (env) => {
      for (const ms of [10, 20, 30, 40]) env.timers.after(ms, () => count += 1);
    });
    await sim.faults();
  });
  // Seen before the next event, which is at 40 ms: nothing else happened between.
  assert.equal(await failureOf(one), "invariant test, seed 1, 40.000 ms: few: 3 are many");
});

Deno.test("an error that a process does not handle fails the run, unless it is tolerated", async () => {
  const run = async (sim: Simulation) => {
    sim.cluster.start("a", async (env) => {
      await new Promise<void>((resolve) => env.timers.after(10, resolve));
      if (sim.cluster.lives === 1) throw new Error("the disk is bad");
    });
    await sim.faults();
    await sim.converge("it lives again", 1_000, () => sim.cluster.lives === 2);
  };
  assert.match(await failureOf(simple(run)), /^unhandled .* a#1 did not handle: the disk is bad/);
  assert.equal(await failureOf(simple(run, { tolerates: () => true })), "none");
});

Deno.test("the run that is recorded is the one that failed, for who makes an Env of another one, too", async () => {
  const one = simple(async (sim) => {
    sim.cluster.start("a", (env) => {
      const own = { ...env, log: { write: () => {} } };
      sim.world.note(`at ${own.clock.now()}, alive ${own.alive}`);
    });
    await sim.faults();
    throw new Error("what has failed");
  });
  const { failures } = await explore(one, { seeds: 1, monotonicMs });
  assert.deepEqual(failures.map(({ error }) => error.code), ["thrown"]);
});

Deno.test("what does not converge after the faults fails, by its name", async () => {
  const one = simple(async (sim) => {
    await sim.faults();
    await sim.converge("all is well", 500, () => "it is not");
  });
  assert.equal(
    await failureOf(one),
    "converge test, seed 1, 1500.000 ms: all is well: not within 500 ms after the faults: it is not",
  );
});

Deno.test("what is left at the end fails, and what the scenario throws", async () => {
  const leaks = simple(async (sim) => {
    sim.cluster.start("a", (env) => void env.timers.after(5_000, () => {}));
    sim.atEnd("no timers", () => sim.world.waiting().length === 0 || sim.world.waiting()[0]!);
    await sim.faults();
  });
  assert.match(await failureOf(leaks), /^leak .*no timers: a#1 timer$/);
  const throws = simple(() => Promise.reject(new Error("oh")));
  assert.match(await failureOf(throws), /^thrown .*: oh$/);
});

Deno.test("a rare state that 200 seeds never reached is reported", async () => {
  const run = async (sim: Simulation) => {
    sim.sometimes("often", sim.seed % 2 === 0);
    await sim.pass(1);
  };
  const one = simple(run, { sometimes: ["often", "never"] });
  const report = await explore(one, { seeds: 200, monotonicMs });
  assert.deepEqual(report.unreached, ["never"]);
  assert.deepEqual([...report.reached], [["often", 100], ["never", 0]]);
  assert.deepEqual((await explore(one, { seeds: 10, monotonicMs })).unreached, []);
});

Deno.test("seeds draw small limits, and leave the others alone", async () => {
  const table = {
    room: { unit: "count", value: 100, why: "a test" },
    other: { unit: "count", value: 7, why: "a test" },
  } as const;
  const rooms = new Set<number>();
  const one = simple(async (sim) => {
    const limits = sim.limits(table, { room: [1, 3] });
    rooms.add(limits.room);
    assert.equal(limits.other, 7);
    await sim.pass(1);
  });
  await explore(one, { seeds: 60, monotonicMs });
  assert.deepEqual([...rooms].sort((a, b) => a - b), [1, 2, 3, 100]);
});

Deno.test("deno task sim prints the frozen JSON lines, and says what is wrong with a call", async () => {
  const { code, stdout } = await sim(["--seeds", "4", "--scenario", "canary", "--json"]);
  assert.equal(code, 0);
  const line = JSON.parse(stdout);
  assert.deepEqual(Object.keys(line), [
    "scenario",
    "seeds",
    "failures",
    "steps",
    "simHours",
    "simHoursPerHour",
    "traceHash",
  ]);
  assert.equal(line.scenario, "canary");
  const notFound = await sim(["--seed", "1", "--scenario", "canary"]);
  assert.equal(notFound.code, 1);
  assert.match(notFound.stderr, /did not find "what was kept is there"/);
  for (const [args, message] of WRONG_CALLS) {
    const wrong = await sim(args);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, message);
  }
});

const WRONG_CALLS: readonly [string[], RegExp][] = [
  [["--bogus"], /unknown argument --bogus/],
  [["--seeds"], /--seeds needs a value/],
  [["--seeds", "0"], /an integer from 1 on/],
  [["--scenario", "none"], /no scenario none; there are/],
  [["--faults", "1"], /need --scenario and --seed/],
];

interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program as its task runs it. */
async function sim(args: readonly string[]): Promise<Output> {
  const config = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  const [, ...run] = (config.tasks.sim.command as string).split(" ");
  const command = new Deno.Command(Deno.execPath(), {
    args: [...run, ...args],
    cwd: new URL("../..", import.meta.url),
    env: { NO_COLOR: "1" },
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}
