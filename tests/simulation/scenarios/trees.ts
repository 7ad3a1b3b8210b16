/** Trees of groups, four levels deep, whose actors fail, are stopped, and are drained while they work. */

import { z } from "zod";
import { actor, type Context } from "../../../runtime/actor/definition.ts";
import { type Node, startNode } from "../../../runtime/actor/node.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import type { Ref } from "../../../runtime/actor/ref.ts";
import type { ChildrenPolicy } from "../../../runtime/actor/supervision.ts";
import type { TimerHandle } from "../../../runtime/env/env.ts";
import type { SimulatedEnv } from "../../../runtime/sim/env.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import { FAULT_RANGES } from "../../../runtime/sim/faults.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { nothingWaits } from "./quiet.ts";
import { pick } from "./remote_mesh.ts";
import { type Incarnation, TreesModel } from "./trees_model.ts";

const NODE = "node";
const LARGE = { max: 1_000_000, perMs: 60_000, backoffMs: [1, 100] } as const;
const DEPTH = 3;
const DEEDS = [
  "fine",
  "wait",
  "task",
  "askNext",
  "watchNext",
  "timer",
  "throw",
  "failTask",
] as const;
const FAILING = new Set<Deed>(["throw", "failTask"]);
type Deed = typeof DEEDS[number];

const work = z.object({ deed: z.enum(DEEDS), ms: z.number() });
const Leaf = protocol("sim.tree-leaf", {
  version: 1,
  messages: { work: tell(work), serve: ask(work, z.number()), tick: tell(z.object({})) },
});
type LeafRef = Ref<typeof Leaf>;
const Group = protocol("sim.tree-group", { version: 1, messages: {} });

/** A supervisor and what is below it, or a leaf. */
interface Branch {
  readonly name: string;
  readonly policy: ChildrenPolicy | null;
  readonly below: readonly Branch[];
}

/** What everybody in a tree knows. */
interface Grove {
  readonly model: TreesModel;
  readonly leaves: Map<string, LeafRef>;
  readonly random: SeededRandom;
  readonly capacity: number;
  readonly startFailureRate: number;
}

interface Planted {
  readonly grove: Grove;
  readonly branch: Branch;
  readonly below: Incarnation | null;
  readonly order: number;
}

function drawBranch(random: SeededRandom, name: string, depth: number): Branch {
  if (depth === 0 || (depth < DEPTH && random.chance(0.3))) {
    return { name, policy: null, below: [] };
  }
  const low = random.integer(1, 50);
  const policy: ChildrenPolicy = {
    strategy: pick(random, ["oneForOne", "oneForAll", "restForOne"] as const),
    max: random.integer(0, 6),
    perMs: pick(random, [50, 1_000, 20_000]),
    backoffMs: [low, low * random.integer(1, 20)],
  };
  const below = Array.from(
    { length: random.integer(1, 4) },
    (_, index) => drawBranch(random, `n${index}`, depth - 1),
  );
  return { name, policy, below };
}

function plant(parent: Pick<Context, "spawn">, args: Planted): void {
  const { branch: { name, policy }, grove } = args;
  if (policy !== null) parent.spawn({ ...group, children: policy }, { name, args });
  else {
    const sized = actor(Leaf, { ...leafSpec, mailbox: { capacity: grove.capacity } });
    const ref = parent.spawn(sized, { name, args });
    grove.leaves.set(ref.address, ref);
  }
}

function begin(ctx: Context, { grove, branch, below, order }: Planted): Incarnation {
  const { address } = ctx.self;
  if (ctx.incarnation > 1 && grove.random.chance(grove.startFailureRate)) {
    throw new Error("planned: does not start");
  }
  const strategy = branch.policy?.strategy ?? null;
  return grove.model.begins({ address, below, order, strategy });
}

const group = actor(Group, {
  state: (planted: Planted, ctx) => {
    const own = begin(ctx, planted);
    for (const [order, branch] of planted.branch.below.entries()) {
      plant(ctx, { grove: planted.grove, branch, below: own, order });
    }
    return { own, model: planted.grove.model };
  },
  on: {},
  stopping: ({ own, model }, reason) => model.ends(own, reason),
});

