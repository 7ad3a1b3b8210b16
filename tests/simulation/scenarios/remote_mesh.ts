/** Linked nodes on simulated machines, each dialling others, with windows as small as a seed wants. */

import type { ActorLimits } from "../../../runtime/actor/limits.ts";
import type { RemoteLimits } from "../../../runtime/remote/limits.ts";
import { type LinkedNode, startLinkedNode } from "../../../runtime/remote/linked_node.ts";
import type { PeerEvent, PeerView } from "../../../runtime/remote/peer.ts";
import type { SimulatedEnv } from "../../../runtime/sim/env.ts";
import { FAULT_KINDS, type FaultKind } from "../../../runtime/sim/faults.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { nothingWaits } from "./quiet.ts";

const PORT = 4_100;
const TOKEN = "a token of the simulation";
/** Detector, backoff, handshake and grace, several times over. */
const MEET_MS = 120_000;

/** Everything but disks, which links do not have. */
export const LINK_FAULTS: readonly FaultKind[] = FAULT_KINDS.filter((kind) => kind !== "disk");

/** Rare states that every scenario of links marks. */
export const LINK_STATES = [
  "a reconnect",
  "a reconnect with pending system messages",
  "a duplicate dial",
  "a quarantine",
  "a second life",
] as const;

/** One life of a node. */
export interface Member {
  readonly name: string;
  /** Different in each life. */
  readonly life: string;
  readonly env: SimulatedEnv;
  readonly node: LinkedNode;
  /** What has happened to its peers, newest last. */
  readonly events: readonly PeerEvent[];
}

/** How a mesh is made. */
export interface MeshOptions {
  readonly names: readonly string[];
  readonly limits: Partial<RemoteLimits>;
  readonly actorLimits?: Partial<ActorLimits>;
  /** Starts the actors of a life. */
  readonly boot: (member: Member) => void;
}

/** The nodes of a run. */
export class Mesh {
  readonly names: readonly string[];
  readonly #sim: Simulation;
  readonly #options: MeshOptions;
  readonly #members = new Map<string, Member>();
  readonly #dialling: "both" | "up" | "down";
  #lives = 0;

  constructor(sim: Simulation, options: MeshOptions) {
    this.#sim = sim;
    this.#options = options;
    this.names = options.names;
    this.#dialling = pick(sim.random("mesh"), ["both", "up", "down"]);
    sim.invariant("peers make sense to each other", () => this.#nonsense(), "points");
    for (const name of this.names) sim.cluster.start(name, (env) => this.#boot(env, name));
  }

  /** The present or last life of each node that has begun. */
  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** The present life of a node, `null` where none is under way. */
  alive(name: string): Member | null {
    const member = this.#members.get(name);
    return member?.env.alive === true ? member : null;
  }

  /** Whether that life goes on. */
  lives(life: string): boolean {
    return this.members.some((member) => member.life === life && member.env.alive);
  }

  /** After the faults: everybody meets everybody again. */
  async meet(): Promise<void> {
    await this.#sim.converge("all nodes are linked again", MEET_MS, () => {
      const away = this.#pairs().filter(([, view]) => view?.state !== "up");
      return away.length === 0 || `${away.map(([pair, view]) => `${pair} ${view?.state}`)}`;
    });
  }

  /** With nothing sent any more: nothing is held, waits or was miscounted. */
  async rest(withinMs = 60_000): Promise<void> {
    await this.#sim.converge("nothing is left in the links", withinMs, () => this.#left());
  }

  /** Ends every node; nothing may be left to happen. */
  async stop(): Promise<void> {
    await this.#sim.complete(Promise.all(this.members.map(({ node }) => node.stop())));
    await this.#sim.pass(5_000);
    await nothingWaits(this.#sim);
  }

  #boot(env: SimulatedEnv, name: string): void {
    this.#lives += 1;
    const life = `${name}#${this.#lives}`;
    const events: PeerEvent[] = [];
    const { limits, actorLimits = {} } = this.#options;
    const node = startLinkedNode(env, {
      id: name,
      limits: actorLimits,
      links: {
        listen: [{ hostname: name, port: PORT }],
        token: TOKEN,
        allowPlain: true,
        peers: this.#dialled(name).map((peer) => ({ node: peer, url: `ws://${peer}:${PORT}` })),
        limits,
      },
    });
    const member = { name, life, env, node, events };
    node.links.subscribe((event) => {
      events.push(event);
      this.#mark(event);
    });
    this.#members.set(name, member);
    this.#sim.sometimes("a second life", this.#lives > this.names.length);
    this.#options.boot(member);
  }

