/** Topics between nodes that break: in order, at most once, and every gap told to the message. */

import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { protocol, tell } from "../../../runtime/actor/protocol.ts";
import { CLUSTER_LIMITS } from "../../../runtime/cluster/limits.ts";
import type { Subscription } from "../../../runtime/cluster/subscriber.ts";
import { topic } from "../../../runtime/cluster/topic.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { CLUSTER_STATES, type ClusterLife, ClusterMesh } from "./cluster_mesh.ts";
import { Publisher, Reading, type Said, said } from "./cluster_topics_model.ts";
import { LINK_FAULTS, pick, smallLimits } from "./remote_mesh.ts";

const NODES = ["a", "b", "c"];
const SLOW_MS = [0, 0, 1, 30, 100];
/** The fullest queue of the slowest subscriber, and some time to speak. */
const FLOW_MS = 120_000;
/** Pause between two who speak: the slowest reader has taken what one of them says. */
const TURN_MS = 1_000;
/** A batch and a message that had left the queues are taken, or are tried again. */
const AFTER_MS = 10_000;
/** One topic for each publishing node, so that what was missed is known to be of it; one of all. */
const OWN = new Map(
  NODES.map((name) => [name, topic(`sim.of.${name}`, { version: 1, schema: said })]),
);
const SHARED = topic("sim.shared", { version: 1, schema: said });

const Reader = protocol("sim.reader", {
  version: 1,
  messages: { heard: tell(said), missed: tell(z.object({ count: z.number() })) },
});

interface ReaderArgs {
  readonly reading: Reading;
  readonly slowMs: number;
}

/** A reader whose mailbox is all that is bounded; it ends when its reading is over. */
function reader(full: "wait" | "reject") {
  return actor(Reader, {
    mailbox: { capacity: 2, full },
    state: (args: ReaderArgs) => args,
    on: {
      heard: ({ reading, slowMs }, message, { env }) => {
        reading.hears(message, message.node);
        if (slowMs > 0) {
          return new Promise<void>((resolve) => env.timers.after(slowMs, () => resolve()));
        }
      },
      missed: ({ reading }, { count }) => reading.misses(count),
    },
  });
}

/** What one life of a node publishes and reads. */
class Desk {
  readonly publishers: readonly Publisher[];
  readonly readings: Reading[] = [];
  isResting = false;
  readonly #sim: Simulation;
  readonly #random: SeededRandom;
  readonly #life: ClusterLife;
  readonly #gapMs: number;
  readonly #all: Map<string, Publisher>;
  #readers = 0;

  constructor(sim: Simulation, life: ClusterLife, all: Map<string, Publisher>) {
    this.#sim = sim;
    this.#life = life;
    this.#all = all;
    this.#random = sim.random(`desk ${life.life}`);
    this.#gapMs = pick(sim.random("pace"), [20, 100, 400]);
    this.publishers = [OWN.get(life.name)!, SHARED].map((about) => new Publisher(life, about, all));
  }

  /** What stands from the begin of this life to the end of the run. */
  standing(): void {
    for (const about of [...OWN.values(), SHARED]) this.#read(about, true);
  }

  /** Publishes now and then; subscriptions come and go. */
  work(): void {
    const random = this.#random;
    if (this.isResting) return;
    const count = random.chance(0.05) ? random.integer(20, 80) : random.integer(0, 3);
    for (let at = 0; at < count; at += 1) {
      pick(random, this.publishers).publish(random.chance(0.02) ? 20_000 : 0, false);
    }
    if (random.chance(0.03)) this.#read(pick(random, [...OWN.values(), SHARED]), false);
    if (random.chance(0.03)) this.#end();
    this.#life.env.timers.after(random.next() * 2 * this.#gapMs, () => this.work());
  }

  /** Nothing comes of any reading any more. */
  close(): void {
    for (const reading of this.readings) reading.end();
  }

  #end(): void {
    const passing = this.readings.filter(({ isOver, stands }) => !isOver && !stands);
    if (passing.length > 0) pick(this.#random, passing).end();
  }

  #read(about: typeof SHARED, stands: boolean): void {
    const random = this.#random;
    const isActor = random.chance(0.3);
    const of = { life: this.#life.life, about: about.name, isOwn: about !== SHARED };
    const reading = new Reading(this.#sim, { ...of, isActor, stands }, this.#all);
    this.readings.push(reading);
    const slowMs = pick(random, SLOW_MS);
    const capacity = pick(random, [1, 2, 16, 256]);
    reading.subscription = isActor
      ? this.#readAsActor(about, reading, slowMs, capacity)
      : this.#life.cluster.topics.subscribe(about, {
        message: (message, from) => this.#take(reading, message, from, slowMs),
        missed: (missed) => this.#learn(reading, missed),
      }, { capacity });
  }

  #readAsActor(
    about: typeof SHARED,
    reading: Reading,
    slowMs: number,
    capacity: number,
  ): Subscription {
    this.#readers += 1;
    const ref = this.#life.node.spawn(reader(pick(this.#random, ["wait", "reject"])), {
      name: `reader-${this.#readers}`,
      args: { reading, slowMs },
      restart: "temporary",
    });
    const options = { capacity, missedTag: "missed" } as const;
    const subscription = this.#life.cluster.topics.subscribeActor(about, ref, "heard", options);
    // Its mailbox may hold some more; it ends with the subscription, which ends with it.
    reading.atEnd = () => void this.#life.node.stopActor(ref);
    return subscription;
  }

  #take(reading: Reading, message: Said, from: string, slowMs: number): void | Promise<void> {
    const mayThrow = !message.isLast && this.#random.chance(0.02);
    if (mayThrow) {
      this.#sim.sometimes("a subscriber throws");
      throw new Error("planned: a subscriber throws");
    }
    reading.hears(message, from);
    if (slowMs === 0) return;
    return new Promise((resolve) => this.#life.env.timers.after(slowMs, () => resolve()));
  }

  #learn(reading: Reading, missed: number): void {
    if (this.#random.chance(0.05)) throw new Error("planned: it does not want to know");
    reading.misses(missed);
  }
}

