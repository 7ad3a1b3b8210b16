/** Placement decided by a Raft group whose leaders come and go: nobody lives twice, stale tokens are refused. */

import { kind } from "../../../runtime/cluster/kind.ts";
import { joinPlacement, type Placement } from "../../../runtime/cluster/placement.ts";
import type { Life, Report } from "../../../runtime/cluster/placement_machine.ts";
import {
  type PlacementGroup,
  placementMachine,
  raftAuthority,
} from "../../../runtime/cluster/raft_authority.ts";
import { Fence } from "../../../runtime/raft/fencing.ts";
import { joinGroup } from "../../../runtime/raft/group.ts";
import type { RaftLimits } from "../../../runtime/raft/limits.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { type Birth, Census } from "./cluster_census.ts";
import { type EntityHabits, entityOn, livesOf, seenAs, SHARDS } from "./cluster_entity.ts";
import { CLUSTER_STATES, type ClusterLife, ClusterMesh } from "./cluster_mesh.ts";
import { repair } from "./raft_end.ts";
import { drawLimits, drawLinks } from "./raft_kv.ts";
import { LINK_FAULTS, pick } from "./remote_mesh.ts";

const NODES = ["a", "b", "c"];
const KEYS = ["k0", "k1", "k2"];
const GROUP = "placement";
const SETTLE_MS = 120_000;
/** What an entity does beside its mailbox has ended by then, and so has it. */
const LINGER_MS = 5_000;
const HABITS: EntityHabits = { everyMs: 50, startsAlways: true };

/** What all lives of a run share. */
class Run {
  readonly census: Census;
  readonly random: SeededRandom;
  readonly limits: Partial<RaftLimits>;
  readonly groups = new Map<string, PlacementGroup>();
  /** The wall clock of whoever joined last. */
  wallMs: () => number = () => 0;
  readonly placements = new Map<string, Placement>();
  /** Whether somebody fences holders that cannot be reached, or everybody waits for them. */
  readonly isFencing: boolean;
  isResting = false;
  readonly #cutOff = new Set<string>();
  readonly #fences = new Map<string, Fence>();
  readonly #leaders = new Set<number>();

  constructor(readonly sim: Simulation) {
    this.census = new Census(sim);
    this.random = sim.random("placement");
    // Decisions that are refused are not tried again by themselves: there is room for all.
    const room = { uncommittedEntries: 1_000, snapshotEntries: 32, keepEntries: 4 };
    this.limits = { ...drawLimits(sim), ...room };
    this.isFencing = this.random.chance(0.7);
  }

  /** Somebody has cut that life off from all that its entities write to. */
  cutOff({ node, life }: Life): void {
    this.#cutOff.add(`${node} ${life}`);
  }

  /** The machine of every member; a fence counts from the moment it is applied anywhere. */
  machine(): ReturnType<typeof placementMachine> {
    const machine = placementMachine();
    return {
      ...machine,
      apply: (state, input, at) => {
        if (input.do === "fenced" && this.#cutOff.has(`${input.node} ${input.life}`)) {
          for (const { holder, token } of state.entities.values()) {
            if (holder?.node === input.node && holder.life === input.life) {
              this.census.fenced(token);
            }
          }
        }
        return machine.apply(state, input, at);
      },
    };
  }

  /** What entities write to, outside of the cluster. */
  write({ key, token }: Birth): void {
    const fence = this.#fences.get(key) ?? new Fence();
    this.#fences.set(key, fence);
    try {
      fence.pass({ epoch: 1, group: GROUP, index: token });
    } catch (error) {
      this.sim.sometimes("a stale token is refused");
      const isFenced = this.census.isFenced(token);
      this.sim.check("who is replaced has ended", isFenced, `${key}: ${error}`);
    }
  }

