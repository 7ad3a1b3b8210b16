/** What the replicated state allows of a tenant, whoever proposes it. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { IDLE, isWaiting } from "../../../actors/controller/state.ts";
import { LEASED_STATES } from "../../../actors/job/record.ts";
import { Log } from "./log.ts";

Deno.test("jobs of a tenant of whom nothing was said join the queue at once", () => {
  const log = new Log();
  log.submit("acme", ["a", "b"]);
  assert.equal(log.states("acme"), "queued queued");
});

Deno.test("jobs beyond a tenant's part of the queue wait for admission, in order", () => {
  const log = new Log();
  log.configure("acme", { maxQueued: 2 });
  log.submit("acme", ["a", "b", "c", "d"]);
  log.submit("other", ["a", "b", "c"]);
  assert.equal(log.states("acme"), "queued queued submitted submitted");
  assert.equal(log.states("other"), "queued queued queued");
  const admit = (...names: string[]) =>
    log.apply({
      type: "admitJobs",
      tenant: "acme",
      jobIds: names.map((name) => `acme-${name}`),
    });
  assert.match(admit("c")[0] ?? "", /no room for job acme-c/);
  log.assign("acme-a");
  // There is a place, but one that came before waits for it.
  log.submit("acme", ["e"]);
  assert.equal(log.states("acme"), "assigned queued submitted submitted submitted");
  assert.match(
    admit("c", "d").join(),
    /^admit: the queue of tenant acme has no room for job acme-d$/,
  );
  assert.equal(log.states("acme"), "assigned queued queued submitted submitted");
});

Deno.test("a job is admitted for its own tenant only, and only once", () => {
  const log = new Log();
  log.submit("acme", ["a"]);
  const admit = (tenant: string) =>
    log.apply({ type: "admitJobs", tenant, jobIds: ["acme-a"] }).join();
  assert.match(admit("other"), /tenant other has no job acme-a/);
  assert.match(admit("acme"), /job acme-a is queued/);
});

Deno.test("an assignment beyond a tenant's transfers at a time is refused", () => {
  const log = new Log();
  log.configure("acme", { maxConcurrentTransfers: 1 });
  log.submit("acme", ["a", "b"]);
  log.submit("other", ["a"]);
  assert.deepEqual(log.assign("acme-a"), []);
  assert.match(log.assign("acme-b")[0] ?? "", /tenant acme has as many transfers as it may have/);
  assert.deepEqual(log.assign("other-a"), []);
  log.release("acme-a");
  assert.deepEqual(log.assign("acme-b"), []);
  log.apply({ type: "configureTenant", tenant: "acme", settings: null });
  assert.deepEqual(log.assign("acme-a"), []);
});

Deno.test("a tenant's load is what counting its jobs would give, whatever happens", () => {
  const step = fc.record({
    what: fc.constantFrom("submit", "assign", "release", "succeed", "pause", "resume", "admit"),
    tenant: fc.constantFrom("acme", "other"),
    name: fc.constantFrom("a", "b", "c", "d"),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const log = new Log();
    log.configure("acme", { maxQueued: 1, maxConcurrentTransfers: 2 });
    for (const { what, tenant, name } of steps) {
      happen(log, what, tenant, name);
      checkLoad(log);
    }
  }));
});

function happen(log: Log, what: string, tenant: string, name: string): void {
  const jobId = `${tenant}-${name}`;
  const hasLease = (log.state.jobs.get(jobId)?.lease ?? null) !== null;
  if (what === "submit") log.submit(tenant, [name]);
  else if (what === "assign") log.assign(jobId);
  else if (what === "admit") log.apply({ type: "admitJobs", tenant, jobIds: [jobId] });
  else if (what === "release" && hasLease) log.release(jobId);
  else if (what === "succeed" && hasLease) log.succeed(jobId, 1);
  else if (what === "pause" || what === "resume") {
    const intent = what === "pause" ? "pause" : "run";
    log.apply({ type: "jobEvent", jobId, event: { type: "intend", intent, why: "asked" } });
  }
}

function checkLoad({ state }: Log): void {
  for (const tenant of ["acme", "other"]) {
    const jobs = [...state.jobs.values()].filter((job) => job.tenant === tenant);
    assert.deepEqual(state.load.tenants.get(tenant) ?? IDLE, {
      submitted: jobs.filter((job) => job.state === "submitted").length,
      waiting: jobs.filter(isWaiting).length,
      leases: jobs.filter((job) => LEASED_STATES.has(job.state)).length,
    });
  }
  assert.ok((state.load.tenants.get("acme") ?? IDLE).leases <= 2);
}
