/**
 * Links and leaves, over and over, and looks at what is left: open descriptors, memory, timers of the
 * process. `deno run -A --v8-flags=--expose-gc tests/scenario/links/connects.ts [COUNT]`, 10,000 unless
 * given; exits with 1 where something grows.
 */

import { startNode } from "../../../mod.ts";
import { TOKEN } from "./pair.ts";
import { Peer } from "./protocol.ts";

/** What the process holds at one moment. */
export interface Held {
  readonly connects: number;
  readonly descriptors: number;
  readonly heapMiB: number;
  readonly rssMiB: number;
}

const MIB = 2 ** 20;

/** Connects and disconnects `count` times; tells what is held at each twentieth of the way. */
export async function connectOften(count: number): Promise<Held[]> {
  const a = startNode({
    id: "a",
    logLevel: "error",
    links: { listen: [{ hostname: "127.0.0.1", port: 0 }], token: TOKEN },
  });
  const b = startNode({ id: "b", logLevel: "error", links: { token: TOKEN } });
  const held: Held[] = [];
  try {
    await a.links.ready;
    const url = a.links.urls[0]!;
    for (let done = 1; done <= count; done += 1) {
      await b.links.connect({ node: "a", url });
      const ended = b.ended(b.ref(Peer, "quorus://a/nobody"));
      await b.links.disconnect("a");
      await ended;
      if (done % Math.ceil(count / 20) === 0) held.push(await look(done));
    }
  } finally {
    await b.stop();
    await a.stop();
  }
  return held;
}

/** After what is on its way out has gone. */
async function look(connects: number): Promise<Held> {
  for (let round = 0; round < 3; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    (globalThis as { gc?: () => void }).gc?.();
  }
  const { heapUsed, rss } = Deno.memoryUsage();
  return {
    connects,
    descriptors: [...Deno.readDirSync("/proc/self/fd")].length,
    heapMiB: Math.round(heapUsed / MIB * 10) / 10,
    rssMiB: Math.round(rss / MIB),
  };
}

/** Why it leaks, or null; the first quarter of the looks is warming up. */
export function leakOf(held: readonly Held[]): string | null {
  const steady = held.slice(Math.floor(held.length / 4));
  const [first, last] = [steady[0]!, steady.at(-1)!];
  const most = Math.max(...steady.map(({ descriptors }) => descriptors));
  if (most > first.descriptors + 8) return `descriptors: ${first.descriptors}, later ${most}`;
  const heapMiB = last.heapMiB - first.heapMiB;
  if (heapMiB > 8) return `heap: ${heapMiB} MiB more`;
  const rssMiB = last.rssMiB - first.rssMiB;
  return rssMiB > 48 ? `RSS: ${rssMiB} MiB more` : null;
}

if (import.meta.main) {
  const count = Number(Deno.args[0] ?? 10_000);
  const startedMs = performance.now();
  const held = await connectOften(count);
  for (const one of held) console.log(JSON.stringify(one));
  const leak = leakOf(held);
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  console.log(leak ?? `nothing grows over ${count} connects, ${seconds} s`);
  Deno.exit(leak === null ? 0 : 1);
}
