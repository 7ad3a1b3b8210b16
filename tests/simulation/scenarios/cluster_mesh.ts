/** Members of one cluster on simulated machines, whose membership dials; each life joins anew. */

import { type Cluster, joinCluster } from "../../../runtime/cluster/cluster.ts";
import type { ClusterLimits } from "../../../runtime/cluster/limits.ts";
import { type Member, MemberList } from "../../../runtime/cluster/member_source.ts";
import type { RemoteLimits } from "../../../runtime/remote/limits.ts";
import { type LinkedNode, startLinkedNode } from "../../../runtime/remote/linked_node.ts";
import type { SimulatedEnv } from "../../../runtime/sim/env.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { nothingWaits } from "./quiet.ts";
import { pick } from "./remote_mesh.ts";

const PORT = 4_100;
const TOKEN = "a token of the simulation";
const WRONG_TOKEN = "a token of another simulation";
/** Detector, backoff, handshake, grace and `memberDialMs`, several times over. */
const MEET_MS = 180_000;
const REST_MS = 60_000;
/** What a node still does after it has stopped: goodbyes, closing sockets. */
const LINGER_MS = 5_000;

/** Rare states that every scenario of clusters marks. */
export const CLUSTER_STATES = [
  "a member is suspected",
  "a member is unreachable",
  "a member is up again",
  "a second life",
] as const;

/** One life of a node. */
export interface ClusterLife {
  readonly name: string;
  /** Different in each life. */
  readonly life: string;
  readonly env: SimulatedEnv;
  readonly node: LinkedNode;
  readonly cluster: Cluster;
  readonly members: MemberList;
}

/** How a cluster is made. */
export interface ClusterMeshOptions {
  readonly names: readonly string[];
  readonly links: Partial<RemoteLimits>;
  readonly cluster?: Partial<ClusterLimits>;
  /** Starts what a life does. */
  readonly boot: (life: ClusterLife) => void;
}

/** The nodes of a run. */
export class ClusterMesh {
  readonly names: readonly string[];
  /** All lives, oldest first. */
  readonly lives: ClusterLife[] = [];
  /** A node without a URL is one that only dials, as agents do; at most one, or two never meet. */
  readonly dialOnly: string | null;
  /** Nodes whose next lives have a token that nobody takes. */
  readonly misconfigured = new Set<string>();
  readonly #sim: Simulation;
  readonly #options: ClusterMeshOptions;
  readonly #present = new Map<string, ClusterLife>();

  constructor(sim: Simulation, options: ClusterMeshOptions) {
    this.#sim = sim;
    this.#options = options;
    this.names = options.names;
    this.dialOnly = pick(sim.random("cluster mesh"), [null, ...options.names]);
    for (const name of this.names) sim.cluster.start(name, (env) => this.#boot(env, name));
  }

  /** The present life of a node, `null` where none is under way. */
  alive(name: string): ClusterLife | null {
    const life = this.#present.get(name);
    return life?.env.alive === true ? life : null;
  }

  /** All that live now. */
  get living(): readonly ClusterLife[] {
    return this.names.flatMap((name) => this.alive(name) ?? []);
  }

  /** How members are configured. */
  configured(): Member[] {
    return this.names.map((node) =>
      node === this.dialOnly ? { node } : { node, url: `ws://${node}:${PORT}` }
    );
  }

  /** After the faults: everybody is up for everybody, as who it is now. */
  async meet(withinMs = MEET_MS): Promise<void> {
    await this.#sim.converge("all members are up again", withinMs, () => this.apart());
  }

  /** Who does not see whom as it is. */
  apart(): true | string {
    for (const name of this.names) {
      for (const other of this.names) {
        const member = this.alive(name)?.cluster.member(other);
        const incarnation = this.alive(other)?.node.links.incarnation;
        const isKnown = name === other ||
          (incarnation !== undefined && member?.incarnation?.startsWith(`${incarnation}.`));
        if (member?.status !== "up" || !isKnown) {
          return `${name} sees ${other} ${member?.status} as ${member?.incarnation}`;
        }
      }
    }
    return true;
  }

  /** With nothing sent any more: nothing is held, waits or was miscounted in the links. */
  async rest(): Promise<void> {
    await this.#sim.converge("nothing is left in the links", REST_MS, () => this.#left());
  }

  /** Ends every node; nothing may be left to happen. */
  async stop(): Promise<void> {
    await this.#sim.complete(Promise.all(this.living.map(({ node }) => node.stop())));
    await this.#sim.pass(LINGER_MS);
    await nothingWaits(this.#sim);
  }

  #boot(env: SimulatedEnv, name: string): void {
    const life = `${name}#${this.lives.length + 1}`;
    const { links, cluster: limits = {} } = this.#options;
    const node = startLinkedNode(env, {
      id: name,
      roundTripMessages: this.#sim.seed % 2 === 0,
      onFatal: (error) => this.#sim.fail("nodes go on", `${life}: ${error}`),
      links: {
        listen: [{ hostname: name, port: PORT }],
        token: this.misconfigured.has(name) ? WRONG_TOKEN : TOKEN,
        allowPlain: true,
        limits: links,
      },
    });
    const members = new MemberList(this.configured());
    const cluster = joinCluster(node, { members, limits });
    const made = { name, life, env, node, cluster, members };
    this.#present.set(name, made);
    this.lives.push(made);
    this.#mark(made);
    this.#options.boot(made);
  }

  #mark({ cluster }: ClusterLife): void {
    const sim = this.#sim;
    sim.sometimes("a second life", this.lives.length > this.names.length);
    cluster.subscribe(({ kind, member, was }) => {
      if (kind !== "changed") return;
      sim.sometimes("a member is suspected", member.status === "suspect");
      sim.sometimes("a member is unreachable", member.status === "unreachable");
      sim.sometimes("a member is up again", member.status === "up" && was === "unreachable");
    });
  }

  #left(): true | string {
    for (const { name, node } of this.living) {
      for (const view of node.links.peers()) {
        const { queued, asked, answering, unprocessed, unacknowledged, heldBack, held } = view;
        const much = queued + asked + answering + unprocessed + unacknowledged + heldBack;
        if (much > 0 || held.length > 0) {
          const left = { queued, asked, answering, unprocessed, unacknowledged, heldBack, held };
          return `${name} to ${view.node}: ${JSON.stringify(left)}`;
        }
        const { wrongCredit = 0, malformed = 0 } = view.counters ?? {};
        if (wrongCredit + malformed > 0) return `${name}: ${view.node} talks nonsense`;
      }
    }
    return true;
  }
}
