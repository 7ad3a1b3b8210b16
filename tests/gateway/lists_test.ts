/** Lists over HTTP: one list of what is in the state and what was archived. */

import assert from "node:assert/strict";
import { type Asking, GatewayRig, transferYaml } from "./rig.ts";

const SOON = { archive: { archiveAfterMs: 2_000, archiveRestMs: 1_000, archiveOwingMs: 1_000 } };

/** Runs `old-1` to `old-3`, which have ended and were archived, and `new`, which waits for an agent. */
async function archived(): Promise<GatewayRig> {
  const rig = await GatewayRig.start({}, { limits: SOON });
  const submit = async (name: string, tenant: string, who: Asking["who"]) => {
    const sent = await rig.submit("/v1/runs", transferYaml({ name, tenant }), { who: who! });
    assert.equal(sent.status, 202, sent.text);
    await rig.cluster.world.pass(100);
    return sent.json.runs[0].id;
  };
  for (const [n, tenant] of [[1, "acme"], [2, "other"], [3, "acme"]] as const) {
    const id = await submit(`old-${n}`, tenant, tenant);
    await rig.post(`/v1/runs/${id}/cancel`, {}, { who: tenant });
  }
  const { role } = await rig.cluster.leader();
  await rig.cluster.until("all are archived", () => {
    const { runs, archive } = role.replica.state;
    return runs.size === 0 && archive.count > 0 && archive.open.size === 0;
  }, 120_000);
  await rig.cluster.world.pass(2_000);
  await submit("new", "acme", "acme");
  return rig;
}

async function names(rig: GatewayRig, path: string, who: Asking["who"] = "admin") {
  const found: string[] = [];
  for (let cursor: string | null = null;;) {
    const more: string = cursor === null ? "" : `&cursor=${cursor}`;
    const page = await rig.ask(`${path}${more}`, { who: who! });
    assert.equal(page.status, 200, page.text);
    assert.equal(page.json.incomplete, undefined);
    found.push(...page.json.items.map(({ name }: { name: string }) => name));
    cursor = page.json.next;
    if (cursor === null) return found;
  }
}

Deno.test("runs and jobs are listed from the newest to the archived ones, page by page, with the same filters", async () => {
  const rig = await archived();
  for (const noun of ["runs", "jobs"]) {
    for (const limit of [1, 2, 100]) {
      const all = await names(rig, `/v1/${noun}?limit=${limit}`);
      assert.deepEqual(all, ["new", "old-3", "old-2", "old-1"], `${noun} by ${limit}`);
      const own = await names(rig, `/v1/${noun}?limit=${limit}`, "acme");
      assert.deepEqual(own, ["new", "old-3", "old-1"]);
    }
    const of = (query: string) => names(rig, `/v1/${noun}?limit=2&${query}`);
    assert.deepEqual(await of("state=cancelled"), ["old-3", "old-2", "old-1"]);
    assert.deepEqual(await of("state=running,queued"), ["new"]);
    assert.deepEqual(await of("labels=tier%20in%20(gold,silver)&state=cancelled"), [
      ...["old-3", "old-2", "old-1"],
    ]);
    assert.deepEqual(await of("labels=tier=silver"), []);
    assert.deepEqual(await names(rig, `/v1/${noun}?limit=2&consistency=stale`), [
      ...["new", "old-3", "old-2", "old-1"],
    ]);
  }
  const [, , run] = (await rig.ask("/v1/runs")).json.items;
  assert.deepEqual(await names(rig, `/v1/jobs?limit=1&run=${run.id}`), ["old-2"]);
  const { freshness: _, ...alone } = (await rig.ask(`/v1/runs/${run.id}`)).json;
  assert.deepEqual(run, alone);
  await rig.stop();
});
