/** Two hubs over real WebSockets on loopback. */

import assert from "node:assert/strict";
import { Deadlines } from "../../../runtime/actor/deadlines.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { createHub } from "../../../runtime/remote/hub.ts";
import type { HubOptions } from "../../../runtime/remote/hub_options.ts";
import { Any, CONTEXT, TestDock, TOKEN } from "./hub_nodes.ts";

function realHub(node: string, options: HubOptions) {
  const env = realEnv();
  const deadlines = new Deadlines(env.clock, env.timers);
  const dock = new TestDock(node, deadlines);
  const hub = createHub(env, dock, options);
  const stop = async () => {
    await hub.close();
    deadlines.close();
  };
  return { hub, dock, stop };
}

const LOOPBACK = [{ hostname: "127.0.0.1", port: 0 }];

Deno.test("two hubs link over a real socket, ask each other, and leave nothing behind", async () => {
  const a = realHub("a", { listen: LOOPBACK, token: TOKEN });
  const b = realHub("b", { token: TOKEN });
  try {
    await a.hub.ready;
    const view = await b.hub.connect({ node: "a", url: a.hub.urls[0]! });
    assert.equal(view.state, "up");
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const body = { bytes: new Uint8Array(1_000_000).fill(7) };
    b.hub.target("a", "echo", Any).ask("ask", body, CONTEXT, 5_000, {
      reply: resolve,
      fail: reject,
    });
    assert.deepEqual(await promise, body);
  } finally {
    await b.stop();
    await a.stop();
  }
});

Deno.test("a wrong token is refused over a real socket, in words", async () => {
  const a = realHub("a", { listen: LOOPBACK, token: TOKEN });
  const b = realHub("b", { token: "some other token of a good length" });
  try {
    await a.hub.ready;
    await assert.rejects(b.hub.connect({ node: "a", url: a.hub.urls[0]! }), {
      name: "RemoteError",
      code: "WrongToken",
    });
  } finally {
    await b.stop();
    await a.stop();
  }
});
