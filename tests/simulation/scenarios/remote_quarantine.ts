/** Who was given up does not come back as if nothing had happened, and both meet anew. */

import { z } from "zod";
import { actor, type Context } from "../../../runtime/actor/definition.ts";
import { protocol, tell } from "../../../runtime/actor/protocol.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { LINK_FAULTS, LINK_STATES, type Member, Mesh, pick, smallLimits } from "./remote_mesh.ts";

const GRACE_MS = 2_500;
const NODES = ["a", "b", "c"];
const TICK_MS = 50;
const AGAIN_MS = 200;

/** `ends`: how often the sender's links had ended an association with the receiver when it sent. */
const greeting = z.object({ from: z.string(), life: z.string(), ends: z.number() });

const Friend = protocol("sim.friend", {
  version: 1,
  messages: {
    tick: tell(z.object({})),
    watch: tell(z.object({ name: z.string() })),
    greet: tell(greeting),
  },
});

interface FriendArgs {
  readonly sim: Simulation;
  readonly member: Member;
  readonly heard: Map<string, number>;
}

interface FriendState extends FriendArgs {
  /** Of each life of a friend: up to which of its `ends` nothing may come any more. */
  readonly over: Map<string, number>;
  /** The highest that has come. */
  readonly latest: Map<string, number>;
}

function endsOf({ events }: Member, name: string): number {
  return events.filter(({ kind, peer }) => kind === "unreachable" && peer.node === name).length;
}

function friendsOf({ name }: Member): string[] {
  return NODES.filter((other) => other !== name);
}

function watch(name: string, context: Context<typeof Friend>): void {
  context.watch(context.ref(Friend, `quorus://${name}/friend`));
}

const friend = actor(Friend, {
  state: (args: FriendArgs, context: Context<typeof Friend>): FriendState => {
    context.every("tick", TICK_MS, "tick", {});
    for (const name of friendsOf(args.member)) {
      context.after(`watch ${name}`, AGAIN_MS, "watch", { name });
    }
    return { ...args, over: new Map(), latest: new Map() };
  },
  on: {
    tick: ({ member }, _, context) => {
      for (const name of friendsOf(member)) {
        const ends = endsOf(member, name);
        const ref = context.ref(Friend, `quorus://${name}/friend`);
        ref.tell("greet", { from: member.name, life: member.life, ends });
      }
    },
    watch: (_, { name }, context) => watch(name, context),
    greet: ({ sim, member, heard, over, latest }, { from, life, ends }) => {
      const isFresh = ends > (over.get(life) ?? -1);
      sim.check(
        "nothing comes of an association that was told to be over",
        isFresh,
        `${life} after ${ends} ends to ${member.life}`,
      );
      const last = latest.get(life) ?? 0;
      sim.check("associations come one after the other", ends >= last, `${ends} after ${last}`);
      latest.set(life, ends);
      heard.set(`${from} > ${member.name}`, sim.world.nowMs);
    },
  },
  ended: ({ latest, over, sim }, { ref, reason }, context) => {
    const name = ref.address.slice("quorus://".length, ref.address.lastIndexOf("/"));
    sim.check("a friend that lives does not stop", reason === "unreachable", reason);
    for (const [life, ends] of latest) {
      if (life.startsWith(`${name}#`)) over.set(life, ends);
    }
    context.after(`watch ${name}`, AGAIN_MS, "watch", { name });
  },
});

/** On such paths the grace is over while the last words of a handshake are under way. */
const SHAKING_MS = { low: GRACE_MS / 6, high: GRACE_MS / 4 };

/**
 * Two nodes give each other up while they are about to link again: the new link comes to nothing, and
 * whoever dials must dial once more.
 */
async function giveUpWhileShaking(sim: Simulation, mesh: Mesh): Promise<void> {
  const { network } = sim.world;
  const random = sim.random("shaking");
  const from = pick(random, NODES);
  const to = pick(random, NODES.filter((name) => name !== from));
  const ms = SHAKING_MS.low + random.next() * (SHAKING_MS.high - SHAKING_MS.low);
  for (const direction of [[from, to], [to, from]] as const) {
    network.shape({ delayMs: { low: ms, high: ms } }, direction);
  }
  network.reset(from, to);
  await sim.pass(2 * GRACE_MS);
  network.unshape();
  await mesh.meet();
}

export const remoteQuarantine = scenario({
  name: "remote/quarantine",
  describe: "after a node was told to be gone nothing of that association comes; they meet anew",
  durationMs: 90_000,
  nodes: NODES,
  faults: { kinds: LINK_FAULTS, intensity: [0, 0.7] },
  sometimes: LINK_STATES,
  run: async (sim) => {
    const heard = new Map<string, number>();
    const mesh = new Mesh(sim, {
      names: NODES,
      limits: { ...smallLimits(sim), graceMs: GRACE_MS },
      boot: (member) => member.node.spawn(friend, { name: "friend", args: { sim, member, heard } }),
    });
    await sim.faults();
    await mesh.meet();
    const sinceMs = sim.world.nowMs;
    await sim.converge("everyone hears everyone again", 60_000, () => {
      const silent = NODES.flatMap((from) =>
        NODES.filter((to) => to !== from).map((to) => `${from} > ${to}`)
      ).filter((pair) => (heard.get(pair) ?? 0) <= sinceMs);
      return silent.length === 0 || silent.join("; ");
    });
    await giveUpWhileShaking(sim, mesh);
    await mesh.stop();
  },
});
