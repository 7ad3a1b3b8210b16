/** Numbered messages between nodes: at most once and in order, whatever breaks. */

import { z } from "zod";
import { actor, type Context } from "../../../runtime/actor/definition.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import type { Ref } from "../../../runtime/actor/ref.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { LINK_FAULTS, LINK_STATES, type Member, Mesh, pick, smallLimits } from "./remote_mesh.ts";

const NODES = ["a", "b", "c"];
const SINKS = ["wait", "reject", "drop"] as const;
const TAGS = ["note", "vote", "chunk", "probe"] as const;
type Tag = typeof TAGS[number];
/** Probes and notes share a lane, and so an order. */
const LANES = { note: "message", probe: "message", vote: "consensus", chunk: "bulk" } as const;

const body = z.object({
  from: z.string(),
  number: z.number(),
  bytes: z.instanceof(Uint8Array),
});
type Body = z.infer<typeof body>;

const Sink = protocol("sim.ordered", {
  version: 1,
  messages: {
    note: tell(body),
    vote: tell(body, { lane: "consensus" }),
    chunk: tell(body, { lane: "bulk" }),
    probe: ask(body, z.number()),
  },
});
type SinkRef = Ref<typeof Sink>;

const Source = protocol("sim.source", {
  version: 1,
  messages: { tick: tell(z.object({})) },
});

function streamOf(from: string, sink: string, tag: Tag): string {
  return `${from} > ${sink} ${LANES[tag]}`;
}

/** What has arrived, by sender, receiver and lane. */
class Arrivals {
  readonly last = new Map<string, number>();
  readonly #sim: Simulation;

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  take(sink: string, tag: Tag, { from, number, bytes }: Body): void {
    const stream = streamOf(from, sink, tag);
    const last = this.last.get(stream) ?? 0;
    this.#sim.check(
      "at most once and in order",
      number > last,
      `${stream}: ${number} after ${last}`,
    );
    this.last.set(stream, number);
    const ends = [bytes[0], bytes.at(-1)];
    const isWhole = ends.every((byte) => byte === undefined || byte === number % 256);
    this.#sim.check("messages arrive as they were sent", isWhole, `${stream}: ${number}`);
  }
}

interface SinkArgs {
  readonly arrivals: Arrivals;
  readonly address: string;
  readonly slowMs: number;
}

function receive(tag: Tag) {
  return (
    { arrivals, address, slowMs }: SinkArgs,
    message: Body,
    { env }: Context,
  ): number | Promise<number> => {
    arrivals.take(address, tag, message);
    if (slowMs === 0 || message.number % 7 !== 0) return message.number;
    return new Promise((resolve) => env.timers.after(slowMs, () => resolve(message.number)));
  };
}

const sink = actor(Sink, {
  state: (args: SinkArgs) => args,
  on: {
    note: receive("note"),
    vote: receive("vote"),
    chunk: receive("chunk"),
    probe: receive("probe"),
  },
});

/** Numbers of one sender to one receiver on one lane, and where to send them. */
class Sender {
  readonly numbers = new Map<string, number>();
  isResting = false;
  readonly #sim: Simulation;
  readonly #random: SeededRandom;
  readonly #refs: readonly SinkRef[];
  readonly #from: string;

