/** Supervision trees whose actors fail at random, on a node that crashes, stops and slows down. */

import { type Node, startNode } from "../../../runtime/actor/node.ts";
import type { Ref } from "../../../runtime/actor/ref.ts";
import type { TimerHandle } from "../../../runtime/env/env.ts";
import type { SimulatedEnv } from "../../../runtime/sim/env.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { nothingWaits } from "./quiet.ts";
import { SupervisionModel } from "./supervision_model.ts";
import {
  type Deed,
  DEEDS,
  type Leaf,
  plant,
  type Subtree,
  type SupervisedPolicy,
  type Watcher,
  watcher,
} from "./supervision_tree.ts";

const NODE = "node";
const LARGE = { max: 1_000_000, perMs: 60_000, backoffMs: [1, 100] } as const;

/** What a seed decides. */
interface Plan {
  readonly trees: readonly Subtree[];
  readonly failureRate: number;
  readonly gapMs: number;
}

function planned(random: SeededRandom): Plan {
  return {
    trees: Array.from({ length: random.integer(1, 3) }, (_, index) => tree(random, `t${index}`)),
    failureRate: [0.005, 0.05, 0.3][random.integer(0, 2)]!,
    gapMs: [2, 20, 200][random.integer(0, 2)]!,
  };
}

/** A tree of two levels: the upper one restarts one for one, so that the count of failures is exact. */
function tree(random: SeededRandom, name: string): Subtree {
  const startFailureRate = random.chance(0.3) ? 0.3 : 0;
  const below = Array.from({ length: random.integer(0, 2) }, (_, index) => ({
    name: `s${index}`,
    policy: policy(
      random,
      (["oneForOne", "oneForAll", "restForOne"] as const)[random.integer(0, 2)]!,
    ),
    below: [],
    leaves: names("leaf", random.integer(1, 4)),
    startFailureRate,
  }));
  const leaves = names("leaf", random.integer(below.length === 0 ? 1 : 0, 3));
  return { name, policy: policy(random, "oneForOne"), below, leaves, startFailureRate };
}

function policy(
  random: SeededRandom,
  strategy: SupervisedPolicy["strategy"] & string,
): SupervisedPolicy {
  const low = random.integer(1, 50);
  return {
    strategy,
    max: random.integer(0, 5),
    perMs: [50, 1_000, 20_000][random.integer(0, 2)]!,
    backoffMs: [low, low * random.integer(1, 20)],
  };
}

function names(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}${index}`);
}

/** One life of the node, and who gives it work. */
class Life {
  readonly model: SupervisionModel;
  readonly node: Node;
  readonly #env: SimulatedEnv;
  readonly #plan: Plan;
  readonly #leaves = new Map<string, Ref<typeof Leaf>>();
  readonly #watcher: Ref<typeof Watcher>;
  #next: TimerHandle | null = null;

  constructor(sim: Simulation, env: SimulatedEnv, plan: Plan) {
    this.#env = env;
    this.#plan = plan;
    this.model = new SupervisionModel((name, details) => sim.fail(name, details));
    this.node = startNode(env, {
      id: NODE,
      children: LARGE,
      roundTripMessages: sim.seed % 2 === 0,
      onFatal: (error) => sim.fail("the node goes on", String(error)),
    });
    const found = (leaf: Ref<typeof Leaf>) => void this.#leaves.set(leaf.address, leaf);
    // Planted by the node, not by a parent: nothing of it goes through the codec.
    for (const subtree of plan.trees) {
      plant(this.node, { model: this.model, found }, null, subtree);
    }
    this.#watcher = this.node.spawn(watcher, { name: "watcher", args: this.model });
    this.#work();
  }

  /** No more work; what was given goes on. */
  rest(): void {
    this.#next?.cancel();
  }

  #work(): void {
    const { random } = this.#env;
    const leaves = [...this.#leaves.values()];
    const leaf = leaves[Math.floor(random.next() * leaves.length)]!;
    const work = { deed: this.#deed(leaf), ms: Math.floor(random.next() * 100) };
    const kind = random.next();
    if (kind < 0.6) leaf.tell("work", work);
    else if (kind < 0.8) this.#ask(leaf, work);
    else this.#hatch();
    const gapMs = random.next() * 2 * this.#plan.gapMs;
    this.#next = this.#env.timers.after(gapMs, () => this.#work());
  }

  /** Tasks only where one for one restarts: elsewhere a failure that waits for a task joins a group. */
  #deed(leaf: Ref<typeof Leaf>): Deed {
    const { random } = this.#env;
    const isFailing = random.next() < this.#plan.failureRate;
    const hasTasks = leaf.address.split("/").length === 5;
    const deeds = DEEDS.filter((deed) =>
      isFailing === ["throw", "waitAndThrow", "failingTask"].includes(deed) &&
      (hasTasks || !["task", "failingTask"].includes(deed))
    );
    return deeds[Math.floor(random.next() * deeds.length)]!;
  }

  #ask(leaf: Ref<typeof Leaf>, work: { readonly deed: Deed; readonly ms: number }): void {
    const { seen } = this.model;
    seen.asks += 1;
    const settled = () => void (seen.settled += 1);
    leaf.ask("serve", work, { withinMs: 1 + this.#env.random.next() * 200 }).then(settled, settled);
  }

  #hatch(): void {
    const { random } = this.#env;
    this.#watcher.tell("hatch", {
      words: Math.floor(random.next() * 4),
      ms: Math.floor(random.next() * 50),
      throws: random.next() < 0.5,
    });
  }
}

export const supervision = scenario({
  name: "runtime/supervision",
  describe:
    "actors that fail restart within their intensity, never two at once; every watch ends once",
  durationMs: 60_000,
  nodes: [NODE],
  faults: { kinds: ["crash", "stop", "slow", "jump"], intensity: [0, 0.6] },
  sometimes: ["a restart", "a supervisor fails", "a late watch", "a second life"],
  run: async (sim) => {
    const plan = planned(sim.random("plan"));
    const lives: Life[] = [];
    sim.cluster.start(NODE, (env) => void lives.push(new Life(sim, env, plan)));
    await sim.faults();
    const life = lives.at(-1)!;
    life.rest();
    const { seen } = life.model;
    await sim.converge(
      "every watch and ask has settled",
      60_000,
      () =>
        seen.ended === seen.watches && seen.settled === seen.asks ||
        `${seen.ended} of ${seen.watches} watches, ${seen.settled} of ${seen.asks} asks`,
    );
    await sim.complete(life.node.stop());
    sim.check("nobody outlives the node", life.model.living === 0, `${life.model.living} live`);
    sim.sometimes("a restart", lives.some(({ model }) => model.seen.restarts > 0));
    sim.sometimes("a supervisor fails", lives.some(({ model }) => model.seen.doomed > 0));
    sim.sometimes("a late watch", seen.watches > 1);
    sim.sometimes("a second life", lives.length > 1);
    await nothingWaits(sim);
  },
});
