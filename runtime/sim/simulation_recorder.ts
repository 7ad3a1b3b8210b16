/** Keeps what passes between the machines of a run, for a diagram. */

import { limitValues } from "../base/limits.ts";
import type { Socket, SocketEvents, Sockets } from "../env/sockets.ts";
import type { SimulatedEnv } from "./env.ts";
import type { PastFact } from "./simulation_history.ts";
import { SIMULATION_LIMITS } from "./simulation_limits.ts";

const LIMITS = limitValues(SIMULATION_LIMITS);

/** A frame on its way; `arrivedMs` is null while it is, or where it was lost. */
export interface RecordedFrame {
  readonly kind: "frame";
  readonly sentMs: number;
  arrivedMs: number | null;
  readonly from: string;
  to: string;
  readonly bytes: Uint8Array;
}

/** Something that happened at a node, or to all of them. */
export interface RecordedMark {
  readonly kind: "mark";
  readonly atMs: number;
  /** Null: it concerns the world. */
  readonly node: string | null;
  readonly text: string;
}

/** What a diagram is drawn from. */
export type Recorded = RecordedFrame | RecordedMark;

/** The last of everything that was seen. */
export class Recorder {
  readonly #recorded: Recorded[] = [];
  readonly #frames = new WeakMap<Uint8Array, RecordedFrame>();

  /** Oldest first, by the time of the beginning. */
  get recorded(): readonly Recorded[] {
    return this.#recorded;
  }

  /** A note of the world; those that tell of a life go to its node. */
  note(atMs: number, label: string): void {
    const life = /^([^ #]+)#(\d+\S*) (.*)$/.exec(label);
    this.#keep({ kind: "mark", atMs, node: life?.[1] ?? null, text: life?.[3] ?? label });
  }

  /** A fact of the history. */
  fact({ atMs, kind, node, ...rest }: PastFact): void {
    const facts = Object.entries(rest).map(([name, value]) => `${name} ${shown(value)}`);
    this.#keep({ kind: "mark", atMs, node: node ?? null, text: [kind, ...facts].join(" ") });
  }

  /** The same Env with frames recorded. */
  tap(env: SimulatedEnv, name: string): SimulatedEnv {
    // With properties of its own, getters among them: who makes an Env of another one copies those.
    const copy = Object.defineProperties({}, Object.getOwnPropertyDescriptors(env));
    return Object.assign(copy, { sockets: this.#sockets(env, name) }) as SimulatedEnv;
  }

  #sockets(env: SimulatedEnv, name: string): Sockets {
    const { sockets, world } = env;
    return {
      listen: (options, accept) =>
        sockets.listen(
          options,
          (socket) => accept(new TappedSocket(this, world, socket, name, "?")),
        ),
      connect: async (options) => {
        const socket = await sockets.connect(options);
        return new TappedSocket(this, world, socket, name, new URL(options.url).hostname);
      },
    };
  }

  /** A frame leaves a node. */
  sent(frame: Omit<RecordedFrame, "kind" | "arrivedMs">): void {
    const entry: RecordedFrame = { kind: "frame", arrivedMs: null, ...frame };
    this.#frames.set(frame.bytes, entry);
    this.#keep(entry);
  }

  /** It arrives; gives who sent it. */
  arrived(bytes: Uint8Array, atMs: number, to: string): string | undefined {
    const frame = this.#frames.get(bytes);
    if (frame === undefined) return undefined;
    frame.arrivedMs = atMs;
    frame.to = to;
    return frame.from;
  }

  #keep(entry: Recorded): void {
    this.#recorded.push(entry);
    if (this.#recorded.length > 2 * LIMITS.recordedEvents) {
      this.#recorded.splice(0, LIMITS.recordedEvents);
    }
  }
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value) ?? String(value);
}

/** A socket that tells a recorder; frames are known again by their bytes, which travel as they are. */
class TappedSocket implements Socket {
  readonly #recorder: Recorder;
  readonly #world: { readonly nowMs: number };
  readonly #socket: Socket;
  readonly #own: string;
  #other: string;

  constructor(
    recorder: Recorder,
    world: { readonly nowMs: number },
    socket: Socket,
    own: string,
    other: string,
  ) {
    this.#recorder = recorder;
    this.#world = world;
    this.#socket = socket;
    this.#own = own;
    this.#other = other;
  }

  get peer(): Socket["peer"] {
    return this.#socket.peer;
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedBytes;
  }

  open(events: SocketEvents): void {
    this.#socket.open({
      frame: (bytes) => {
        this.#other = this.#recorder.arrived(bytes, this.#world.nowMs, this.#own) ?? this.#other;
        events.frame(bytes);
      },
      drained: () => events.drained(),
      closed: (end) => events.closed(end),
    });
  }

  send(frame: Uint8Array): void {
    const sentMs = this.#world.nowMs;
    this.#recorder.sent({ sentMs, from: this.#own, to: this.#other, bytes: frame });
    this.#socket.send(frame);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