  constructor(sim: Simulation, readonly member: Member, from: string) {
    this.#sim = sim;
    this.#from = from;
    this.#random = sim.random(`sender ${from}`);
    this.#refs = NODES.filter((name) => name !== member.name).flatMap((name) =>
      SINKS.map((kind) => member.node.ref(Sink, `quorus://${name}/${kind}`))
    );
  }

  /** A burst of messages to anyone. */
  burst(): void {
    if (this.isResting) return;
    for (let count = this.#random.integer(0, 6); count > 0; count -= 1) {
      const ref = pick(this.#random, this.#refs);
      const tag = pick(this.#random, TAGS);
      if (tag === "probe") this.#probe(ref);
      else this.#tell(ref, tag);
    }
  }

  /** Waits for room, in a task. */
  async send(signal: AbortSignal): Promise<void> {
    const tag = pick(this.#random, ["note", "vote", "chunk"] as const);
    const ref = pick(this.#random, this.#refs);
    await ref.send(tag, this.#next(ref, tag), { signal }).catch(() => {});
  }

  /** One message on each lane to everyone who takes all; gives what must arrive last. */
  everyone(): [stream: string, number: number][] {
    const wanted: [string, number][] = [];
    for (const ref of this.#refs.filter(({ address }) => address.endsWith("/wait"))) {
      for (const tag of ["note", "vote", "chunk"] as const) {
        const message = this.#next(ref, tag);
        wanted.push([streamOf(this.#from, ref.address, tag), message.number]);
        ref.send(tag, message).catch((error) =>
          this.#sim.fail("a send succeeds when all is well", String(error))
        );
      }
    }
    return wanted;
  }

  #tell(ref: SinkRef, tag: Exclude<Tag, "probe">): void {
    const message = this.#next(ref, tag);
    const delivery = ref.tell(tag, message);
    this.#sim.sometimes("credit exhausted", delivery === "full");
    const isLarge = message.bytes.length > 50_000 && delivery === "accepted";
    this.#sim.sometimes("a message larger than a window", isLarge);
  }

  #probe(ref: SinkRef): void {
    const message = this.#next(ref, "probe");
    const withinMs = this.#random.integer(1, 3_000);
    ref.ask("probe", message, { withinMs }).then((reply) => {
      this.#sim.check("a reply is that of its ask", reply === message.number, `${reply}`);
    }, () => {});
  }

  #next(ref: SinkRef, tag: Tag): Body {
    const key = `${ref.address} ${LANES[tag]}`;
    const number = (this.numbers.get(key) ?? 0) + 1;
    this.numbers.set(key, number);
    const size = this.#random.chance(0.03)
      ? this.#random.integer(20_000, 200_000)
      : this.#random.integer(0, 400);
    return { from: this.#from, number, bytes: new Uint8Array(size).fill(number % 256) };
  }
}

const source = actor(Source, {
  state: (sender: Sender, context) => {
    context.every("burst", 100, "tick", {});
    return sender;
  },
  on: {
    tick: (sender, _, context) => {
      sender.burst();
      if (!sender.isResting) {
        context.task(`send ${context.env.random.next()}`, (signal) => sender.send(signal));
      }
    },
  },
  done: () => {},
});

export const remoteOrdering = scenario({
  name: "remote/ordering",
  describe: "messages of one sender, receiver and lane come at most once and in order",
  durationMs: 20_000,
  nodes: NODES,
  faults: { kinds: LINK_FAULTS, intensity: [0, 0.9] },
  sometimes: [...LINK_STATES, "credit exhausted", "a message larger than a window"],
  run: async (sim) => {
    const arrivals = new Arrivals(sim);
    const random = sim.random("sinks");
    const senders: Sender[] = [];
    const boot = (member: Member): void => {
      for (const full of SINKS) {
        const address = `quorus://${member.name}/${full}`;
        const args = { arrivals, address, slowMs: pick(random, [0, 0, 5, 200]) };
        const capacity = pick(random, [1, 4, 100]);
        member.node.spawn({ ...sink, capacity, full }, { name: full, args });
      }
      for (const index of [1, 2]) {
        const sender = new Sender(sim, member, `${member.life}/${index}`);
        senders.push(sender);
        member.node.spawn(source, { name: `source/${index}`, args: sender });
      }
    };
    const mesh = new Mesh(sim, { names: NODES, limits: smallLimits(sim), boot });
    await sim.faults();
    await mesh.meet();
    for (const sender of senders) sender.isResting = true;
    await mesh.rest(300_000);
    await traffic(sim, mesh, arrivals, senders);
    await mesh.rest();
    await mesh.stop();
  },
});

/** Traffic flows on every lane from everyone to everyone. */
async function traffic(
  sim: Simulation,
  mesh: Mesh,
  arrivals: Arrivals,
  senders: readonly Sender[],
): Promise<void> {
  const wanted: [stream: string, number: number][] = [];
  for (const sender of senders.filter(({ member }) => mesh.lives(member.life))) {
    sender.member.env.run(() => wanted.push(...sender.everyone()));
  }
  await sim.converge("traffic flows on every lane", 120_000, () => {
    const stuck = wanted.filter(([stream, number]) => arrivals.last.get(stream) !== number);
    return stuck.length === 0 || stuck.map(([stream]) => stream).join("; ");
  });
}
