/**
 * A small node as a process: `deno run -A peer_program.ts ARGUMENTS`, a `PeerArguments` as JSON. It takes
 * commands on standard input and says what happens on standard output.
 */

import { actor, type LinkedNode, reliable, startNode } from "../../../mod.ts";
import { phiAccrual } from "../../../runtime/cluster/detector.ts";
import { type Command, Peer, type PeerArguments, type Said } from "./protocol.ts";

function say(said: Said): void {
  console.log(JSON.stringify(said));
}

const peer = actor(Peer, {
  mailbox: { capacity: 4_096, full: "wait" },
  state: () => ({ seen: new Map<string, { numbers: Set<number>; twice: number }>() }),
  on: {
    note: ({ seen }, { stream, n }) => {
      const one = seen.get(stream) ?? { numbers: new Set(), twice: 0 };
      seen.set(stream, one);
      if (one.numbers.has(n)) one.twice += 1;
      one.numbers.add(n);
    },
    load: () => {},
    bulkLoad: () => {},
    echo: (_, body) => body,
    urgent: () => ({}),
    hold: () => new Promise(() => {}),
    seen: ({ seen }) =>
      [...seen].map(([stream, { numbers, twice }]) => ({ stream, count: numbers.size, twice })),
  },
});

/** What a process streams until it is told to be quiet. */
class Streams {
  #told = 0;
  #reliable = 0;
  #failed = 0;
  #isQuiet = false;
  readonly #sent: Promise<void>[] = [];
  readonly #node: LinkedNode;

  constructor(node: LinkedNode) {
    this.#node = node;
  }

  start(address: string, everyMs: number): void {
    const ref = this.#node.ref(Peer, address);
    const out = reliable(this.#node, ref);
    const name = `${this.#node.id}/${Deno.pid}`;
    const again = setInterval(() => {
      if (this.#isQuiet) return clearInterval(again);
      if (ref.tell("note", { stream: `${name} told`, n: this.#told }) === "accepted") {
        this.#told += 1;
      }
      const sent = out.send("note", { stream: `${name} reliable`, n: this.#reliable });
      this.#reliable += 1;
      this.#sent.push(sent.catch(() => void (this.#failed += 1)));
    }, everyMs);
  }

  async quiet(): Promise<void> {
    this.#isQuiet = true;
    await Promise.all(this.#sent);
    say({ say: "quiet", told: this.#told, reliable: this.#reliable, failed: this.#failed });
  }
}

function start({ id, token, hostname, port, peers = [], limits = {} }: PeerArguments): LinkedNode {
  const node = startNode({
    id,
    logLevel: "error",
    links: {
      listen: port === undefined ? [] : [{ hostname: hostname ?? "127.0.0.1", port }],
      token,
      allowPlain: true,
      peers,
      limits,
      detector: phiAccrual(),
    },
  });
  node.links.subscribe(({ kind, peer: { node: name, incarnation }, reason }) =>
    say({ say: "link", kind, peer: name, incarnation, reason })
  );
  node.spawn(peer, { name: "peer", args: undefined });
  return node;
}

/** What has been given to the sockets that stand. */
function sentBytes(node: LinkedNode): number {
  const links = node.links.peers().flatMap(({ links }) => links);
  return links.reduce((sum, { bytesSent }) => sum + bytesSent, 0);
}

async function obey(node: LinkedNode, streams: Streams, command: Command): Promise<void> {
  switch (command.do) {
    case "watch": {
      const { address } = command;
      const { reason } = await node.ended(node.ref(Peer, address));
      return say({ say: "ended", address, reason });
    }
    case "hold": {
      const { address, withinMs } = command;
      const code = await node.ref(Peer, address).ask("hold", {}, { withinMs })
        .then(() => "answered", (error) => error.code);
      return say({ say: "held", code });
    }
    case "stream":
      return streams.start(command.address, command.everyMs);
    case "quiet":
      return await streams.quiet();
    case "load": {
      const bytes = new Uint8Array(command.bytes).fill(7);
      const startedMs = performance.now();
      await reliable(node, node.ref(Peer, command.address)).send(command.lane, { bytes });
      return say({ say: "loaded", ms: performance.now() - startedMs });
    }
    case "ping": {
      const startedMs = performance.now();
      const before = sentBytes(node);
      const ref = node.ref(Peer, command.address);
      const withinMs = 30_000;
      if (command.tag === "urgent") await ref.ask("urgent", {}, { withinMs });
      else await ref.ask("echo", { n: 1 }, { withinMs });
      const overtaken = sentBytes(node) - before;
      return say({ say: "pinged", ms: performance.now() - startedMs, sentBytes: overtaken });
    }
    case "seen": {
      const own = node.ref(Peer, `quorus://${node.id}/peer`);
      return say({ say: "seen", streams: await own.ask("seen", {}) });
    }
    case "stop":
      await node.stop({ withinMs: 0 });
      return Deno.exit(0);
  }
}

const node = start(JSON.parse(Deno.args[0]!));
await node.links.ready;
say({ say: "ready", url: node.links.urls[0] ?? null });
const streams = new Streams(node);
let rest = "";
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + text).split("\n");
  rest = lines.pop()!;
  for (const line of lines) void obey(node, streams, JSON.parse(line));
}
