/** What happens to the cluster itself is told in the feed, by every controller alike. */

import assert from "node:assert/strict";
import type { LiveEvent } from "../../../actors/desk/messages.ts";
import { emptyPlan } from "../plans.ts";
import { ADMIN, SimulatedCluster } from "./cluster.ts";

/** Follows the events of the cluster and its agents at whichever controller lives. */
class Follower {
  readonly told: string[] = [];
  readonly ids: string[] = [];
  #last = "0.0";

  constructor(
    readonly cluster: SimulatedCluster,
    readonly gateway: Awaited<ReturnType<SimulatedCluster["join"]>>,
  ) {}

  async pull(controller: string): Promise<void> {
    const desk = this.cluster.desk(this.gateway, controller);
    const page = await this.cluster.done(desk.ask("events", { after: this.#last, limit: 1_000 }));
    this.#last = page.last;
    for (const event of page.events) this.#take(event);
  }

  #take(event: LiveEvent): void {
    if (event.type === "cluster") this.told.push(`${event.change.what} ${event.change.node}`);
    if (event.type === "agent") this.told.push(`${event.change} ${event.agent.id}`);
    if (event.type === "cluster" || event.type === "agent") this.ids.push(event.id);
  }

  /** Lets time pass until something was told. */
  async until(what: string): Promise<void> {
    for (let tries = 0; !this.told.includes(what); tries += 1) {
      assert.ok(tries < 100, `in vain: ${what}; told: ${this.told.join(", ")}`);
      const { id } = this.cluster.living[tries % this.cluster.living.length]!;
      // One that has just come back may have no link yet.
      await this.pull(id).catch(() => {});
      await this.cluster.world.pass(200);
    }
  }
}

Deno.test("who leads, who comes and goes, who is down and up again: each is told once, in one order", async () => {
  const cluster = await SimulatedCluster.start();
  const gateway = await cluster.join("g1", ["gateway"]);
  const follower = new Follower(cluster, gateway);
  const { id: first } = await cluster.leader();
  await follower.until(`leaderChanged ${first}`);
  for (const id of cluster.ids) await follower.until(`memberAdded ${id}`);
  const restart = cluster.crash(first);
  const { id: second } = await cluster.leader();
  await follower.until(`leaderChanged ${second}`);
  await follower.until(`memberDown ${first}`);
  await restart();
  await follower.until(`memberUp ${first}`);
  const agent = await cluster.agent("a1");
  await follower.until("joined a1");
  agent.env.crash("power");
  await follower.until("lost a1");
  await cluster.world.pass(5_000);
  assert.deepEqual(new Set(follower.told).size, follower.told.length, follower.told.join(", "));
  // Another gateway, at another controller that was there all the time, is told the same under the same ids.
  const other = new Follower(cluster, gateway);
  const quiet = cluster.living.find(({ id }) => id !== first)!.id;
  await other.pull(quiet);
  await follower.pull(quiet);
  assert.deepEqual(other.ids, follower.ids);
  assert.deepEqual(other.told, follower.told);
  await cluster.stop();
});

Deno.test("when too many agents vanish at once, it is told that reassignment waits, and that it goes on", async () => {
  const cluster = await SimulatedCluster.start({ limits: { fleet: { massLossMs: 10_000 } } });
  const gateway = await cluster.join("g1", ["gateway"]);
  const follower = new Follower(cluster, gateway);
  const agents = [await cluster.agent("a1"), await cluster.agent("a2"), await cluster.agent("a3")];
  await cluster.world.pass(15_000);
  for (const { env } of agents.slice(1)) env.crash("power");
  await follower.until("reassignmentPaused null");
  await follower.until("reassignmentResumed null");
  await cluster.stop();
});

Deno.test("a controller whose archive was damaged is told of, and shown with a warning", async () => {
  const limits = {
    archive: {
      ...{ archiveAfterMs: 2_000, archiveRestMs: 1_000 },
      ...{ archiveVerifyMs: 20_000, archiveVerifyLookMs: 2_000 },
    },
  };
  const cluster = await SimulatedCluster.start({ limits });
  const gateway = await cluster.join("g1", ["gateway"]);
  const { id, env, role } = await cluster.follower();
  const follower = new Follower(cluster, gateway);
  const desk = cluster.desk(gateway, id);
  const write = (key: string, request: Parameters<typeof desk.ask<"write">>[1]["request"]) =>
    cluster.done(desk.ask("write", { key, principal: ADMIN, request }, { withinMs: 20_000 }));
  await write("k1", { type: "submit", runId: "r1", plan: emptyPlan() });
  await write("k2", { type: "intendRun", runId: "r1", intent: "cancel", why: "asked" });
  await cluster.until("it is archived", () => {
    const { segments, open } = role.replica.state.archive;
    return segments.size === 1 && open.size === 0 && role.archive.status().missing.length === 0;
  });
  const hash = role.replica.state.archive.segments.get("1")?.hash;
  await cluster.done((async () => {
    const path = `/controllers/archive/segments/0000000001.${hash}.segment`;
    const file = await env.disk.open(path, { write: true });
    await file.write(new Uint8Array([7]), 100);
    await file.close();
  })());
  await follower.until(`archiveDamaged ${id}`);
  const shown = async () => {
    const query = { type: "cluster" } as const;
    const body = { consistency: "stale", principal: ADMIN, query } as const;
    const { found } = await cluster.done(desk.ask("read", body));
    assert.ok(found.type === "cluster");
    return found.cluster.archives;
  };
  const archives = await shown();
  assert.deepEqual(Object.keys(archives).sort(), [...cluster.ids].sort());
  assert.match(archives[id]?.warning ?? "", /1 segments were damaged/);
  for (const other of cluster.ids) if (other !== id) assert.equal(archives[other]?.warning, null);
  await cluster.stop();
});
