/** The other side of socket_worker_test: a Worker that does as it is told by its first frame. */

import { realEnv } from "../../../runtime/env/real.ts";

const env = realEnv();
const parent = env.workers.parent!;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (said: string) => new TextEncoder().encode(said);

/** Uses what of an Env needs threads and timers of its own. */
async function useEnv(): Promise<string> {
  const lane = env.hash.lane();
  await lane.feed({ bytes: bytes("abc") }, 3);
  const hash = await lane.end();
  await new Promise<void>((resolve) => env.timers.after(1, resolve));
  await new Promise<void>((resolve) => env.timers.soon(resolve));
  return hash;
}

async function obey(order: string): Promise<void> {
  if (order === "throw") throw new Error("as ordered");
  if (order === "exit") Deno.exit(3);
  if (order === "close") return parent.close(4_100, "as ordered");
  if (order === "use env") return parent.send(bytes(await useEnv()));
  parent.send(bytes(`${parent.peer.address} ${parent.peer.own} ${order}`));
}

parent.open({
  frame: (frame) => void obey(text(frame)),
  drained: () => {},
  closed: () => env.close(), // and with no port to hear, the Worker ends
});
