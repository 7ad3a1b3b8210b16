/** Watches between nodes: one end each, after the last message, and none forgotten. */

import { z } from "zod";
import { actor, type Context } from "../../../runtime/actor/definition.ts";
import { protocol, tell } from "../../../runtime/actor/protocol.ts";
import type { Ref } from "../../../runtime/actor/ref.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { LINK_FAULTS, LINK_STATES, type Member, Mesh, pick, smallLimits } from "./remote_mesh.ts";

const NODES = ["a", "b", "c"];
/** Longer than any run. */
const REST_MS = 3_600_000;
/** Links that are broken before what went over them is confirmed. */
const BREAKS = 3;
const LANES = ["note", "vote", "chunk"] as const;
type Lane = typeof LANES[number];

const words = z.object({ mortal: z.string(), number: z.number(), bytes: z.instanceof(Uint8Array) });

const Watcher = protocol("sim.watcher", {
  version: 1,
  messages: {
    tick: tell(z.object({})),
    note: tell(words),
    vote: tell(words, { lane: "consensus" }),
    chunk: tell(words, { lane: "bulk" }),
  },
});
type WatcherRef = Ref<typeof Watcher>;

const Mortal = protocol("sim.mortal", {
  version: 1,
  messages: { tick: tell(z.object({})) },
});

/** An actor that says something and ends; its name is never used again. */
interface Death {
  readonly address: string;
  readonly life: string;
  /** What became of it; `null` while it lives. */
  ended: "stopped" | "failed" | null;
  /** Messages that were accepted, by the watcher that should hear them. */
  readonly said: Map<string, number>;
}

/** One watch of one watcher. */
interface Watched {
  readonly death: Death;
  readonly life: string;
  /** Where the last words go. */
  readonly watcher: string;
  heard: number;
  told: string | null;
  isUnwatched: boolean;
  /** The watcher itself was gone first. */
  isOver: boolean;
}

/** Everything that lives and is watched in a run. */
class Registry {
  readonly deaths: Death[] = [];
  readonly watches: Watched[] = [];
  isResting = false;
  isOver = false;
  #names = 0;

  constructor(readonly sim: Simulation, readonly random: SeededRandom) {}

  name(): string {
    this.#names += 1;
    return `mortal-${this.#names}`;
  }
}

interface MortalArgs {
  readonly registry: Registry;
  readonly death: Death;
  readonly watchers: readonly WatcherRef[];
}

function say({ registry, death, watchers }: MortalArgs): void {
  const { random } = registry;
  for (let count = random.integer(0, 3); count > 0; count -= 1) {
    const ref = pick(random, watchers);
    const number = (death.said.get(ref.address) ?? 0) + 1;
    const size = random.chance(0.2) ? random.integer(5_000, 60_000) : random.integer(0, 50);
    const bytes = new Uint8Array(size);
    const delivery = ref.tell(pick(random, LANES), { mortal: death.address, number, bytes });
    if (delivery === "accepted") death.said.set(ref.address, number);
  }
}

const mortal = actor(Mortal, {
  state: (args: MortalArgs, context) => {
    context.every("tick", args.registry.random.integer(20, 400), "tick", {});
    return args;
  },
  on: {
    tick: (args, _, context) => {
      const { registry, death } = args;
      say(args);
      if (!registry.random.chance(0.15)) return;
      say(args);
      death.ended = registry.random.chance(0.3) ? "failed" : "stopped";
      if (death.ended === "failed") throw new Error("it was to fail");
      context.stop();
    },
  },
});

interface WatcherArgs {
  readonly registry: Registry;
  readonly member: Member;
  readonly address: string;
}

interface WatcherState extends WatcherArgs {
  readonly open: Map<string, Watched>;
}

function hear(_lane: Lane) {
  return ({ registry, open }: WatcherState, { mortal }: z.infer<typeof words>): void => {
    const watched = open.get(mortal);
    if (watched === undefined) return;
    const isLate = watched.told === "stopped" || watched.told === "failed";
    registry.sim.check("an end comes after the last message", !isLate, mortal);
    watched.heard += 1;
  };
}