  #dialled(name: string): readonly string[] {
    return this.names.filter((other) => {
      if (other === name) return false;
      return this.#dialling === "both" || (this.#dialling === "up") === (other > name);
    });
  }

  #mark({ kind, peer, reason }: PeerEvent): void {
    const { sometimes } = this.#sim;
    const mark = sometimes.bind(this.#sim);
    const isAgain = kind === "up" && (peer.counters?.reconnects ?? 0) > 0;
    mark("a reconnect", isAgain);
    // Without watches there are none, and a scenario need not declare it.
    const isPending = isAgain && peer.unacknowledged > 0;
    if (isPending) mark("a reconnect with pending system messages");
    mark("a duplicate dial", kind === "refused" && reason.includes("another connection"));
    mark("a quarantine", kind === "quarantined");
    const isLost = kind === "unreachable" && reason === "systemLost";
    this.#sim.check("no system message is lost", !isLost, peer.node);
  }

  #pairs(): [pair: string, view: PeerView | undefined][] {
    return this.names.flatMap((name) =>
      this.names.filter((other) => other !== name).map((other): [string, PeerView | undefined] => [
        `${name}>${other}`,
        this.alive(name)?.node.links.peers().find(({ node }) => node === other),
      ])
    );
  }

  #left(): true | string {
    const pairs = new Map(this.#pairs());
    for (const [pair, view] of pairs) {
      if (view === undefined) return `${pair}: no peer`;
      const theirs = pairs.get(pair.split(">").reverse().join(">"))?.watches.theirs;
      if (theirs !== view.watches.ours) return `${pair}: ${theirs} of ${view.watches.ours} watches`;
      const { queued, asked, answering, unprocessed, unacknowledged, heldBack, held } = view;
      const left = { queued, asked, answering, unprocessed, unacknowledged, heldBack, held };
      for (const [what, much] of Object.entries(left)) {
        const isNone = Array.isArray(much) ? much.length === 0 : much === 0;
        if (!isNone) return `${pair}: ${what} ${JSON.stringify(much)}`;
      }
    }
    return true;
  }

  /** What honest peers never say to each other. */
  #nonsense(): string | null {
    for (const [pair, view] of this.#pairs()) {
      const { wrongCredit = 0, malformed = 0 } = view?.counters ?? {};
      if (wrongCredit > 0) return `${pair}: credit that was not there`;
      if ((view?.beyondWindow ?? 0) > 0) return `${pair}: more than was granted`;
      if (malformed > 0) return `${pair}: malformed records`;
    }
    return null;
  }
}

/** One of them. */
export function pick<T>(random: SeededRandom, items: readonly T[]): T {
  return items[random.integer(0, items.length - 1)]!;
}

/** Frames of some size, windows down to one message: what a seed makes of the limits of links. */
export function smallLimits(sim: Simulation): Partial<RemoteLimits> {
  const random = sim.random("link limits");
  const frameBytes = pick(random, [4_096, 16_384, 131_072]);
  const messages = (): number => pick(random, [1, 2, 16, 1_024]);
  const bytes = (): number => pick(random, [100, 2_000, 50_000, 1_000_000]);
  const usual = random.chance(0.3);
  return {
    frameBytes,
    bulkFrameBytes: frameBytes * pick(random, [1, 8]),
    handshakeBytes: 4_096,
    packBytes: Math.min(frameBytes, pick(random, [64, 1_024, 32_768])),
    highBytes: pick(random, [8_192, 524_288]),
    lowBytes: pick(random, [1_024, 4_096]),
    ...(usual ? {} : {
      consensusWindowMessages: messages(),
      consensusWindowBytes: bytes(),
      messageWindowMessages: messages(),
      messageWindowBytes: bytes(),
      bulkWindowMessages: messages(),
      bulkWindowBytes: bytes(),
      targetWindowMessages: messages(),
      targetWindowBytes: bytes(),
      creditParts: pick(random, [1, 4]),
      creditDelayMs: pick(random, [1, 2, 500]),
    }),
    graceMs: pick(random, [2_500, 5_000, 20_000]),
  };
}
