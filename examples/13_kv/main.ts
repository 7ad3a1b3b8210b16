/**
 * One member of a replicated key-value store. Three terminals:
 *
 * ```sh
 * deno run -A examples/13_kv/main.ts a 8001 a=4201 b=4202 c=4203
 * deno run -A examples/13_kv/main.ts b 8002 a=4201 b=4202 c=4203
 * deno run -A examples/13_kv/main.ts c 8003 a=4201 b=4202 c=4203
 * ```
 *
 * then, at any of them, the leader or not:
 *
 * ```sh
 * curl -X PUT localhost:8001/kv/greeting -d hello
 * curl localhost:8002/kv/greeting
 * curl -X PUT localhost:8003/kv/greeting -d bye -H 'If-Match: "2"'
 * ```
 *
 * Kill one: the others go on. Start it again: it catches up. `--data=FOLDER` says where logs are kept.
 *
 * With `--worker` (all members or none) core and log are in a Worker with links of its own, on ports that
 * are 1,000 higher than the others or `--worker-ports=N` higher: whatever keeps the event loop busy then
 * elects nobody.
 */

import process from "node:process";
import { type HubOptions, joinGroup, startNode } from "@quorus/quorus";
import { door } from "./door.ts";
import { store } from "./store.ts";

const [id, port, ...rest] = Deno.args.filter((argument) => !argument.startsWith("--"));
const flag = (name: string) =>
  Deno.args.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3);
const peers = new Map(rest.map((text) => text.split("=") as [string, string]));
if (id === undefined || port === undefined || !peers.has(id)) {
  console.error(
    "usage: main.ts ID HTTP_PORT ID=LINK_PORT... [--data=FOLDER] [--join] [--host=ADDRESS] [--worker]",
  );
  Deno.exit(2);
}
const hostname = flag("host") ?? "127.0.0.1";
const token = Deno.env.get("KV_TOKEN");
const isJoining = Deno.args.includes("--join");

/** Links with all that are known, or with those of lower ids: one of two dials. */
function links(portOffset: number, nodeId: (member: string) => string): HubOptions {
  const place = (peer: string) => {
    const [port, host = "127.0.0.1"] = peer.split(":").reverse();
    return { hostname: host, port: Number(port) + portOffset };
  };
  return {
    ...(token === undefined ? {} : { token }), // beyond loopback it wants one, and --plain or TLS
    allowPlain: Deno.args.includes("--plain"),
    listen: [{ hostname, port: place(peers.get(id!)!).port }],
    peers: [...peers].filter(([peer]) => isJoining ? peer !== id : peer < id!).map(([peer, at]) => {
      const { hostname, port } = place(at);
      return { node: nodeId(peer), url: `ws://${hostname}:${port}` };
    }),
  };
}

const node = startNode({
  id,
  logLevel: "warn",
  onFatal: () => Deno.exit(1),
  links: links(0, (member) => member),
});
await node.links.ready;
const group = await joinGroup(node, store, {
  name: "kv",
  folder: `${flag("data") ?? "./.quorus/kv"}/${id}`,
  ...(Deno.args.includes("--worker")
    ? {
      engine: {
        module: import.meta.resolve("./raft_worker.ts"),
        links: links(Number(flag("worker-ports") ?? 1_000), (member) => `${member}.raft`),
      },
    }
    : {}),
  // Who joins a group that is there waits until somebody adds it: POST /members/ID.
  onFailed: (error) => {
    console.error(error.message); // its disk cannot be trusted any more: nothing is answered from it
    Deno.exit(1);
  },
  ...(isJoining ? {} : { members: [...peers.keys()] }),
});
group.subscribe((event) => {
  if (event.type === "leader") console.log(`term ${event.term}: ${event.leader ?? "nobody"} leads`);
});
const server = Deno.serve({
  hostname,
  port: Number(port),
  onListen: () => console.log(`${id} listens on http://${hostname}:${port}`),
}, door(group).fetch);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void server.shutdown().then(() => node.stop({ withinMs: 2_000 })));
}