function watchAndUnwatch(state: WatcherState, context: Context<typeof Watcher>): void {
  const { registry, member, open, address } = state;
  const { random } = registry;
  const far = registry.deaths.filter((death) =>
    !death.address.startsWith(`quorus://${member.name}/`) && !open.has(death.address)
  ).slice(-12);
  if (far.length > 0) {
    const death = pick(random, far);
    const watched: Watched = {
      death,
      life: member.life,
      watcher: address,
      heard: 0,
      told: null,
      isUnwatched: false,
      isOver: false,
    };
    open.set(death.address, watched);
    registry.watches.push(watched);
    context.watch(context.ref(Mortal, death.address));
  }
  const standing = [...open.values()].filter(({ told, isUnwatched }) => !isUnwatched && !told);
  if (standing.length === 0 || !random.chance(0.1)) return;
  const watched = pick(random, standing);
  watched.isUnwatched = true;
  context.unwatch(context.ref(Mortal, watched.death.address));
}

const watcher = actor(Watcher, {
  mailbox: { capacity: 20, full: "wait" },
  state: (args: WatcherArgs, context: Context<typeof Watcher>): WatcherState => {
    context.every("tick", 100, "tick", {});
    return { ...args, open: new Map() };
  },
  on: {
    tick: (state, _, context) => {
      const { registry, member } = state;
      const isHeld = member.node.links.peers().some(({ heldBack }) => heldBack > 0);
      registry.sim.sometimes("an end held back", isHeld);
      if (!registry.isResting) watchAndUnwatch(state, context);
    },
    note: hear("note"),
    vote: hear("vote"),
    chunk: hear("chunk"),
  },
  ended: ({ registry, open }, { ref, reason }) => {
    const { sim } = registry;
    const watched = open.get(ref.address)!;
    sim.check("an end is told once", watched.told === null, `${ref.address} ${reason}`);
    sim.check("what is not watched does not end", !watched.isUnwatched, ref.address);
    const isTrue = reason === "unreachable" || reason === watched.death.ended;
    sim.check("an end says how it was", isTrue, `${ref.address} ${reason}`);
    watched.told = reason;
    sim.sometimes("an end by a failure", reason === "failed");
    const said = watched.death.said.get(watched.watcher) ?? 0;
    const isSaid = reason !== "unreachable" && said > 0;
    sim.sometimes("an end after last words", isSaid && watched.heard > 0);
  },
});

function startMortal(registry: Registry, member: Member): void {
  const name = registry.name();
  const address = `quorus://${member.name}/${name}`;
  const death: Death = { address, life: member.life, ended: null, said: new Map() };
  registry.deaths.push(death);
  const watchers = NODES.filter((other) => other !== member.name).map((other) =>
    member.node.ref(Watcher, `quorus://${other}/watcher`)
  );
  const args = { registry, death, watchers };
  member.node.spawn(mortal, { name, args, restart: "temporary" });
}

/** An actor that ends and rises again under its name: who watches twice by mistake watches the next one. */
const phoenix = actor(Mortal, {
  state: (ms: number, context: Context<typeof Mortal>) => {
    context.after("end", ms, "tick", {});
    return null;
  },
  on: { tick: (_, __, context) => context.stop() },
});

function rise(registry: Registry, member: Member): void {
  const { node } = member;
  if (registry.isOver) return;
  const args = registry.isResting ? REST_MS : registry.random.integer(50, 600);
  const ref = node.spawn(phoenix, { name: "phoenix", args, restart: "temporary" });
  void node.ended(ref).then(() => rise(registry, member));
}

/** Watches whoever has that name, again and again. */
function follow(registry: Registry, member: Member, name: string): void {
  if (registry.isResting) return;
  const ref = member.node.ref(Mortal, `quorus://${name}/phoenix`);
  void member.node.ended(ref).then(() =>
    member.env.timers.after(20, () => follow(registry, member, name))
  );
}

