/** Nodes as processes that are killed: what the ones that are left see, and when. */

import assert from "node:assert/strict";
import { REMOTE_LIMITS } from "../../../mod.ts";
import { A, pair, TOKEN } from "./pair.ts";
import { pause, withPeers } from "./peer_process.ts";

const GRACE_MS = REMOTE_LIMITS.graceMs.value;

Deno.test("kill -9 of a peer: one `ended` within the grace, asks settle, it links again anew", () =>
  withPeers(async (start) => {
    const { a, b, url } = await pair(start);
    const before = b.all("link").at(-1)!.incarnation;
    b.tell({ do: "watch", address: A });
    b.tell({ do: "hold", address: A, withinMs: 60_000 });
    await pause(500); // until they have arrived
    const killedMs = performance.now();
    await a.kill();
    const ended = await b.hears("ended");
    assert.equal(ended.reason, "unreachable");
    const endedMs = ended.atMs - killedMs;
    assert.ok(GRACE_MS - 500 < endedMs && endedMs < GRACE_MS + 1_000, `after ${endedMs} ms`);
    assert.equal((await b.hears("held")).code, "Unreachable");

    const from = b.heard.length;
    start({ id: "a", token: TOKEN, port: Number(new URL(url).port) });
    const up = await b.link("up", "a", { from });
    assert.notEqual(up.incarnation, before);
    await pause(1_000);
    assert.equal(b.all("ended").length, 1);
  }));

Deno.test("a peer that is restarted within the grace is a new one: one `ended`, at once", () =>
  withPeers(async (start) => {
    const { a, b, url } = await pair(start);
    b.tell({ do: "watch", address: A });
    await pause(500);
    await a.kill();
    const from = b.heard.length;
    start({ id: "a", token: TOKEN, port: Number(new URL(url).port) });
    await b.link("up", "a", { from });
    assert.equal((await b.hears("ended")).reason, "unreachable");
    assert.ok(b.heard.some((one) => one.say === "link" && one.reason === "newIncarnation"));
    await pause(500);
    assert.equal(b.all("ended").length, 1);
  }));
