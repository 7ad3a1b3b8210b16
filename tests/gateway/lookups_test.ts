/** What many ask for by id: each gets its own answer, the one that a question by itself would get. */

import assert from "node:assert/strict";
import type { LookedUp, Lookups, Principal } from "../../actors/desk/messages.ts";
import { GatheredLookups } from "../../gateway/lookups.ts";
import { GatewayRig, transferYaml, type Who } from "./rig.ts";

const TRACE = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };

function principal(keyId: string): Principal {
  return { keyId, scope: "viewer", tenants: null };
}

/** Gathers with a turn that is ended by hand and controllers that are played here. */
function gathering(most: number) {
  const turn: (() => void)[] = [];
  const asked: Lookups[] = [];
  const answers: PromiseWithResolvers<LookedUp>[] = [];
  const lookups = new GatheredLookups(
    { soon: (fn) => void turn.push(fn) },
    most,
    (one) => {
      asked.push(one);
      const answer = Promise.withResolvers<LookedUp>();
      answers.push(answer);
      return answer.promise;
    },
  );
  const endTurn = () => turn.splice(0).forEach((fn) => fn());
  return { lookups, asked, answers, endTurn };
}

Deno.test("what is asked in one turn is one message; nothing joins what has been sent", async () => {
  const { lookups, asked, answers, endTurn } = gathering(100);
  const [ann, bob] = [principal("ann"), principal("bob")];
  const first = [
    lookups.look(ann, "linearizable", { kind: "job", id: "j1" }),
    lookups.look(bob, "linearizable", { kind: "run", id: "r1" }),
    lookups.look(ann, "linearizable", { kind: "job", id: "j2" }),
  ];
  const stale = lookups.look(ann, "stale", { kind: "job", id: "j1" });
  endTurn();
  const late = lookups.look(ann, "linearizable", { kind: "job", id: "j1" });
  endTurn();
  assert.deepEqual(asked.map(({ consistency }) => consistency), [
    "linearizable",
    "stale",
    "linearizable",
  ]);
  assert.deepEqual(asked[0]!.principals, [ann, bob]);
  assert.deepEqual(asked[0]!.looks.map(({ by, id }) => `${by} ${id}`), ["0 j1", "1 r1", "0 j2"]);
  const answer = (...texts: string[]): LookedUp => ({
    looked: texts.map((text) => ({ text, version: 1 })),
    refused: null,
    ...{ node: "c1", appliedIndex: 7, appliedAtMs: 0 },
  });
  answers[0]!.resolve(answer("j1", "r1", "j2"));
  answers[1]!.resolve(answer("old"));
  answers[2]!.reject(new Error("gone"));
  const settled = await Promise.all([...first, stale]);
  assert.deepEqual(settled.map(({ one }) => one?.text), ["j1", "r1", "j2", "old"]);
  assert.equal(settled[0]!.at, settled[2]!.at);
  await assert.rejects(late, /gone/);
});

Deno.test("a message asks for so many at most, and a full one does not wait", () => {
  const { lookups, asked, endTurn } = gathering(2);
  for (const id of ["a", "b", "c"]) {
    void lookups.look(principal("ann"), "stale", { kind: "job", id });
  }
  assert.deepEqual(asked.map(({ looks }) => looks.length), [2]);
  endTurn();
  assert.deepEqual(asked.map(({ looks }) => looks.length), [2, 1]);
});

Deno.test("many who ask at once each get what they may see, as if each had asked alone", async () => {
  const rig = await GatewayRig.start({ looksPerMessage: 3 });
  const runs: string[] = [];
  for (const tenant of ["acme", "other"]) {
    const { json } = await rig.submit("/v1/runs", transferYaml({ tenant }));
    runs.push(json.runs[0].id);
  }
  // Until no controller has anything more to apply.
  await rig.until(async () => {
    const { json } = await rig.ask(`/v1/runs/${runs[1]}`);
    return json.transfers.queued === 1;
  });
  await rig.cluster.world.pass(1_000);
  const asks = ["", "?consistency=stale"].flatMap((query) =>
    [...runs, "absent"].flatMap((run) =>
      [`/v1/runs/${run}${query}`, `/v1/jobs/${run}-1${query}`].flatMap((path) =>
        (["acme", "other", "admin", "nobody"] as Who[]).map((who) => ({ path, who }))
      )
    )
  );
  const together = await rig.cluster.done(
    Promise.all(asks.map(({ path, who }) => rig.begin(path, { who }))),
  );
  const statuses = new Set(together.map(({ status }) => status));
  assert.deepEqual([...statuses].sort(), [200, 401, 404]);
  for (const [at, { path, who }] of asks.entries()) {
    const one = together[at]!;
    // What belongs to a trace is asked by itself.
    const alone = await rig.ask(path, { who, headers: TRACE });
    assert.equal(one.status, alone.status, `${who} ${path}`);
    if (one.status !== 200) continue;
    const bare = ({ json: { freshness: _, ...view } }: typeof one) => view;
    assert.deepEqual(bare(one), bare(alone), `${who} ${path}`);
    assert.deepEqual(Object.keys(one.json), Object.keys(alone.json));
    // A trace comes back with the answer.
    const names = ({ headers }: typeof one) =>
      [...headers.keys()].filter((name) => name !== "traceparent").sort();
    assert.deepEqual(names(one), names(alone));
    assert.equal(one.headers.get("etag"), alone.headers.get("etag"));
    assert.notEqual(one.headers.get("x-request-id"), null);
    const fresh = one.json.freshness;
    assert.equal(one.headers.get("quorus-controller"), fresh.node);
    assert.equal(fresh.consistency, path.endsWith("stale") ? "stale" : "linearizable");
  }
  const [kept] = together;
  const same = await rig.ask(`/v1/runs/${runs[0]}`, {
    headers: { "if-none-match": kept!.headers.get("etag")! },
  });
  assert.equal(same.status, 304);
  assert.equal(same.headers.get("content-type"), null);
  await rig.stop();
});

Deno.test("a view is told anew after each change, whoever asked before it", async () => {
  const rig = await GatewayRig.start();
  const { json } = await rig.submit("/v1/runs", transferYaml());
  const run = `/v1/runs/${json.runs[0].id}`;
  const job = `/v1/jobs/${json.runs[0].id}-1`;
  for (const action of ["pause", "resume", "cancel"]) {
    const before = await rig.ask(job);
    await rig.post(`${run}/${action}`, {});
    await rig.until(async () => {
      const [runNow, jobNow] = [await rig.ask(run), await rig.ask(job)];
      const { state } = jobNow.json;
      // A run counts its jobs: one that was told before its job changed would say otherwise.
      if (runNow.json.version > jobNow.json.version) return false;
      return state !== before.json.state && runNow.json.transfers[state] === 1;
    });
  }
  await rig.stop();
});
