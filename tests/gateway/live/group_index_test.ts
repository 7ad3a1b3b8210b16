import assert from "node:assert/strict";
import fc from "fast-check";
import { type EventFacts, factsOf } from "../../../gateway/live/cloud_event.ts";
import { type LiveFilter, wants } from "../../../gateway/live/filter.ts";
import { GroupIndex } from "../../../gateway/live/group_index.ts";
import { Subscriber } from "../../../gateway/live/subscriber.ts";
import { jobEvent, RememberingSink, runEvent } from "./events.ts";

const name = fc.constantFrom("a", "b", "c");
const some = fc.option(fc.uniqueArray(name, { minLength: 1 }).map((all) => new Set(all)));
const filter: fc.Arbitrary<LiveFilter> = fc.record({
  allowed: some,
  tenants: some,
  runs: some,
  jobs: some,
  types: fc.constant(null),
  labels: fc.array(fc.record({ name, values: some }), { maxLength: 2 }),
});
const facts: fc.Arbitrary<EventFacts> = fc.oneof(
  fc.record({ id: name, runId: name, tenant: name, labels: fc.dictionary(name, name) })
    .map((job) => factsOf(jobEvent("1", job))),
  name.map((run) => factsOf(runEvent("1", run))),
);

Deno.test("the index finds each group that wants an event once, while others come and go", () => {
  fc.assert(fc.property(
    fc.array(filter, { maxLength: 12 }),
    fc.array(fc.nat(11), { maxLength: 6 }),
    facts,
    (filters, leaving, event) => {
      const index = new GroupIndex();
      const clients = filters.map((each) => new Subscriber(each, new RememberingSink(), 0));
      for (const client of clients) index.add(client);
      const left = new Set(leaving.map((at) => clients[at]));
      for (const client of left) if (client !== undefined) index.remove(client);
      const found = [...index.of(event)].filter((group) => wants(group.filter, event))
        .flatMap(({ members }) => [...members]);
      const wanting = clients.filter((each) => !left.has(each) && wants(each.filter, event));
      assert.deepEqual(new Set(found), new Set(wanting));
      assert.equal(found.length, wanting.length);
    },
  ));
});
