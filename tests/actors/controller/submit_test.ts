import assert from "node:assert/strict";
import fc from "fast-check";
import { apply } from "../../../actors/controller/apply.ts";
import { type Command, logEntry } from "../../../actors/controller/commands.ts";
import { heldBy } from "../../../actors/controller/agents.ts";
import { INITIAL_STATE, isWaiting, type State } from "../../../actors/controller/state.ts";
import { LEASED_STATES } from "../../../actors/job/record.ts";
import type { Plan } from "../../../workflows/plan.ts";
import { resolveTransfer } from "../../../workflows/resolve.ts";
import { groupPlan } from "../plans.ts";

const NAMES = ["a", "b", "c", "d", "e", "f"] as const;

function plan(): Plan {
  return groupPlan(NAMES.map((name) => ({
    name,
    source: { uri: `memory:///${name}` },
    destination: { path: `/out/${name}` },
  })));
}

class Log {
  state: State = INITIAL_STATE;
  #index = 0;

  constructor(of: Plan = plan()) {
    this.apply({ type: "createRun", runId: "run", tenant: "acme", plan: of });
  }

  apply(command: Command, version: 1 | 2 = 2): readonly string[] {
    const text = JSON.stringify({ version, atMs: 1, command });
    const applied = apply(this.state, logEntry.parse(JSON.parse(text)), ++this.#index);
    this.state = applied.state;
    return applied.refused;
  }

  submit(names: string, agent?: string, slots?: Record<string, number>): readonly string[] {
    const jobs = [...names].map((name) => ({
      jobId: name,
      transfer: NAMES.findIndex((one) => one === name),
      ...(agent === undefined ? {} : { agent }),
    }));
    return this.apply({ type: "submitJobs", runId: "run", jobs, skipped: [], slots });
  }

  states(names: string): string {
    return [...names].map((name) => this.state.jobs.get(name)?.state ?? "none").join(" ");
  }

  /** Ends the lease of a job, if it has one. */
  release(name: string): void {
    const lease = this.state.jobs.get(name)?.lease;
    if (!lease) return;
    const event = { type: "release", lease, why: "asked" } as const;
    this.apply({ type: "jobEvent", jobId: name, event });
  }

  fail(name: string, retryAtMs: number | null): void {
    const lease = this.state.jobs.get(name)?.lease;
    if (!lease) return;
    const error = { code: "x", message: "", retryable: true, definite: true };
    this.apply({
      type: "jobEvent",
      jobId: name,
      event: { type: "fail", lease, error, retryAtMs },
    });
  }
}

Deno.test("a transfer is submitted by its place in the plan, with the spec that the plan gives", () => {
  const log = new Log();
  assert.deepEqual(log.submit("b"), []);
  assert.deepEqual(log.state.jobs.get("b")?.spec, resolveTransfer(plan().transfers[1]!, {}));
  assert.match(log.submit("b")[0] ?? "", /has a job already/);
  const jobs = [{ jobId: "x", transfer: 99 }];
  const refused = log.apply({ type: "submitJobs", runId: "run", jobs, skipped: [] });
  assert.match(refused[0] ?? "", /no transfer 99/);
});

Deno.test("an entry of version 1, with the whole spec, is still taken", () => {
  const log = new Log();
  const spec = resolveTransfer(plan().transfers[0]!, {});
  const jobs = [{ jobId: "a", spec }];
  assert.deepEqual(log.apply({ type: "submitJobs", runId: "run", jobs, skipped: [] }, 1), []);
  assert.deepEqual(log.state.jobs.get("a")?.spec, spec);
});

Deno.test("a submitted job begins at once while its agent has a free slot, and waits after that", () => {
  const log = new Log();
  assert.deepEqual(log.submit("abc", "local", { local: 2 }), []);
  assert.equal(log.states("abc"), "assigned assigned queued");
  const { lease } = log.state.jobs.get("a")!;
  assert.deepEqual(lease, { epoch: 1, group: 0, index: 2, agent: "local" });
});

Deno.test("a submitted job does not begin before one that waits already", () => {
  const log = new Log();
  log.submit("abc", "local", { local: 2 });
  log.fail("a", null);
  log.submit("d", "local", { local: 2 });
  assert.equal(log.states("bcd"), "assigned queued queued");
});

Deno.test("an assignment beyond the slots of its agent is refused", () => {
  const log = new Log();
  log.submit("ab", "local", { local: 2 });
  log.submit("c");
  const assignments = [{ jobId: "c", agent: "local" }];
  const slots = { local: 2 };
  assert.match(log.apply({ type: "assignJobs", assignments, slots })[0] ?? "", /no free slot/);
  log.release("a");
  assert.deepEqual(log.apply({ type: "assignJobs", assignments, slots }), []);
});

Deno.test("a job of a paused run is not given to an agent", () => {
  const log = new Log();
  log.apply({ type: "intendRun", runId: "run", intent: "pause", why: "asked" });
  log.submit("a", "local");
  assert.equal(log.states("a"), "paused");
});

Deno.test("a transfer that cannot be resolved is noted as failed, and the others are taken", () => {
  const good = plan();
  const [first, ...rest] = good.transfers;
  const { template } = first!;
  const checksum = { algorithm: "sha256", valueHex: ["zz"], required: true } as const;
  const bad = { ...template, validation: { ...template.validation, checksum } };
  const log = new Log({ ...good, transfers: [{ ...first!, template: bad }, ...rest] });
  assert.match(log.submit("ab")[0] ?? "", /checksum "zz"/);
  assert.equal(log.states("ab"), "none queued");
  assert.equal(log.state.runs.get("run")?.skipped.get("a")?.failed, true);
});

Deno.test("the load is what counting the jobs would give, whatever happens", () => {
  const name = fc.constantFrom(...NAMES);
  const agent = fc.constantFrom("one", "two");
  const step = fc.oneof(
    fc.record({ do: fc.constant("submit" as const), name, agent: fc.option(agent) }),
    fc.record({ do: fc.constant("assign" as const), name, agent }),
    fc.record({ do: fc.constantFrom("release", "retry", "fail", "cancel", "pause"), name }),
    fc.record({ do: fc.constant("gone" as const), agent }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const log = new Log();
    const slots = { one: 2, two: 1 };
    for (const now of steps) {
      if (now.do === "submit") log.submit(now.name, now.agent ?? undefined, slots);
      else if (now.do === "assign") {
        const assignments = [{ jobId: now.name, agent: now.agent }];
        log.apply({ type: "assignJobs", assignments, slots });
      } else if (now.do === "gone") {
        log.apply({ type: "releaseAgent", agent: now.agent, why: "gone" });
      } else if ("name" in now) happen(log, now.do, now.name);
      checkLoad(log.state, slots);
    }
  }));
});

function happen(log: Log, what: string, name: string): void {
  if (what === "release") log.release(name);
  else if (what === "retry") log.fail(name, 9);
  else if (what === "fail") log.fail(name, null);
  else {
    const intent = what === "pause" ? "pause" : "cancel";
    const event = { type: "intend", intent, why: "asked" } as const;
    log.apply({ type: "jobEvent", jobId: name, event });
  }
}

function checkLoad(state: State, slots: Readonly<Record<string, number>>): void {
  const jobs = [...state.jobs.values()];
  assert.equal(state.load.waiting, jobs.filter(isWaiting).length);
  for (const [agent, most] of Object.entries(slots)) {
    const held = jobs.filter((job) => LEASED_STATES.has(job.state) && job.lease?.agent === agent);
    assert.equal(state.load.leases.get(agent) ?? 0, held.length);
    assert.deepEqual(heldBy(state, agent), held);
    assert.ok(held.length <= most, `${agent} has ${held.length} of ${most}`);
  }
}