  leads(term: number): void {
    this.#leaders.add(term);
    this.sim.sometimes("a later leader decides", this.#leaders.size > 1);
  }
}

async function join(run: Run, host: ClusterLife): Promise<void> {
  const { name, env, node, cluster } = host;
  const group = await joinGroup(node, run.machine(), {
    name: GROUP,
    folder: `/data/${name}`,
    members: NODES,
    limits: run.limits,
    onFailed: (error) => run.sim.fail("members go on", `${host.life}: ${error}`),
  });
  run.groups.set(name, group);
  run.wallMs = () => env.clock.now();
  group.subscribe((event) => {
    if (event.type === "role" && event.role === "leader") run.leads(event.term);
  });
  const placement = joinPlacement(cluster, {
    kinds: [kind("shard", entityOn(run, host, HABITS))],
    authority: () => group.status().leader,
    decides: raftAuthority(node, group),
    onNeedsFence: (held) => needsFence(run, host, placement, held),
  });
  run.placements.set(name, placement);
  if (!run.isResting) operate(run, env, group, placement);
}

function needsFence(run: Run, { env }: ClusterLife, placement: Placement, held: Report): void {
  if (!run.isFencing) return;
  env.timers.after(run.random.next() * 2_000, () => {
    if (run.isResting) return;
    run.cutOff(held);
    run.sim.sometimes("a holder is fenced");
    placement.fence(held).catch(() => {});
  });
}

/** Somebody on that node places, removes, moves and drains now and then, and hands the lead over. */
function operate(
  run: Run,
  env: ClusterLife["env"],
  group: PlacementGroup,
  placement: Placement,
): void {
  const { random, sim } = run;
  const again = (): void => {
    if (run.isResting) return;
    const key = pick(random, KEYS);
    const dice = random.next();
    let deed: Promise<unknown>;
    if (dice < 0.3) deed = placement.place(SHARDS, key);
    else if (dice < 0.4) deed = placement.remove(SHARDS, key);
    else if (dice < 0.75) deed = placement.move(SHARDS, key, pick(random, NODES));
    else if (dice < 0.85) deed = placement.drain(pick(random, NODES), random.chance(0.5));
    else deed = group.transfer(pick(random, NODES));
    deed.then(() => sim.sometimes("a move is agreed on", dice >= 0.4 && dice < 0.75), () => {});
    env.timers.after(random.next() * 3_000, again);
  };
  again();
}

/**
 * How far the group's time is ahead of the clocks: two of three that jumped had taken it along, and it
 * stands still, pauses between grants included, until the clocks have come there.
 */
function aheadMs(run: Run): number {
  const times = [...run.groups.values()].map((group) => group.status().appliedAtMs);
  return Math.max(0, ...times.map((ms) => ms - run.wallMs()));
}

/** What everybody wants in the end; said again until it is so, as a decision may get lost. */
async function settle(run: Run, wanted: readonly string[]): Promise<void> {
  const { sim } = run;
  const withinMs = SETTLE_MS + aheadMs(run);
  await sim.converge("each entity lives once, where it is known to live", withinMs, async () => {
    const placement = run.placements.get("b");
    if (placement === undefined) return "b does not run";
    for (const node of NODES) await placement.drain(node, false).catch(() => {});
    for (const key of KEYS) {
      const deed = wanted.includes(key) ? placement.place : placement.remove;
      await deed.call(placement, SHARDS, key).catch(() => {});
    }
    return await isSettled(run, wanted);
  });
}

async function isSettled(run: Run, wanted: readonly string[]): Promise<true | string> {
  for (const key of KEYS) {
    const { isRight, text, known } = livesOf(run.census, key, wanted.includes(key));
    if (!isRight) {
      const decided = [...run.groups].map(([name, { state }]) =>
        `${name}: ${JSON.stringify(state.entities.get(`${SHARDS.name}/${key}`))}`
      );
      return `${key} lives on ${text}, decided ${decided.join(", ")}`;
    }
    for (const [name, placement] of run.placements) {
      const seen = seenAs(await placement.where(SHARDS, key).catch(() => null));
      if (seen !== known) return `${key} is ${text}, and ${name} knows it as ${seen}`;
    }
  }
  return true;
}

/** All members have the same decisions in their state. */
function sameDecisions(run: Run): true | string {
  const seen = [...run.groups.values()].map(({ state: { entities, lastToken } }) => {
    const all = [...entities].map(([id, { token, holder }]) => [id, token, holder?.node ?? null]);
    return JSON.stringify([lastToken, all.sort()]);
  });
  return new Set(seen).size === 1 || seen.join(" ");
}

export const raftPlacement = scenario({
  name: "raft/placement",
  describe: "entities that a Raft group places never live twice, whoever leads it",
  durationMs: 40_000,
  nodes: NODES,
  faults: { kinds: LINK_FAULTS, intensity: [0, 0.8] },
  sometimes: [
    ...CLUSTER_STATES,
    "a later leader decides",
    "a move is agreed on",
    "a holder is fenced",
    "a fenced one lives on beside the next",
    "a stale token is refused",
  ],
  run: async (sim) => {
    const run = new Run(sim);
    const mesh = new ClusterMesh(sim, {
      names: NODES,
      links: drawLinks(sim),
      boot: (life) => void join(run, life),
    });
    await sim.faults();
    repair(sim);
    await mesh.meet();
    run.isResting = true;
    await settle(run, KEYS);
    // Some that still lived had been told to end, or had failed, before everybody rested.
    await sim.pass(LINGER_MS);
    await settle(run, KEYS);
    const births = run.census.births.length;
    await sim.pass(LINGER_MS);
    const late = run.census.births.slice(births).map(({ key, host }) => `${key} on ${host.life}`);
    sim.check("who lives is left alone", late.length === 0, late.join(", "));
    await sim.converge("all members have decided the same", LINGER_MS, () => sameDecisions(run));
    await settle(run, []);
    await mesh.stop();
  },
});
