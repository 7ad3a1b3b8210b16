/**
 * A planted bug: a server that says "kept" before what it keeps is durable. The runner must find it, and
 * shrink it to the one power loss that shows it.
 */

import type { Socket } from "../../../runtime/env/sockets.ts";
import type { SimulatedEnv } from "../../../runtime/sim/env.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";

const BOUNDS = { frameBytes: 2 ** 16, lowBytes: 2 ** 10 };
const PORT = 7_000;
const EVERY_MS = 200;
const FILE = "/kept";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** What the client was told to be kept. */
interface Told {
  kept: number;
}

/** Keeps the highest number; with the bug it never waits for the disk. */
async function serve(env: SimulatedEnv, sim: Simulation, told: Told): Promise<void> {
  const file = await env.disk.open(FILE, { read: true, write: true, create: true });
  await env.disk.syncDirectory("/");
  const bytes = new Uint8Array(8);
  await file.read(bytes, 0);
  const found = Number(new DataView(bytes.buffer).getBigUint64(0));
  sim.history.add({ kind: "opened", node: "server", found });
  sim.check("what was kept is there", found >= told.kept, `${found} found, ${told.kept} kept`);
  const keep = async (number: number) => {
    new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
    await file.write(bytes, 0);
    // The bug: `await file.syncData()` is missing.
  };
  await env.sockets.listen({ hostname: "server", port: PORT, bounds: BOUNDS }, (socket) => {
    socket.open({
      frame: (request) => {
        const number = Number(decode(request).slice("keep ".length));
        void keep(number).then(() => socket.send(encode(`kept ${number}`)));
      },
      drained: () => {},
      closed: () => {},
    });
  });
}

/** Sends a number every now and then, each once. */
function work(env: SimulatedEnv, told: Told, sent: { last: number }): void {
  const again = () => env.timers.after(EVERY_MS, () => work(env, told, sent));
  const { signal } = new AbortController();
  env.sockets.connect({ url: `ws://server:${PORT}`, bounds: BOUNDS, signal }).then((socket) => {
    talk(env, socket, told, sent, again);
  }, again);
}

function talk(
  env: SimulatedEnv,
  socket: Socket,
  told: Told,
  sent: { last: number },
  again: () => void,
): void {
  let isOpen = true;
  socket.open({
    frame: (reply) => told.kept = Math.max(told.kept, Number(decode(reply).slice("kept ".length))),
    drained: () => {},
    closed: () => {
      isOpen = false;
      again();
    },
  });
  const next = () => {
    if (!isOpen) return;
    socket.send(encode(`keep ${sent.last += 1}`));
    env.timers.after(EVERY_MS, next);
  };
  next();
}

export const canary = scenario({
  name: "canary",
  describe: "a server that forgets what it said to keep is found out (a planted bug)",
  durationMs: 60_000,
  nodes: ["client", "server"],
  faults: { kinds: ["crash", "cut", "delay", "reset", "stop"], intensity: [0.2, 0.7] },
  canary: "what was kept is there",
  run: async (sim) => {
    const told = { kept: 0 };
    const sent = { last: 0 };
    sim.cluster.start("server", (env) => serve(env, sim, told));
    sim.cluster.start("client", (env) => work(env, told, sent));
    await sim.faults();
    const before = told.kept;
    await sim.converge("numbers are kept again", 300_000, () => told.kept > before);
  },
});
