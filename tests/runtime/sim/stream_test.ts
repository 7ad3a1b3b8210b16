import assert from "node:assert/strict";
import type { Socket } from "../../../runtime/env/sockets.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { applyFaults } from "../../../runtime/sim/fault_apply.ts";
import { drawFaults } from "../../../runtime/sim/fault_draw.ts";
import { SeededRandom } from "../../../runtime/sim/random.ts";
import { World } from "../../../runtime/sim/world.ts";
import { SocketRecorder } from "../env/socket_recorder.ts";
import { BOUNDS, NEVER } from "./two_machines.ts";

const DURATION_MS = 120_000;
const NODES = ["a", "b"];

/** One connection from the moment it stands at either end. */
interface Stream {
  readonly id: number;
  sent: number;
  atSender: SocketRecorder | null;
  atReceiver: SocketRecorder | null;
}

/** A number as a frame of any length. */
function numbered(number: number, length: number): Uint8Array {
  const bytes = new Uint8Array(4 + length);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

const numberOf = (bytes: Uint8Array) => new DataView(bytes.buffer).getUint32(0);

/** Two nodes dial each other again and again and send numbered frames; receivers pause at times. */
class Streams {
  readonly all = new Map<number, Stream>();
  readonly envs = new Map<string, SimulatedEnv>();
  readonly #random: SeededRandom;

  constructor(readonly world: World, seed: number) {
    this.#random = new SeededRandom(seed, "streams");
    for (const name of NODES) this.#live(name, simulatedEnv({ seed, world, name }));
  }

  get nodes(): readonly string[] {
    return NODES;
  }

  env(node: string): SimulatedEnv {
    return this.envs.get(node)!;
  }

  restart(node: string): void {
    this.#live(node, this.env(node).restart());
  }

  #live(name: string, env: SimulatedEnv): void {
    this.envs.set(name, env);
    const options = { hostname: name, port: 7_000, bounds: BOUNDS };
    void env.sockets.listen(options, (socket) => this.#receive(env, socket));
    void this.#dial(env, NODES.find((other) => other !== name)!);
  }

  async #dial(env: SimulatedEnv, to: string): Promise<void> {
    const wait = () => new Promise<void>((resolve) => env.timers.after(500, resolve));
    for (;;) {
      try {
        const url = `ws://${to}:7000`;
        const socket = await env.sockets.connect({ url, bounds: BOUNDS, signal: NEVER });
        await this.#send(env, socket);
      } catch {
        await wait();
      }
    }
  }

  async #send(env: SimulatedEnv, socket: Socket): Promise<void> {
    const id = this.all.size;
    const stream: Stream = { id, sent: 0, atSender: null, atReceiver: null };
    this.all.set(id, stream);
    stream.atSender = new SocketRecorder(socket);
    socket.send(numbered(id, 0));
    const most = this.#random.integer(1, 60);
    const send = () => {
      if (stream.atSender!.ends.length > 0) return;
      if (stream.sent === most) return socket.close(4_000, "enough");
      stream.sent += 1;
      socket.send(numbered(stream.sent, this.#random.integer(0, 60_000)));
      env.timers.after(this.#random.next() * 500, send);
    };
    send();
    await stream.atSender.ended();
  }

  #receive(env: SimulatedEnv, socket: Socket): void {
    const recorder = new SocketRecorder(socket);
    recorder.onFrame = (count) => {
      if (count === 1) this.all.get(numberOf(recorder.frames[0]!))!.atReceiver = recorder;
      if (!this.#random.chance(0.1)) return;
      socket.pause();
      env.timers.after(this.#random.next() * 3_000, () => socket.resume());
    };
  }
}

Deno.test("whatever happens, the first part of what was sent arrives in order, and the end once", async () => {
  const seen = { whole: 0, part: 0, halfOpen: 0, abnormal: 0 };
  for (let seed = 0; seed < 60; seed += 1) {
    const world = new World(seed);
    const streams = new Streams(world, seed);
    const random = new SeededRandom(seed, "faults");
    const scope = { nodes: NODES, durationMs: DURATION_MS };
    applyFaults(world, streams, drawFaults(random, seed / 60, scope));
    await world.run(DURATION_MS);
    for (const { id, sent, atSender, atReceiver } of streams.all.values()) {
      const arrived = (atReceiver?.frames ?? []).map(numberOf);
      const expected = [id, ...Array.from({ length: sent }, (_, index) => index + 1)];
      assert.deepEqual(arrived, expected.slice(0, arrived.length), `seed ${seed} stream ${id}`);
      assert.ok((atReceiver?.ends.length ?? 0) <= 1 && atSender!.ends.length <= 1);
      const [end] = atReceiver?.ends ?? [];
      if (end?.code === 4_000) {
        assert.equal(arrived.length, sent + 1, `seed ${seed} stream ${id} is whole`);
        seen.whole += 1;
      } else if (end !== undefined) seen.abnormal += 1;
      else seen.halfOpen += 1;
      if (arrived.length < sent + 1) seen.part += 1;
    }
  }
  for (const [name, count] of Object.entries(seen)) assert.ok(count > 20, `${name}: ${count}`);
});