interface LeafState {
  readonly own: Incarnation;
  readonly grove: Grove;
}

type Here = Context<typeof Leaf>;

const leafSpec = {
  state: (planted: Planted, ctx: Here): LeafState => ({
    own: begin(ctx, planted),
    grove: planted.grove,
  }),
  on: {
    work: (state: LeafState, body: z.infer<typeof work>, ctx: Here) => act(state, body, ctx),
    serve: async (state: LeafState, body: z.infer<typeof work>, ctx: Here) => {
      await act(state, body, ctx);
      return body.ms;
    },
    tick: () => {},
  },
  stopping: ({ own, grove }: LeafState, reason: "stopped" | "failed") =>
    grove.model.ends(own, reason),
};

function act(
  state: LeafState,
  { deed, ms }: z.infer<typeof work>,
  ctx: Here,
): Promise<void> | void {
  const { leaves, random, model } = state.grove;
  const other = pick(random, [...leaves.values()]);
  switch (deed) {
    case "fine":
      return;
    case "wait":
      return pause(ctx, ms);
    case "throw":
      throw new Error("planned: throws");
    case "timer":
      return ctx.every("tick", 1 + ms, "tick", {});
    case "watchNext":
      return ctx.watch(other as unknown as Ref);
    case "askNext":
      return task(state, ctx, () => asks(model, other, { deed: "wait", ms }, 1 + ms));
    default:
      return task(state, ctx, async () => {
        await pause(ctx, ms);
        if (deed === "failTask") throw new Error("planned: a task fails");
      });
  }
}

/** Its end is counted by itself, whatever became of it. */
function task({ own, grove }: LeafState, ctx: Here, run: () => Promise<void>): void {
  own.tasks += 1;
  const { seen } = grove.model;
  seen.tasks += 1;
  ctx.task(`task ${seen.tasks}`, () => run().finally(() => void (own.tasks -= 1)));
}

async function asks(
  { seen }: TreesModel,
  to: LeafRef,
  body: z.infer<typeof work>,
  withinMs: number,
): Promise<void> {
  seen.asks += 1;
  await to.ask("serve", body, { withinMs }).then(() => {}, () => {});
  seen.settled += 1;
}

function pause({ env }: Here, ms: number): Promise<void> {
  return new Promise((resolve) => env.timers.after(ms, () => resolve()));
}

interface Plan {
  readonly branches: readonly Branch[];
  readonly failureRate: number;
  readonly gapMs: number;
  readonly capacity: number;
  readonly startFailureRate: number;
}

function planned(random: SeededRandom): Plan {
  return {
    branches: Array.from(
      { length: random.integer(1, 3) },
      (_, index) => drawBranch(random, `t${index}`, DEPTH),
    ),
    failureRate: pick(random, [0.005, 0.05, 0.3]),
    gapMs: pick(random, [2, 20, 200]),
    capacity: pick(random, [1, 4, 64]),
    startFailureRate: pick(random, [0, 0, 0.2]),
  };
}

/** One life of the node, and who gives it work. */
class Life {
  readonly node: Node;
  readonly model: TreesModel;
  stops = 0;
  isStopping = false;
  readonly #env: SimulatedEnv;
  readonly #plan: Plan;
  readonly #random: SeededRandom;
  readonly #leaves = new Map<string, LeafRef>();
  #trees = 0;
  #next: TimerHandle | null = null;

  constructor(sim: Simulation, env: SimulatedEnv, plan: Plan, number: number) {
    this.#env = env;
    this.#plan = plan;
    this.#random = sim.random(`life ${number}`);
    this.model = new TreesModel((name, details) => sim.fail(name, details));
    this.node = startNode(env, {
      id: NODE,
      children: LARGE,
      roundTripMessages: sim.seed % 2 === 0,
      onFatal: (error) => sim.fail("the node goes on", String(error)),
    });
    for (const branch of plan.branches) this.#plant(branch);
    this.#work();
  }

