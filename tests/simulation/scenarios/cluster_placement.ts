/** Singletons and keys whose nodes break: nobody lives twice, and in the end everybody lives. */

import { kind, type SingletonKind } from "../../../runtime/cluster/kind.ts";
import { joinPlacement, type Placement } from "../../../runtime/cluster/placement.ts";
import type { Life, Report } from "../../../runtime/cluster/placement_machine.ts";
import { startSingleton } from "../../../runtime/cluster/singleton.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { DurableAuthority } from "./cluster_authority.ts";
import { type Birth, Census, FencedResource } from "./cluster_census.ts";
import { type EntityHabits, entityOn, livesOf, nobody, seenAs, SHARDS } from "./cluster_entity.ts";
import { CLUSTER_STATES, type ClusterLife, ClusterMesh } from "./cluster_mesh.ts";
import { LINK_FAULTS, pick, smallLimits } from "./remote_mesh.ts";

const NODES = ["a", "b", "c"];
const DECIDES = "a";
const KEYS = ["k0", "k1", "k2", "k3"];
const SETTLE_MS = 120_000;
/** What an entity does beside its mailbox has ended by then, and so has it. */
const LINGER_MS = 5_000;
const HABITS: EntityHabits = { everyMs: 20, startsAlways: false };

const BOSS: SingletonKind = { ...kind("boss", nobody), isSingleton: true } as SingletonKind;

/** What all lives of a run share. */
class Run {
  readonly census: Census;
  readonly resource: FencedResource;
  readonly authority: DurableAuthority;
  readonly random: SeededRandom;
  /** Whether somebody fences holders that cannot be reached, or everybody waits for them. */
  readonly isFencing: boolean;
  readonly placements = new Map<string, Placement>();
  readonly #fenced = new Set<string>();
  isResting = false;

  constructor(readonly sim: Simulation) {
    this.census = new Census(sim);
    this.resource = new FencedResource(sim, this.census);
    this.authority = new DurableAuthority(sim, (life) => this.#fences(life));
    this.random = sim.random("placement");
    this.isFencing = this.random.chance(0.5);
  }

  write(birth: Birth): void {
    this.resource.write(birth);
  }

  /** Somebody has cut that life off from all that its entities write to. */
  cutOff({ node, life }: Life): void {
    this.#fenced.add(`${node} ${life}`);
  }

  #fences({ node, life }: Life): void {
    if (!this.#fenced.has(`${node} ${life}`)) return;
    for (const { holder, token } of this.authority.state.entities.values()) {
      if (holder?.node === node && holder.life === life) this.census.fenced(token);
    }
  }
}

function join(run: Run, host: ClusterLife): void {
  const { name, env, cluster } = host;
  const definition = entityOn(run, host, HABITS);
  const placement = joinPlacement(cluster, {
    kinds: [kind("shard", definition), kind("boss", definition)],
    authority: DECIDES,
    decides: name === DECIDES ? run.authority.of(env) : false,
    onNeedsFence: (held) => needsFence(run, host, placement, held),
  });
  run.placements.set(name, placement);
  operate(run, host, placement);
}

function needsFence(run: Run, { env }: ClusterLife, placement: Placement, held: Report): void {
  run.sim.sometimes("somebody waits for a fence");
  if (!run.isFencing) return;
  env.timers.after(run.random.next() * 8_000, () => {
    if (run.isResting) return;
    run.cutOff(held);
    run.sim.sometimes("a holder is fenced");
    placement.fence(held).catch(() => {});
  });
}

/** Somebody on that node places, removes, moves and drains now and then. */
function operate(run: Run, { env }: ClusterLife, placement: Placement): void {
  const { random, sim } = run;
  const again = (): void => {
    if (run.isResting) return;
    const key = pick(random, KEYS);
    const dice = random.next();
    let deed: Promise<unknown>;
    if (dice < 0.3) deed = placement.place(SHARDS, key);
    else if (dice < 0.4) deed = placement.remove(SHARDS, key);
    else if (dice < 0.8) deed = placement.move(SHARDS, key, pick(random, NODES));
    else if (dice < 0.9) deed = placement.drain(pick(random, NODES), random.chance(0.5));
    else deed = startSingleton(placement, BOSS);
    deed.then(() => sim.sometimes("a move is agreed on", dice >= 0.4 && dice < 0.8), () => {});
    env.timers.after(random.next() * 4_000, again);
  };
  again();
}

/** What everybody wants in the end; said again until it is so, as a decision may get lost. */
async function settle(sim: Simulation, run: Run, wanted: readonly string[]): Promise<void> {
  const placement = run.placements.get("b")!;
  await sim.converge("each entity lives once, where it is known to live", SETTLE_MS, async () => {
    for (const node of NODES) await placement.drain(node, false).catch(() => {});
    for (const key of KEYS) {
      const deed = wanted.includes(key) ? placement.place : placement.remove;
      await deed.call(placement, SHARDS, key).catch(() => {});
    }
    const boss = wanted.includes("only") ? placement.place : placement.remove;
    await boss.call(placement, BOSS, "only").catch(() => {});
    return isSettled(run, wanted);
  });
}

async function isSettled(run: Run, wanted: readonly string[]): Promise<true | string> {
  for (const key of [...KEYS, "only"]) {
    const { isRight, text, known } = livesOf(run.census, key, wanted.includes(key));
    const about = key === "only" ? BOSS : SHARDS;
    const decided = JSON.stringify(run.authority.state.entities.get(`${about.name}/${key}`));
    if (!isRight) return `${key} lives on ${text}: ${decided}`;
    const seen: string[] = [];
    for (const placement of run.placements.values()) {
      seen.push(seenAs(await placement.where(about, key)));
    }
    if (seen.some((one) => one !== known)) return `${key} is ${text}, known as ${seen}`;
  }
  return true;
}

export const clusterPlacement = scenario({
  name: "cluster/placement",
  describe:
    "no singleton or key lives twice, tokens only grow, and after the faults each one lives",
  durationMs: 60_000,
  nodes: NODES,
  faults: { kinds: LINK_FAULTS, intensity: [0, 0.8] },
  sometimes: [
    ...CLUSTER_STATES,
    "somebody waits for a fence",
    "a holder is fenced",
    "a fenced one lives on beside the next",
    "a stale token is refused",
    "a move is agreed on",
  ],
  run: async (sim) => {
    const run = new Run(sim);
    const mesh = new ClusterMesh(sim, {
      names: NODES,
      links: smallLimits(sim),
      boot: (life) => join(run, life),
    });
    await sim.faults();
    await mesh.meet();
    run.isResting = true;
    await settle(sim, run, [...KEYS, "only"]);
    // Some that still lived had been told to end, or had failed, before everybody rested.
    await sim.pass(LINGER_MS);
    await settle(sim, run, [...KEYS, "only"]);
    const births = run.census.births.length;
    await sim.pass(10_000);
    const late = run.census.births.slice(births).map(({ key, token, host, atMs }) =>
      `${key} on ${host.life} under ${token} at ${atMs}`
    );
    sim.check("who lives is left alone", late.length === 0, late.join(", "));
    await settle(sim, run, []);
    await mesh.rest();
    await mesh.stop();
  },
});
