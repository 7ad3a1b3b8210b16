import assert from "node:assert/strict";
import { emptyPlan } from "../plans.ts";
import { ADMIN, SimulatedCluster } from "./cluster.ts";

const KEY = {
  id: "first",
  sha256: "a".repeat(64),
  scope: "admin" as const,
  tenants: null,
  label: "the first key",
  expiresMs: null,
};

Deno.test("a witness passes writes on, and answers nothing from a state that it has not", async () => {
  const cluster = await SimulatedCluster.start({ witnesses: ["c3"], bootstrapKeys: [KEY] });
  const gateway = await cluster.join("g1", ["gateway"]);
  const desk = cluster.desk(gateway, "c3");
  const request = { type: "submit", runId: "r1", plan: emptyPlan() } as const;
  const body = { key: "k", principal: ADMIN, request };
  assert.ok((await cluster.done(desk.ask("write", body, { withinMs: 20_000 }))).ok);
  const query = { type: "run", runId: "r1" } as const;
  const asked: readonly (() => Promise<unknown>)[] = [
    () => desk.ask("read", { consistency: "linearizable", principal: ADMIN, query }),
    () => desk.ask("read", { consistency: "stale", principal: ADMIN, query }),
    () => desk.ask("authenticate", { sha256: KEY.sha256 }),
    () => desk.ask("events", { after: null, limit: 5 }),
  ];
  for (const ask of asked) {
    const told = await cluster.done(ask().then((answer) => JSON.stringify(answer), String));
    assert.match(String(told), /ask another controller/);
  }
  const other = cluster.desk(gateway, (await cluster.leader()).id);
  const { found } = await cluster.done(
    other.ask("read", { consistency: "linearizable", principal: ADMIN, query }),
  );
  assert.equal(found.type, "run");
  await cluster.stop();
});