  /** Stops the node in the midst of its work, which goes on coming. */
  async stop(withinMs: number): Promise<void> {
    this.isStopping = true;
    // A time of few turns may be over before the first child has ended.
    this.model.isDraining = withinMs > 5 * FAULT_RANGES.slowTurnMs.high;
    // When that time is over everything halts at once, in any order; timers are not that exact.
    const cut = this.#env.timers.after(withinMs / 2, () => void (this.model.isDraining = false));
    await this.node.stop({ withinMs });
    cut.cancel();
    this.#next?.cancel();
  }

  #plant(branch: Branch): void {
    this.#trees += 1;
    const { capacity, startFailureRate } = this.#plan;
    const grove = {
      model: this.model,
      leaves: this.#leaves,
      random: this.#random,
      capacity,
      startFailureRate,
    };
    const named = { ...branch, name: `${branch.name}-${this.#trees}` };
    plant(this.node, { grove, branch: named, below: null, order: this.#trees });
  }

  #work(): void {
    const random = this.#random;
    const leaf = pick(random, [...this.#leaves.values()]);
    const isFailing = random.chance(this.#plan.failureRate);
    const deed = pick(random, DEEDS.filter((one) => FAILING.has(one) === isFailing));
    const body = { deed, ms: random.integer(0, 100) };
    if (random.chance(0.7)) leaf.tell("work", body);
    else void asks(this.model, leaf, body, random.integer(1, 200));
    if (!this.isStopping && random.chance(0.01)) this.#stopOne(leaf);
    const gapMs = random.next() * 2 * this.#plan.gapMs;
    this.#next = this.#env.timers.after(gapMs, () => this.#work());
  }

  /** One leaf, or its whole tree, ends in the midst of it all; then a new tree is planted. */
  #stopOne(leaf: LeafRef): void {
    this.stops += 1;
    const parts = leaf.address.split("/");
    const isLeaf = this.#random.chance(0.5);
    const address = isLeaf ? leaf.address : parts.slice(0, 4).join("/");
    const ref = this.node.ref(Group, address) as unknown as Ref;
    if (!isLeaf) {
      for (const one of [...this.#leaves.keys()]) {
        if (one === address || one.startsWith(`${address}/`)) this.#leaves.delete(one);
      }
      this.#plant(pick(this.#random, this.#plan.branches));
    }
    this.model.stops(address);
    this.node.stopActor(ref).catch(() => {});
  }
}

export const trees = scenario({
  name: "runtime/trees",
  describe:
    "groups end before they restart, children before their parents, and a stop leaves nothing",
  durationMs: 30_000,
  nodes: [NODE],
  faults: { kinds: ["crash", "stop", "slow", "jump"], intensity: [0, 0.6] },
  sometimes: [
    "a group restarts",
    "a supervisor fails",
    "a tree is stopped",
    "a second life",
    "a stop in the midst of tasks",
  ],
  run: async (sim) => {
    const random = sim.random("plan");
    const plan = planned(random);
    const lives: Life[] = [];
    sim.cluster.start(NODE, (env) => {
      lives.push(new Life(sim, env, plan, lives.length));
    });
    await sim.faults();
    const life = lives.at(-1)!;
    const { model, node } = life;
    sim.sometimes(
      "a stop in the midst of tasks",
      model.left.some((one) => !one.endsWith(" 0 tasks")),
    );
    await sim.complete(life.stop(pick(random, [1, 100, 10_000])));
    sim.check("nobody outlives the node", model.left.length === 0, model.left.join("; "));
    const { seen } = model;
    await sim.converge(
      "every ask settles",
      1_000,
      () => seen.settled === seen.asks || `${seen.settled} of ${seen.asks}`,
    );
    const { actors, mailboxDepth, waitingSenders } = node.metrics();
    const left = { actors, mailboxDepth, waitingSenders };
    sim.check("a stopped node holds nothing", actors + mailboxDepth + waitingSenders === 0, left);
    sim.sometimes("a group restarts", lives.some((one) => one.model.seen.groups > 0));
    sim.sometimes("a supervisor fails", lives.some((one) => one.model.seen.escalations > 0));
    sim.sometimes("a tree is stopped", lives.some(({ stops }) => stops > 0));
    sim.sometimes("a second life", lives.length > 1);
    await nothingWaits(sim);
  },
});
