/** Reliable messages between nodes that crash, stop and lose each other: none lost, none twice in a life. */

import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import type { ActorError } from "../../../runtime/actor/errors.ts";
import { protocol, tell } from "../../../runtime/actor/protocol.ts";
import { type Reliable, reliable } from "../../../runtime/remote/reliable.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { LINK_FAULTS, LINK_STATES, type Member, Mesh, pick, smallLimits } from "./remote_mesh.ts";

const NODES = ["a", "b", "c"];
const EVERY_MS = 150;
/** Every so many-th message is one at which the handler throws. */
const BAD_EVERY = 41;

const body = z.object({ stream: z.string(), number: z.number() });
type Body = z.infer<typeof body>;

const Ledger = protocol("sim.ledger", {
  version: 1,
  messages: { book: tell(body), chunk: tell(body, { lane: "bulk" }) },
});
const TAGS = ["book", "chunk"] as const;
type Tag = typeof TAGS[number];

/** What is known of each stream: one producer's messages on one lane. */
class Streams {
  /** Handled last in each life of the receiver, and ever. */
  readonly #inLife = new Map<string, number>();
  readonly #ever = new Map<string, number>();
  /** Its producer was told so. */
  readonly #confirmed = new Map<string, number>();
  readonly #sim: Simulation;

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  handled(life: string, { stream, number }: Body): void {
    const key = `${stream} in ${life}`;
    const last = this.#inLife.get(key);
    const ever = this.#ever.get(stream) ?? 0;
    const confirmed = this.#confirmed.get(stream) ?? 0;
    const first = last === undefined;
    this.#sim.check(
      "once and in order",
      first || number === last + 1,
      `${key}: ${number}, ${last}`,
    );
    this.#sim.check("none is lost", number <= ever + 1, `${stream}: ${number} after ${ever}`);
    this.#sim.check(
      "what was confirmed is not handled again",
      number > confirmed,
      `${stream}: ${number}, but ${confirmed} is confirmed`,
    );
    this.#sim.sometimes("handled again by a new process", number <= ever);
    this.#inLife.set(key, number);
    this.#ever.set(stream, Math.max(ever, number));
  }

  settled({ stream, number }: Body, error: ActorError | null): void {
    const ever = this.#ever.get(stream) ?? 0;
    this.#sim.check("confirmed is handled", number <= ever, `${stream}: ${number} of ${ever}`);
    const expected = number % BAD_EVERY === 0 ? "HandlerFailed" : undefined;
    this.#sim.check(
      "the outcome is true",
      error?.code === expected,
      `${number}: ${error?.message}`,
    );
    this.#sim.sometimes("a failure was told", error !== null);
    this.#confirmed.set(stream, Math.max(this.#confirmed.get(stream) ?? 0, number));
  }
}

function receive({ streams, life }: ReceiverArgs, message: Body): void {
  streams.handled(life, message);
  if (message.number % BAD_EVERY === 0) throw new Error("a bad message");
}

interface ReceiverArgs {
  readonly streams: Streams;
  readonly life: string;
}

const ledger = actor(Ledger, {
  mailbox: { capacity: 4, full: "wait" },
  state: (args: ReceiverArgs) => args,
  on: {
    book: receive,
    chunk: receive,
  },
});

const Books = protocol("sim.books", { version: 1, messages: {} });

/** Starts the ledger again, however often it fails. */
const books = actor(Books, {
  children: { max: 1_000_000, backoffMs: [1, 10] },
  state: (args: ReceiverArgs, context) => {
    context.spawn(ledger, { name: "ledger", args });
    return null;
  },
  on: {},
});

/** One life's producer for one other node. */
class Sender {
  readonly out: Reliable<typeof Ledger>;
  readonly #numbers: Record<Tag, number> = { book: 0, chunk: 0 };

  constructor(
    readonly member: Member,
    readonly streams: Streams,
    readonly to: string,
    readonly random: SeededRandom,
  ) {
    const window = pick(random, [1, 8, 200]);
    const ref = member.node.ref(Ledger, `quorus://${to}/books/ledger`);
    this.out = reliable(member.node, ref, { window });
  }

  burst(): void {
    for (let count = this.random.integer(0, 5); count > 0; count -= 1) {
      this.#send(pick(this.random, TAGS));
    }
  }

  #send(tag: Tag): void {
    this.#numbers[tag] += 1;
    const number = this.#numbers[tag];
    const message = { stream: `${this.member.life} > ${this.to} ${tag}`, number };
    this.out.send(tag, message).then(
      () => this.streams.settled(message, null),
      (error) => {
        if (error.code !== "NodeStopped") this.streams.settled(message, error);
      },
    );
  }
}

export const remoteReliable = scenario({
  name: "remote/reliable",
  describe: "reliable messages are handled once and in order by each process, and none is lost",
  durationMs: 60_000,
  nodes: NODES,
  faults: { kinds: LINK_FAULTS, intensity: [0, 0.9] },
  sometimes: [...LINK_STATES, "handled again by a new process", "a failure was told"],
  run: async (sim) => {
    const streams = new Streams(sim);
    const senders: Sender[] = [];
    const boot = (member: Member): void => {
      const args = { streams, life: member.life };
      member.node.spawn(books, { name: "books", args });
      for (const to of NODES.filter((name) => name !== member.name)) {
        const sender = new Sender(member, streams, to, sim.random(`${member.life} > ${to}`));
        senders.push(sender);
        const again = (): void => {
          if (sim.isOver) return;
          sender.burst();
          member.env.timers.after(EVERY_MS, again);
        };
        again();
      }
    };
    const mesh = new Mesh(sim, { names: NODES, limits: smallLimits(sim), boot });
    await sim.faults();
    await mesh.meet();
    const living = senders.filter(({ member }) => mesh.lives(member.life));
    await sim.converge("everything is confirmed", 300_000, () => {
      const pending = living.filter(({ out }) => out.pending > 0);
      return pending.length === 0 ||
        pending.map(({ member, to, out }) => `${member.life} > ${to}: ${out.pending}`).join();
    });
    for (const { out } of living) out.close();
    await mesh.rest();
    await mesh.stop();
  },
});
