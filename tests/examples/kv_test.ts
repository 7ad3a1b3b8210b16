/** The replicated store's door: what each status promises. */

import assert from "node:assert/strict";
import { joinGroup, startNode } from "@quorus/quorus";
import { door } from "../../examples/13_kv/door.ts";
import { store } from "../../examples/13_kv/store.ts";

async function withDoor(
  body: (
    ask: (method: string, path: string, more?: RequestInit) => Promise<Response>,
  ) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const node = startNode({ id: "a", logLevel: "error" });
  try {
    const group = await joinGroup(node, store, { name: "kv", folder, members: ["a"] });
    const app = door(group);
    await body(async (method, path, more = {}) => await app.request(path, { method, ...more }));
  } finally {
    await node.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a key is put, read, compared, listed and removed", () =>
  withDoor(async (ask) => {
    const put = await ask("PUT", "/kv/fruit/apple", { body: "red" });
    const etag = put.headers.get("etag")!;
    assert.deepEqual([put.status, await put.json()], [200, { version: Number(etag.slice(1, -1)) }]);
    const got = await ask("GET", "/kv/fruit/apple");
    assert.deepEqual([await got.text(), got.headers.get("etag")], ["red", etag]);
    const stale = await ask("GET", "/kv/fruit/apple?consistency=stale");
    assert.equal(await stale.text(), "red");

    const ifMatch = (tag: string) => ({ headers: { "if-match": tag } });
    const changed = await ask("PUT", "/kv/fruit/apple", { body: "green", ...ifMatch(etag) });
    assert.equal(changed.status, 200);
    const late = await ask("PUT", "/kv/fruit/apple", { body: "blue", ...ifMatch(etag) });
    assert.deepEqual([late.status, late.headers.get("etag")], [412, changed.headers.get("etag")]);
    const create = { body: "yellow", headers: { "if-none-match": "*" } };
    assert.equal((await ask("PUT", "/kv/fruit/apple", create)).status, 412);
    assert.equal((await ask("PUT", "/kv/fruit/banana", create)).status, 200);

    const list = await (await ask("GET", "/kv?prefix=fruit/")).json();
    assert.deepEqual(list.map(({ key, value }: { key: string; value: string }) => [key, value]), [
      ["fruit/apple", "green"],
      ["fruit/banana", "yellow"],
    ]);
    assert.equal((await ask("DELETE", "/kv/fruit/apple")).status, 204);
    assert.equal((await ask("GET", "/kv/fruit/apple")).status, 404);
  }));

Deno.test("a write that is sent again with its idempotency key is done once", () =>
  withDoor(async (ask) => {
    const write = { body: "1", headers: { "idempotency-key": "order 7", "if-none-match": "*" } };
    const first = await ask("PUT", "/kv/n", write);
    const again = await ask("PUT", "/kv/n", write);
    assert.deepEqual([again.status, await again.json()], [first.status, await first.json()]);
  }));

Deno.test("a watch tells of changes after an index, and of those to come", () =>
  withDoor(async (ask) => {
    await ask("PUT", "/kv/a", { body: "1" });
    const watch = await ask("GET", "/watch?from=0&prefix=");
    const reader = watch.body!.pipeThrough(new TextDecoderStream() as never).getReader();
    const next = async () => JSON.parse((await reader.read()).value as unknown as string);
    assert.deepEqual([(await next()).key], ["a"]);
    await ask("PUT", "/kv/b", { body: "2" });
    const { key, value } = await next();
    assert.deepEqual([key, value], ["b", "2"]);
    await reader.cancel();
  }));

Deno.test("the status names the leader, and metrics have the names of the plan", () =>
  withDoor(async (ask) => {
    await ask("PUT", "/kv/a", { body: "1" });
    const { role, leader } = await (await ask("GET", "/status")).json();
    assert.deepEqual([role, leader], ["leader", "a"]);
    const text = await (await ask("GET", "/metrics")).text();
    assert.match(text, /raft_election_count_total\{group="kv",member="a"\} 1/);
    assert.match(text, /raft_term_current\{group="kv",member="a"\} 1/);
  }));
