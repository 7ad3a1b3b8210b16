/** A message of 100 MB between two processes: who else talks over the same link does not wait for it. */

import assert from "node:assert/strict";
import { A, pair } from "./pair.ts";
import { type PeerProcess, withPeers } from "./peer_process.ts";

const BYTES = 100_000_000;
/**
 * A ping is answered before so much more of the message has left: two bursts of 16 MiB, after which each end
 * looks at its other sockets, and what the system's buffers hold. It is no time, for that is also the machine's.
 */
const OVERTAKES_BYTES = BYTES / 2;
const MIB = 2 ** 20;
const LIMITS = {
  messageBytes: 128 * MIB,
  messageWindowBytes: 160 * MIB,
  targetWindowBytes: 160 * MIB,
  bulkWindowBytes: 160 * MIB,
  inboundBytes: 1024 * MIB,
  reliableBytes: 160 * MIB,
};

interface Ping {
  readonly ms: number;
  readonly sentBytes: number;
}

/** Pings one after the other until the load is through; how long each took. */
async function pingsDuring(
  b: PeerProcess,
  lane: "load" | "bulkLoad",
  tag: "echo" | "urgent",
): Promise<{ readonly loadMs: number; readonly pings: readonly Ping[] }> {
  const from = b.heard.length;
  b.tell({ do: "load", address: A, lane, bytes: BYTES });
  let isThrough = false;
  const loaded = b.hears("loaded", () => true, { from }).then(({ ms }) => (isThrough = true, ms));
  const pings: Ping[] = [];
  while (!isThrough) {
    const next = b.heard.length;
    b.tell({ do: "ping", address: A, tag });
    pings.push(await b.hears("pinged", () => true, { from: next }));
  }
  return { loadMs: await loaded, pings };
}

const CASES = [
  ["a message of 100 MB does not delay a ping on the same socket", "load", "urgent"],
  ["a message of 100 MB in bulk does not delay a ping on the main link", "bulkLoad", "echo"],
] as const;

for (const [name, lane, tag] of CASES) {
  Deno.test(name, () =>
    withPeers(async (start) => {
      const { b } = await pair(start, LIMITS);
      await pingsDuring(b, lane, tag); // the code is warm, and so is the bulk link
      const { loadMs, pings } = await pingsDuring(b, lane, tag);
      const pingsMs = pings.map(({ ms }) => ms).toSorted((x, y) => x - y);
      const mostBytes = Math.max(...pings.map(({ sentBytes }) => sentBytes));
      console.log(
        `100 MB in ${Math.round(loadMs)} ms; ${pings.length} pings, median ` +
          `${pingsMs[pings.length >> 1]!.toFixed(2)} ms, worst ${Math.round(pingsMs.at(-1)!)} ms ` +
          `and ${(mostBytes / 1e6).toFixed(1)} MB`,
      );
      assert.ok(mostBytes < OVERTAKES_BYTES, `${mostBytes} bytes left before a ping was answered`);
      const links = b.all("link").map(({ kind }) => kind);
      assert.deepEqual(links.filter((kind) => kind === "down"), [], "the link was given up");
    }));
}
