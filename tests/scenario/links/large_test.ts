/** A message of 100 MB between two processes: who else talks over the same link does not wait for it. */

import assert from "node:assert/strict";
import { A, pair } from "./pair.ts";
import { type PeerProcess, withPeers } from "./peer_process.ts";

const BYTES = 100_000_000;
/** One frame that waits, and both ends copying 100 MB in one go. */
const LATE_MS = 500;
const MIB = 2 ** 20;
const LIMITS = {
  messageBytes: 128 * MIB,
  messageWindowBytes: 160 * MIB,
  targetWindowBytes: 160 * MIB,
  bulkWindowBytes: 160 * MIB,
  inboundBytes: 1024 * MIB,
  reliableBytes: 160 * MIB,
};

/** Pings one after the other until the load is through; how long each took. */
async function pingsDuring(
  b: PeerProcess,
  lane: "load" | "bulkLoad",
  tag: "echo" | "urgent",
): Promise<{ readonly loadMs: number; readonly pingsMs: readonly number[] }> {
  const from = b.heard.length;
  b.tell({ do: "load", address: A, lane, bytes: BYTES });
  let isThrough = false;
  const loaded = b.hears("loaded", () => true, { from }).then(({ ms }) => (isThrough = true, ms));
  const pingsMs: number[] = [];
  while (!isThrough) {
    const next = b.heard.length;
    b.tell({ do: "ping", address: A, tag });
    pingsMs.push((await b.hears("pinged", () => true, { from: next })).ms);
  }
  return { loadMs: await loaded, pingsMs };
}

const CASES = [
  ["a message of 100 MB does not delay a ping on the same socket", "load", "urgent", LATE_MS],
  ["a message of 100 MB in bulk leaves the main link alive", "bulkLoad", "echo", LATE_MS],
] as const;

for (const [name, lane, tag, lateMs] of CASES) {
  Deno.test(name, () =>
    withPeers(async (start) => {
      const { b } = await pair(start, LIMITS);
      await pingsDuring(b, lane, tag); // the code is warm, and so is the bulk link
      const { loadMs, pingsMs } = await pingsDuring(b, lane, tag);
      const worstMs = Math.max(...pingsMs);
      console.log(
        `100 MB in ${Math.round(loadMs)} ms; ${pingsMs.length} pings, median ` +
          `${pingsMs.toSorted((x, y) => x - y)[pingsMs.length >> 1]!.toFixed(2)} ms, ` +
          `worst ${Math.round(worstMs)} ms`,
      );
      assert.ok(worstMs < lateMs, `a ping took ${worstMs} ms`);
      const links = b.all("link").map(({ kind }) => kind);
      assert.deepEqual(links.filter((kind) => kind === "down"), [], "the link was given up");
    }));
}
