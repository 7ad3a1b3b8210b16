/**
 * Links without sockets: a tiny {@link Carrier} that joins two nodes of one world directly, each value
 * through the codec, each hop a few virtual milliseconds later, in order. No credit, no packing.
 */

import type {
  AskSettling,
  CallContext,
  Carrier,
  Dock,
  InboundMessage,
  Outcome,
  RemoteTarget,
} from "../../../runtime/actor/bridge.ts";
import { decodeMessage, encodeMessage } from "../../../runtime/actor/codec.ts";
import type { EndReason } from "../../../runtime/actor/definition.ts";
import { actorStopped, unreachableNode } from "../../../runtime/actor/errors.ts";
import { attach, type Node } from "../../../runtime/actor/node.ts";
import { laneOf, type Protocol } from "../../../runtime/actor/protocol.ts";
import type { World } from "../../../runtime/sim/world.ts";
import { virtualNode, type VirtualNodeOptions } from "../../../testing.ts";

const HOP_MS = 5;

/** What one side of a loopback saw. */
export interface Side {
  readonly node: Node;
  readonly dock: Dock;
  /** What became of messages that arrived here. */
  readonly outcomes: { readonly tag: string; readonly outcome: Outcome }[];
  /** Lanes of the messages that left here. */
  readonly lanes: string[];
  /** Asks sent here that were cancelled on the way. */
  cancels: number;
  /** Watches that left here and were neither taken back nor ended. */
  watches: number;
  /** How the node's end was told to its links. */
  readonly ends: string[];
}

class Loopback implements Carrier {
  cut = false;
  readonly #world: World;
  readonly #self: Side;
  readonly #far: () => Side;

  constructor(world: World, self: Side, far: () => Side) {
    this.#world = world;
    this.#self = self;
    this.#far = far;
  }

  target(node: string, path: string, protocol: Protocol): RemoteTarget {
    const message = (tag: string, body: unknown, context: CallContext): InboundMessage => {
      this.#self.lanes.push(laneOf(protocol, tag));
      const { name, version } = protocol;
      const copy = decodeMessage(encodeMessage(body));
      return {
        path,
        protocol: name,
        version,
        tag,
        body: copy,
        node: this.#self.node.id,
        ...context,
      };
    };
    const isReachable = (): boolean => !this.cut && this.#far().node.id === node;
    const tell = (inbound: InboundMessage): void => this.#hop(() => this.#arrive(inbound));
    return {
      tell: (tag, body, context) => {
        if (!isReachable()) return "unreachable";
        tell(message(tag, body, context));
        return "accepted";
      },
      send: (tag, body, context) => {
        if (!isReachable()) return Promise.reject(unreachableNode(path));
        tell(message(tag, body, context));
        return Promise.resolve();
      },
      ask: (tag, body, context, withinMs, settling) =>
        this.#ask(message(tag, body, context), withinMs, settling),
    };
  }

  watch(
    node: string,
    path: string,
    ended: (reason: EndReason, error: unknown) => void,
  ): () => void {
    this.#self.watches += 1;
    let release = (): void => {};
    let open = true;
    const close = (): boolean => {
      if (open) this.#self.watches -= 1;
      return open && !(open = false);
    };
    this.#hop(() => {
      if (!open) return;
      if (this.#far().node.id !== node) {
        if (close()) ended("unreachable", unreachableNode(node));
        return;
      }
      release = this.#far().dock.watch(path, (reason, error) => {
        this.#hop(() => {
          if (close()) ended(reason, error);
        });
      });
    });
    return () => {
      if (close()) this.#hop(() => release());
    };
  }

  #arrive(inbound: InboundMessage): void {
    const { dock, outcomes } = this.#far();
    dock.tell(inbound, {
      processed: (outcome) => outcomes.push({ tag: inbound.tag, outcome }),
    });
  }

  #ask(inbound: InboundMessage, withinMs: number, settling: AskSettling): () => void {
    let cancel: ((reason: Error) => void) | null = null;
    const back: AskSettling = {
      reply: (body) => {
        const text = encodeMessage(body);
        this.#hop(() => settling.reply(decodeMessage(text)));
      },
      fail: (error) => this.#hop(() => settling.fail(error)),
    };
    this.#hop(() => {
      const { dock, outcomes } = this.#far();
      cancel = dock.ask(inbound, withinMs, back, {
        processed: (outcome) => outcomes.push({ tag: inbound.tag, outcome }),
      });
    });
    return () => {
      this.#self.cancels += 1;
      this.#hop(() => cancel?.(actorStopped(inbound.path, inbound.tag, false)));
    };
  }

  #hop(arrive: () => void): void {
    this.#world.schedule(HOP_MS, "hop", arrive);
  }
}

/** Two nodes, `near` and `far`, joined; `cut` makes the far one unreachable from the near one. */
export interface Joined {
  readonly world: World;
  readonly near: Side;
  readonly far: Side;
  cut(): void;
  stop(): Promise<void>;
}

/** Starts two joined nodes in one world. */
export function joined(options: VirtualNodeOptions = {}): Joined {
  const first = virtualNode({ ...options, id: "near" });
  const second = virtualNode({ ...options, id: "far", world: first.world });
  const { world } = first;
  const carriers: Loopback[] = [];
  const sides: Side[] = [];
  for (const [index, { node }] of [first, second].entries()) {
    attach(node, (dock) => {
      const side: Side = { node, dock, outcomes: [], lanes: [], cancels: 0, watches: 0, ends: [] };
      sides.push(side);
      const carrier = new Loopback(world, side, () => sides[1 - index]!);
      carriers.push(carrier);
      return carrier;
    }, (how) => void sides[index]!.ends.push(how));
  }
  const [near, far] = sides as [Side, Side];
  return {
    world,
    near,
    far,
    cut: () => {
      carriers[0]!.cut = true;
    },
    stop: async () => {
      await world.complete(near.node.stop());
      await world.complete(far.node.stop());
    },
  };
}
