/** Nodes as processes that are stopped for a while (SIGSTOP), and go on. */

import assert from "node:assert/strict";
import { A, B, pair } from "./pair.ts";
import { pause, withPeers } from "./peer_process.ts";

Deno.test("SIGSTOP of a peer for 6 s: suspected, back within the grace, and nothing has ended", () =>
  withPeers(async (start) => {
    const { a, b } = await pair(start);
    const before = b.all("link").at(-1)!.incarnation;
    b.tell({ do: "watch", address: A });
    a.tell({ do: "watch", address: B });
    await pause(2_000);
    const from = b.heard.length;
    a.signal("SIGSTOP");
    await b.link("down", "a", { from });
    await pause(2_000);
    a.signal("SIGCONT");
    const up = await b.link("up", "a", { from });
    assert.equal(up.incarnation, before);
    await pause(1_000);
    assert.deepEqual([...a.all("ended"), ...b.all("ended")], []);
  }));

Deno.test("SIGSTOP of a peer for 10 s: suspected within 5 s, given up, met anew, nothing twice", () =>
  withPeers(async (start) => {
    const { a, b } = await pair(start);
    for (const [one, other] of [[a, B], [b, A]] as const) {
      one.tell({ do: "watch", address: other });
      one.tell({ do: "stream", address: other, everyMs: 10 });
    }
    await pause(2_000);
    const stoppedMs = performance.now();
    const from = b.heard.length;
    a.signal("SIGSTOP");
    const down = await b.link("down", "a", { from });
    const suspectedMs = down.atMs - stoppedMs;
    assert.ok(suspectedMs < 5_000, `suspected after ${suspectedMs} ms`);
    await pause(10_000 - suspectedMs);
    a.signal("SIGCONT");

    const again = b.heard.length;
    await b.link("up", "a", { from: again });
    await pause(3_000);
    for (const peer of [a, b]) {
      peer.tell({ do: "quiet" });
      const quiet = await peer.hears("quiet");
      assert.equal(quiet.failed, 0, "a reliable message was given up");
      assert.ok(quiet.reliable > 100);
    }
    for (const [peer, other] of [[a, b], [b, a]] as const) {
      assert.deepEqual(peer.all("ended").map(({ reason }) => reason), ["unreachable"]);
      peer.tell({ do: "seen" });
      const { streams } = await peer.hears("seen");
      assert.equal(streams.length, 2);
      for (const { stream, count, twice } of streams) {
        assert.equal(twice, 0, `${stream}: ${twice} came twice`);
        const isReliable = stream.endsWith("reliable");
        if (isReliable) assert.equal(count, other.all("quiet")[0]!.reliable, "one was lost");
      }
    }
  }));
