/** A few processes that greet each other again and again, connect anew when they must, and keep a file. */

import type { Socket } from "../../../runtime/env/sockets.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import type { FaultCluster } from "../../../runtime/sim/fault_apply.ts";
import type { World } from "../../../runtime/sim/world.ts";

const BOUNDS = { frameBytes: 2 ** 20, lowBytes: 2 ** 16 };
const PORT = 7_000;
const EVERY_MS = 1_000;

export class Chatter implements FaultCluster {
  readonly nodes: readonly string[];
  /** Greetings that arrived, by `from>to`. */
  readonly heard = new Map<string, number>();
  /** Sockets that ended, writes that failed and lives that began. */
  readonly seen = { ends: 0, writeErrors: 0, lives: 0 };
  readonly #envs = new Map<string, SimulatedEnv>();

  constructor(world: World, seed: number, count: number) {
    this.nodes = Array.from({ length: count }, (_, index) => `node-${index}`);
    for (const name of this.nodes) this.#live(name, simulatedEnv({ seed, world, name }));
  }

  env(node: string): SimulatedEnv {
    return this.#envs.get(node)!;
  }

  restart(node: string): void {
    this.#live(node, this.env(node).restart());
  }

  #live(name: string, env: SimulatedEnv): void {
    this.#envs.set(name, env);
    this.seen.lives += 1;
    env.run(() => {
      const listening = env.sockets.listen(
        { hostname: name, port: PORT, bounds: BOUNDS },
        (socket) => this.#listen(name, socket),
      );
      listening.catch(() => env.crash("process"));
      for (const other of this.nodes) if (other !== name) this.#greet(env, name, other);
      void this.#keepFile(env);
    });
  }

  #listen(name: string, socket: Socket): void {
    socket.open({
      frame: (bytes) => {
        const direction = `${new TextDecoder().decode(bytes)}>${name}`;
        this.heard.set(direction, (this.heard.get(direction) ?? 0) + 1);
      },
      drained: () => {},
      closed: () => this.seen.ends += 1,
    });
  }

  #greet(env: SimulatedEnv, from: string, to: string): void {
    const again = () => env.timers.after(EVERY_MS, () => this.#greet(env, from, to));
    const { signal } = new AbortController();
    env.sockets.connect({ url: `ws://${to}:${PORT}`, bounds: BOUNDS, signal }).then((socket) => {
      let isOpen = true;
      socket.open({
        frame: () => {},
        drained: () => {},
        closed: () => {
          isOpen = false;
          this.seen.ends += 1;
          again();
        },
      });
      const greet = () => {
        if (!isOpen) return;
        socket.send(new TextEncoder().encode(from));
        env.timers.after(EVERY_MS, greet);
      };
      greet();
    }, again);
  }

  async #keepFile(env: SimulatedEnv): Promise<void> {
    const wait = () => new Promise<void>((resolve) => env.timers.after(EVERY_MS, resolve));
    const file = await env.disk.open("/log", { write: true, create: true });
    for (;;) {
      try {
        await file.write(Uint8Array.of(1), 0);
        await file.syncData();
      } catch {
        this.seen.writeErrors += 1;
      }
      await wait();
    }
  }
}
