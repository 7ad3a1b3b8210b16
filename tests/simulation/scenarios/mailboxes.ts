/** Bounded mailboxes of every policy under many senders, against a model that is only a list. */

import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { ActorError } from "../../../runtime/actor/errors.ts";
import { type Node, startNode } from "../../../runtime/actor/node.ts";
import { protocol, tell } from "../../../runtime/actor/protocol.ts";
import type { Ref } from "../../../runtime/actor/ref.ts";
import { ACTOR_LIMITS } from "../../../runtime/actor/limits.ts";
import type { TimerHandle } from "../../../runtime/env/env.ts";
import type { SimulatedEnv } from "../../../runtime/sim/env.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { nothingWaits } from "./quiet.ts";

const NODE = "node";
const POLICIES = ["wait", "reject", "drop"] as const;
type Policy = typeof POLICIES[number];

const Sink = protocol("sim.sink", {
  version: 1,
  messages: {
    take: tell(z.object({ sender: z.number(), number: z.number(), ms: z.number() })),
  },
});

/** A message that was taken; one that waits for room may still be given up. */
interface Entry {
  readonly sender: number;
  readonly number: number;
  isIn: boolean;
}

/** What is known of one mailbox: one list, whose first ones are in it. */
class Model {
  readonly queue: Entry[] = [];
  readonly last = new Map<number, number>();
  readonly seen = { handled: 0, dropped: 0, refused: 0, waited: 0, givenUp: 0 };

  constructor(readonly policy: Policy, readonly capacity: number) {}

  get waiting(): number {
    return this.queue.filter(({ isIn }) => !isIn).length;
  }

  /** Takes the first out; says what is wrong with it. */
  handle(sender: number, number: number): string | null {
    const first = this.queue.shift();
    this.seen.handled += 1;
    const last = this.last.get(sender) ?? 0;
    this.last.set(sender, number);
    if (number <= last) return `${number} of sender ${sender} after ${last}`;
    if (first?.sender === sender && first.number === number) return null;
    return `${sender}/${number} in place of ${first?.sender}/${first?.number}`;
  }
}

const sink = actor(Sink, {
  state: (args: { readonly model: Model; readonly sim: Simulation }) => args,
  on: {
    take: ({ model, sim }, { sender, number, ms }, ctx) => {
      const wrong = model.handle(sender, number);
      sim.check("messages keep their order", wrong === null, wrong);
      if (ms === 0) return;
      return new Promise<void>((resolve) => ctx.env.timers.after(ms, resolve));
    },
  },
});

interface Body {
  readonly sender: number;
  readonly number: number;
  readonly ms: number;
}

/** One life of the node: a mailbox of each policy, and its senders. */
class Life {
  readonly node: Node;
  readonly models: readonly Model[];
  readonly #sim: Simulation;
  readonly #env: SimulatedEnv;
  readonly #gapMs: number;
  readonly #slowMs: number;
  readonly #next = new Map<number, TimerHandle>();
  readonly #refs: readonly Ref<typeof Sink>[];
  #isResting = false;
  #number = 0;

