/**
 * The other processes of `bench actors-remote`: told on the command line what to be, they print one
 * line of JSON and live until their standard input ends.
 *
 * `node`: listens. `raw`: the raw socket. `sender`: dials, fills the window of an actor that never
 * takes anything, and prints by how much it has grown, and how much of that is in use.
 */

import { type LinkedNode, startNode } from "../../mod.ts";
import type { Identity } from "../servers/pki.ts";
import { pour, sinkOf, spawnAll, Stopped, TEXT } from "./actors_remote_actors.ts";
import { listenRaw } from "./actors_remote_raw.ts";

/** Proves who a node is, and whom it believes. */
export interface Credentials {
  readonly identity: Identity;
  readonly authority: string;
}

/** What a process is told. */
export type Role =
  | { readonly be: "node" | "raw"; readonly credentials: Credentials | null }
  | {
    readonly be: "sender";
    readonly credentials: Credentials | null;
    readonly url: string;
    readonly lane: "message" | "bulk";
    readonly chunkBytes: number;
    /** First so many small messages to an actor that takes them. */
    readonly warmMessages: number;
  };

/** A join token for nodes without certificates. */
const TOKEN = "a token of the benchmark, long enough";

/** A node of the benchmark; it listens unless it is the near one. */
export function benchNode(
  id: string,
  credentials: Credentials | null,
  listens: boolean,
): LinkedNode {
  const tls = credentials === null ? {} : {
    tls: { ...credentials.identity, caCerts: [credentials.authority] },
  };
  const listen = listens ? { listen: [{ hostname: "127.0.0.1", port: 0, ...tls }] } : {};
  const proof = credentials === null ? { token: TOKEN } : { requireCertificate: true };
  return startNode({ id, links: { ...listen, ...tls, ...proof }, logLevel: "error" });
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What is in use. */
function liveBytes(): number {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

/**
 * A process that has sent nothing yet grows by what V8 needs for its first thousands of messages,
 * whoever takes them: the young generation from 8 to 12 MB, and some 7 MB in which code is compiled.
 */
async function warm(node: LinkedNode, count: number): Promise<void> {
  const sink = sinkOf(node, "far");
  await pour(sink, count);
  await sink.ask("added", {}, { withinMs: 60_000 });
}

async function grow({ credentials, url, lane, chunkBytes, warmMessages }: Role & { be: "sender" }) {
  const node = benchNode("near", credentials, false);
  await node.links.connect({ node: "far", url });
  await warm(node, warmMessages);
  const ref = node.ref(Stopped, "quorus://far/stopped");
  const bytes = new Uint8Array(chunkBytes).fill(7);
  const send = (): Promise<void> => {
    if (lane === "message") return ref.send("add", { n: 1, text: TEXT });
    return ref.send("chunk", { offset: 0, bytes: bytes.slice() });
  };
  const beforeLiveBytes = liveBytes();
  const beforeBytes = Deno.memoryUsage().rss;
  let [most, sent] = [beforeBytes, 0];
  const fill = async (): Promise<never> => {
    for (;; sent += 1) await send();
  };
  fill().catch(() => {}); // the process ends before it can
  for (let round = 0; round < 200; round += 1) {
    await pause(10);
    most = Math.max(most, Deno.memoryUsage().rss);
  }
  const held = node.links.peers()[0]!.held.reduce((sum, one) => sum + one.bytes, 0);
  const inUseBytes = liveBytes() - beforeLiveBytes;
  return { grownBytes: most - beforeBytes, inUseBytes, heldBytes: held, sent };
}

async function main(role: Role): Promise<unknown> {
  switch (role.be) {
    case "raw":
      return { url: await listenRaw(role.credentials?.identity ?? null) };
    case "node": {
      const node = benchNode("far", role.credentials, true);
      spawnAll(node);
      await node.links.ready;
      return { url: node.links.urls[0]! };
    }
    case "sender":
      return await grow(role);
  }
}

if (import.meta.main) {
  console.log(JSON.stringify(await main(JSON.parse(Deno.args[0]!) as Role)));
  for await (const _ of Deno.stdin.readable); // until the parent closes it
  Deno.exit(0);
}