function bootMember(registry: Registry, member: Member): void {
  const address = `quorus://${member.name}/watcher`;
  member.node.spawn(watcher, { name: "watcher", args: { registry, member, address } });
  rise(registry, member);
  for (const name of NODES) if (name !== member.name) follow(registry, member, name);
  const again = (): void => {
    if (registry.isResting) return;
    startMortal(registry, member);
    member.env.timers.after(registry.random.integer(50, 500), again);
  };
  again();
}

/** A watch that must have ended and has not. */
function forgotten(registry: Registry, mesh: Mesh): string | true {
  for (const { death, life, told, isUnwatched } of registry.watches) {
    if (told !== null || isUnwatched || !mesh.lives(life)) continue;
    const isGone = death.ended !== null || !mesh.lives(death.life);
    if (isGone) return `${life} waits for the end of ${death.address} (${death.ended})`;
  }
  return true;
}

/** An actor that rises at once when it ends; for good, the second time. */
const lazarus = actor(Mortal, {
  state: () => null,
  on: { tick: (_, __, context) => context.stop() },
});

/**
 * A link breaks after system messages have arrived and before that is confirmed: they are sent again.
 * If a watch were taken twice, the second one would hold on to who has risen under the same name.
 */
async function breakBeforeConfirmed(sim: Simulation, mesh: Mesh, round: number): Promise<void> {
  const { network } = sim.world;
  const random = sim.random(`break ${round}`);
  const from = pick(random, NODES);
  const to = pick(random, NODES.filter((name) => name !== from));
  const [watching, watched] = [mesh.alive(from)!, mesh.alive(to)!];
  const name = `lazarus-${round}`;
  const options = { name, args: null, restart: "temporary" } as const;
  const first = watched.node.spawn(lazarus, options);
  const far = watching.node.ref(Mortal, `quorus://${to}/${name}`);
  // Confirmations and ends are late, watches are not.
  network.shape({ delayMs: { low: 400, high: 900 } }, [to, from]);
  const ends: string[] = [];
  const watches = random.integer(1, 3);
  for (let count = watches; count > 0; count -= 1) {
    void watching.node.ended(far).then(({ reason }) => ends.push(reason));
  }
  await sim.pass(1 + random.next() * 50);
  const risen = watched.node.ended(first).then(() => watched.node.spawn(lazarus, options));
  first.tell("tick", {});
  await sim.complete(risen);
  await sim.pass(random.next() * 100);
  network.reset(from, to);
  network.unshape([to, from]);
  await mesh.meet();
  await sim.converge("every watch brings its end", 30_000, () => ends.length >= watches);
  await sim.pass(1_000);
  const isOnce = ends.length === watches && ends.every((reason) => reason === "stopped");
  sim.check("every watch brings one end, and says how it was", isOnce, ends);
}

export const remoteWatch = scenario({
  name: "remote/watch",
  describe: "each watch of a far actor brings one end, after its last message, and none is lost",
  durationMs: 25_000,
  nodes: NODES,
  faults: { kinds: LINK_FAULTS, intensity: [0, 0.9] },
  sometimes: [...LINK_STATES, "an end held back", "an end by a failure", "an end after last words"],
  run: async (sim) => {
    const registry = new Registry(sim, sim.random("watch"));
    const random = sim.random("system limit");
    const systemMessages = pick(random, [4, 64, 1_000]);
    const mesh = new Mesh(sim, {
      names: NODES,
      limits: { ...smallLimits(sim), systemMessages },
      boot: (member) => bootMember(registry, member),
    });
    await sim.faults();
    await mesh.meet();
    registry.isResting = true;
    await sim.converge(
      "every watch of a dead actor has ended",
      120_000,
      () => forgotten(registry, mesh),
    );
    await sim.pass(25_000);
    await mesh.rest();
    for (let round = 1; round <= BREAKS; round += 1) await breakBeforeConfirmed(sim, mesh, round);
    await mesh.rest();
    registry.isOver = true;
    await mesh.stop();
  },
});
