import assert from "node:assert/strict";
import { cloudEventText, factsOf } from "../../../gateway/live/cloud_event.ts";
import { filterKey, filterOf, wants } from "../../../gateway/live/filter.ts";
import { liveLimits } from "../../../gateway/live/limits.ts";
import { Problem } from "../../../gateway/problem.ts";
import { clusterEvent, jobEvent, progressEvent, runEvent } from "./events.ts";

const limits = liveLimits();
const filter = (query: string, tenants: string[] | null = null) =>
  filterOf(new URLSearchParams(query), tenants, limits);

Deno.test("a key of tenants sees their events only, whatever is asked for", () => {
  const mine = factsOf(jobEvent("1", { tenant: "mine" }));
  const theirs = factsOf(jobEvent("1", { tenant: "theirs" }));
  assert.equal(wants(filter("", ["mine"]), mine), true);
  assert.equal(wants(filter("", ["mine"]), theirs), false);
  assert.equal(wants(filter("tenant=theirs", ["mine"]), theirs), false);
  assert.equal(wants(filter(""), theirs), true);
});

Deno.test("events of the cluster itself are for keys of all tenants, and for no filter of other things", () => {
  const facts = factsOf(clusterEvent("1"));
  assert.equal(wants(filter(""), facts), true);
  assert.equal(wants(filter("type=dev.quorus.cluster.changed"), facts), true);
  assert.equal(wants(filter("type=dev.quorus.cluster.changed", ["mine"]), facts), false);
  assert.equal(wants(filter("", ["mine"]), facts), false);
  for (
    const query of ["tenant=mine", "run=r", "job=j", "labels=tier", "type=dev.quorus.job.changed"]
  ) {
    assert.equal(wants(filter(query), facts), false, query);
  }
});

Deno.test("an event of the cluster says in its head what has happened, and to whom", () => {
  const event = clusterEvent("7.0");
  const { time: _, ...shown } = JSON.parse(cloudEventText(event, factsOf(event)));
  assert.deepEqual(shown, {
    specversion: "1.0",
    id: "7.0",
    source: "urn:quorus:cluster",
    type: "dev.quorus.cluster.changed",
    subject: "controllers/c2",
    change: "memberDown",
    datacontenttype: "application/json",
    data: { what: "memberDown", node: "c2", why: "controller c2 is not heard of" },
  });
});

Deno.test("several values of one parameter are alternatives, several parameters must all hold", () => {
  const facts = factsOf(jobEvent("1", { id: "j", runId: "r", labels: { env: "prod" } }));
  assert.equal(wants(filter("run=q&run=r"), facts), true);
  assert.equal(wants(filter("run=r&job=x"), facts), false);
  assert.equal(wants(filter("labels=env"), facts), true);
  assert.equal(wants(filter("labels=env in (test, prod)"), facts), true);
  assert.equal(wants(filter("labels=env=test"), facts), false);
  assert.equal(wants(filter("labels=toString"), facts), false);
  assert.equal(wants(filter("type=dev.quorus.run.changed"), facts), false);
});

Deno.test("a filter by run takes the run's own events, its jobs' and their progress", () => {
  const run = filter("run=run-1");
  for (const event of [runEvent("1", "run-1"), jobEvent("2"), progressEvent(1)]) {
    assert.equal(wants(run, factsOf(event)), true);
  }
  assert.equal(wants(run, factsOf(runEvent("1", "run-2"))), false);
});

Deno.test("filters that want the same have one key, others do not", () => {
  assert.equal(filterKey(filter("run=a&run=b")), filterKey(filter("run=b&run=a")));
  assert.notEqual(filterKey(filter("run=a")), filterKey(filter("job=a")));
  assert.notEqual(filterKey(filter("", ["a"])), filterKey(filter("")));
});

Deno.test("a filter that says nothing sensible is refused with the parameter's name", () => {
  for (
    const [query, pointer] of [
      ["rum=a", "rum"],
      ["type=job", "type"],
      ["run=", "run"],
      ["labels==x", "labels"],
      [`job=${"x".repeat(300)}`, "job"],
      [Array.from({ length: 65 }, (_, at) => `job=${at}`).join("&"), "job"],
    ] as const
  ) {
    assert.throws(() => filter(query), (thrown: unknown) => {
      assert.ok(thrown instanceof Problem);
      assert.equal(thrown.code, "malformedRequest");
      return thrown.errors[0]?.parameter === pointer;
    });
  }
});