/** Limits of topics: queues of one, batches of one, deliveries that time out. */
function topicLimits(sim: Simulation) {
  const { outletMessages, deliverMessages, deliverMs, topicTurnMessages } = sim.limits(
    CLUSTER_LIMITS,
    {
      outletMessages: [1, 50],
      deliverMessages: [1, 20],
      deliverMs: [300, 3_000],
      topicTurnMessages: [1, 10],
    },
  );
  return { outletMessages, deliverMessages, deliverMs, topicTurnMessages };
}

export const clusterTopics = scenario({
  name: "cluster/topics",
  describe: "topics are in order and at most once, and subscribers know exactly what they missed",
  durationMs: 20_000,
  nodes: NODES,
  faults: { kinds: LINK_FAULTS, intensity: [0, 0.9] },
  sometimes: [
    ...CLUSTER_STATES,
    "a subscriber throws",
    "a full queue of a subscriber",
    "a full queue of a node",
    "messages missed while a publisher lived on",
  ],
  run: async (sim) => {
    const publishers = new Map<string, Publisher>();
    const desks = new Map<string, Desk>();
    let begun = false;
    const mesh = new ClusterMesh(sim, {
      names: NODES,
      links: smallLimits(sim),
      cluster: topicLimits(sim),
      boot: (life) => {
        const desk = new Desk(sim, life, publishers);
        desks.set(life.life, desk);
        desk.standing();
        if (begun) desk.work();
      },
    });
    const living = () => mesh.living.map((life) => desks.get(life.life)!);
    await mesh.meet();
    await sim.converge(
      "all publishers know their subscribers",
      FLOW_MS,
      () =>
        mesh.living.every(({ cluster }) =>
          cluster.topics.metrics().outlets === (NODES.length + 1) * (NODES.length - 1)
        ),
    );
    // Nothing was published before the first subscriptions had reached their publishers.
    for (const desk of living()) {
      for (const { isOver, count } of desk.publishers) sim.check("quiet", !isOver && count === 0);
      for (const reading of desk.readings) reading.standsFromFirst();
    }
    begun = true;
    for (const desk of living()) desk.work();
    await sim.faults();
    for (const life of mesh.living) {
      const { outletDropped } = life.cluster.topics.metrics();
      sim.sometimes("a full queue of a node", outletDropped > 0);
    }
    await mesh.meet();
    for (const desk of living()) desk.isResting = true;
    await flow(sim, living);
    await sim.converge("all queues run empty", FLOW_MS, () => settled(mesh));
    await sim.pass(AFTER_MS);
    for (const desk of living()) desk.readings.forEach((reading) => reading.sumsUp());
    for (const desk of living()) desk.close();
    await sim.converge("ended subscriptions leave nothing", FLOW_MS, () => left(mesh));
    await mesh.rest();
    await mesh.stop();
  },
});

/** Every living subscription hears of every living publisher of its topic again. */
async function flow(
  sim: Simulation,
  living: () => readonly Desk[],
): Promise<void> {
  const publishers = living().flatMap((desk) => desk.publishers);
  const readings = living().flatMap((desk) => desk.readings).filter(({ isOver }) => !isOver);
  const since = new Map(publishers.map(({ key, count }) => [key, count]));
  let spoken = 0;
  let nextMs = 0;
  await sim.converge("messages flow to every subscription", FLOW_MS, () => {
    const late = readings.flatMap((reading) => reading.waitsFor(since));
    if (late.length === 0) return true;
    // A queue of one keeps the last of all publishers, so each speaks in its turn.
    if (sim.world.nowMs >= nextMs) {
      publishers[spoken % publishers.length]!.publish(0, true);
      spoken += 1;
      nextMs = sim.world.nowMs + TURN_MS;
    }
    return late[0]!;
  });
}

/** Nothing waits for anybody any more. */
function settled(mesh: ClusterMesh): true | string {
  for (const { life, cluster } of mesh.living) {
    const { queued, outletMessages } = cluster.topics.metrics();
    if (queued + outletMessages > 0) return `${life}: ${queued} and ${outletMessages} wait`;
  }
  return true;
}

/** What topics hold when nobody subscribes any more. */
function left(mesh: ClusterMesh): true | string {
  for (const { life, cluster } of mesh.living) {
    const { topics, subscribers, queued, outlets, outletMessages, outletBytes } = cluster.topics
      .metrics();
    const much = topics + subscribers + queued + outlets + outletMessages + outletBytes;
    if (much > 0) {
      const held = { topics, subscribers, queued, outlets, outletMessages, outletBytes };
      return `${life}: ${JSON.stringify(held)}`;
    }
  }
  return true;
}