  constructor(sim: Simulation, env: SimulatedEnv) {
    const random = sim.random("load");
    this.#sim = sim;
    this.#env = env;
    this.#gapMs = [1, 10, 100][random.integer(0, 2)]!;
    this.#slowMs = [0, 5, 50][random.integer(0, 2)]!;
    const limits = sim.limits(ACTOR_LIMITS, { turnMessages: [1, 8], actorMessages: [1, 4] });
    this.node = startNode(env, { id: NODE, limits });
    this.models = POLICIES.map((policy) => new Model(policy, [1, 2, 8][random.integer(0, 2)]!));
    this.#refs = this.models.map((model) =>
      this.node.spawn({ ...sink, capacity: model.capacity, full: model.policy }, {
        name: model.policy,
        args: { model, sim },
      })
    );
    const senders = random.integer(1, 6);
    for (let sender = 1; sender <= senders; sender += 1) this.#work(sender);
  }

  /** No more messages; those that wait go on. */
  rest(): void {
    this.#isResting = true;
    for (const timer of this.#next.values()) timer.cancel();
  }

  /** Nothing is in the mailboxes or waits for room. */
  get isDone(): boolean {
    return this.models.every(({ queue }) => queue.length === 0);
  }

  /** Holds between any two events. */
  broken(): string | null {
    for (const [index, view] of this.node.inspect().entries()) {
      const { queue, waiting, capacity, seen } = this.models[index]!;
      const { mailboxDepth, waitingSenders, dropped, address } = view;
      if (mailboxDepth > capacity) return `${address} holds ${mailboxDepth} of ${capacity}`;
      const isIn = queue.length - waiting;
      if (mailboxDepth !== isIn) return `${address} holds ${mailboxDepth}, not ${isIn}`;
      // Those that gave up stay in line until their turn.
      if (waitingSenders < waiting) return `${waiting} wait for ${address}, not ${waitingSenders}`;
      if (waiting > 0 && mailboxDepth < capacity) return `${address} has room for who waits`;
      if (dropped !== seen.dropped) return `${address} dropped ${seen.dropped}, not ${dropped}`;
    }
    return null;
  }

  #work(sender: number): void {
    const { random } = this.#env;
    const index = Math.floor(random.next() * this.models.length);
    const again = () => {
      if (this.#isResting) return;
      const gapMs = random.next() * 2 * this.#gapMs;
      this.#next.set(sender, this.#env.timers.after(gapMs, () => this.#work(sender)));
    };
    const body = {
      sender,
      number: this.#number += 1,
      ms: Math.floor(random.next() * this.#slowMs),
    };
    if (random.next() < 0.5) {
      this.#tell(index, body);
      again();
    } else void this.#send(index, body).then(again);
  }

  #hasRoom(index: number): boolean {
    const { mailboxDepth, waitingSenders } = this.node.inspect()[index]!;
    return mailboxDepth < this.models[index]!.capacity && waitingSenders === 0;
  }

  #tell(index: number, body: Body): void {
    const { policy, queue, seen } = this.models[index]!;
    const full = policy === "drop" ? "dropped" : "full";
    const expected = this.#hasRoom(index) ? "accepted" : full;
    const delivery = this.#refs[index]!.tell("take", body);
    const details = { delivery, expected, policy };
    this.#sim.check("a tell says what became of it", delivery === expected, details);
    if (delivery === "accepted") queue.push({ ...body, isIn: true });
    else if (delivery === "dropped") seen.dropped += 1;
    else seen.refused += 1;
  }

  async #send(index: number, body: Body): Promise<void> {
    const model = this.models[index]!;
    const entry: Entry = { ...body, isIn: this.#hasRoom(index) };
    const isQueued = entry.isIn || model.policy === "wait";
    if (isQueued) model.queue.push(entry);
    else if (model.policy === "drop") model.seen.dropped += 1;
    if (!entry.isIn && isQueued) model.seen.waited += 1;
    const abort = new AbortController();
    const giveUp = () => {
      if (!entry.isIn) model.queue.splice(model.queue.indexOf(entry), 1);
      abort.abort();
    };
    const isImpatient = this.#env.random.next() < 0.2;
    const timer = isImpatient ? this.#env.timers.after(20, giveUp) : null;
    try {
      await this.#refs[index]!.send("take", body, { signal: abort.signal });
      entry.isIn = true;
    } catch (error) {
      this.#refused(model, error, isQueued);
    } finally {
      timer?.cancel();
    }
  }

  #refused({ policy, seen }: Model, error: unknown, isQueued: boolean): void {
    const code = error instanceof ActorError ? error.code : String(error);
    const isExpected = isQueued
      ? policy === "wait" && code === "Cancelled"
      : policy === "reject" && code === "MailboxFull";
    this.#sim.check("a send says why it failed", isExpected, { code, policy });
    if (isQueued) seen.givenUp += 1;
    else seen.refused += 1;
  }
}

export const mailboxes = scenario({
  name: "runtime/mailboxes",
  describe: "mailboxes stay in their bounds and in order, whoever waits, is refused or is dropped",
  durationMs: 20_000,
  nodes: [NODE],
  faults: { kinds: ["crash", "stop", "slow", "drift"], intensity: [0, 0.6] },
  sometimes: ["a sender waits", "a sender gives up", "a refusal", "a drop", "a second life"],
  run: async (sim) => {
    const lives: Life[] = [];
    sim.cluster.start(NODE, (env) => void lives.push(new Life(sim, env)));
    sim.invariant("mailboxes are as the model", () => lives.at(-1)?.broken() ?? null);
    await sim.faults();
    const life = lives.at(-1)!;
    life.rest();
    await sim.converge("everything is handled", 60_000, () => life.isDone);
    await sim.complete(life.node.stop());
    const sum = (what: keyof Model["seen"]) =>
      lives.reduce((all, { models }) => models.reduce((one, { seen }) => one + seen[what], all), 0);
    sim.sometimes("a sender waits", sum("waited") > 0);
    sim.sometimes("a sender gives up", sum("givenUp") > 0);
    sim.sometimes("a refusal", sum("refused") > 0);
    sim.sometimes("a drop", sum("dropped") > 0);
    sim.sometimes("a second life", lives.length > 1);
    await nothingWaits(sim);
  },
});
