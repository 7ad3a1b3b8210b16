/** A tree of actors that fail at random, and tell a model of everything that happens to them. */

import { z } from "zod";
import { actor, type Context } from "../../../runtime/actor/definition.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import type { Ref } from "../../../runtime/actor/ref.ts";
import type { ChildrenPolicy } from "../../../runtime/actor/supervision.ts";
import type { Env } from "../../../runtime/env/env.ts";
import type { SupervisionModel } from "./supervision_model.ts";

/** A policy with its intensity. */
export type SupervisedPolicy = ChildrenPolicy & { readonly max: number; readonly perMs: number };

/** What a leaf does with a piece of work. */
export const DEEDS = ["fine", "throw", "wait", "waitAndThrow", "task", "failingTask"] as const;
/** One of {@link DEEDS}. */
export type Deed = typeof DEEDS[number];

export const Leaf = protocol("sim.leaf", {
  version: 1,
  messages: {
    work: tell(z.object({ deed: z.enum(DEEDS), ms: z.number() })),
    serve: ask(z.object({ deed: z.enum(DEEDS), ms: z.number() }), z.number()),
  },
});

const Supervising = protocol("sim.supervising", { version: 1, messages: {} });

export const Watcher = protocol("sim.watcher", {
  version: 1,
  messages: {
    hatch: tell(z.object({ words: z.number(), ms: z.number(), throws: z.boolean() })),
    said: tell(z.object({ by: z.string() })),
  },
});

const Mayfly = protocol("sim.mayfly", { version: 1, messages: { speak: tell(z.object({})) } });

/** A subtree: supervisors of supervisors of leaves. */
export interface Subtree {
  readonly name: string;
  readonly policy: SupervisedPolicy;
  readonly below: readonly Subtree[];
  readonly leaves: readonly string[];
  /** How often a leaf's second and later starts fail. */
  readonly startFailureRate: number;
}

interface Life {
  readonly model: SupervisionModel;
  readonly found: (leaf: Ref<typeof Leaf>) => void;
}

interface Identity {
  readonly key: string;
  readonly address: string;
  readonly env: Env;
  readonly below: string | null;
}

interface Planted<A> extends Life {
  readonly below: string | null;
  readonly what: A;
}

/** A supervisor; its own code never fails. */
const supervising = actor(Supervising, {
  state: (planted: Planted<Subtree>, ctx) => {
    const { model, what } = planted;
    const own = begin(ctx, planted);
    model.supervises(own.key, what.policy);
    for (const subtree of what.below) plant(ctx, planted, own.key, subtree);
    for (const name of what.leaves) {
      const args = { ...planted, below: own.key, what: what.startFailureRate };
      planted.found(ctx.spawn(leaf, { name, args }));
    }
    return { own, model };
  },
  on: {},
  stopping: ({ own, model }, reason) => {
    model.supervisorEnds(own.key, reason);
    model.ends(own.address, reason, own.env.clock.monotonic(), own.below);
  },
});

/** Spawns a subtree; each one has its own policy, so it is a definition of its own. */
export function plant(
  parent: Pick<Context, "spawn">,
  life: Life,
  below: string | null,
  what: Subtree,
): void {
  const definition = { ...supervising, children: what.policy };
  const args = { model: life.model, found: life.found, below, what };
  parent.spawn(definition, { name: what.name, args });
}

const leaf = actor(Leaf, {
  mailbox: { capacity: 64 },
  state: (planted: Planted<number>, ctx) => {
    if (ctx.incarnation > 1 && ctx.env.random.next() < planted.what) {
      planted.model.fails(ctx.env.clock.monotonic(), planted.below!);
      throw new Error("planned: does not start");
    }
    return { own: begin(ctx, planted), model: planted.model, tasks: 0 };
  },
  on: {
    work: (state, { deed, ms }, ctx) => act(state, deed, ms, ctx),
    serve: async (state, { deed, ms }, ctx) => {
      await act(state, deed, ms, ctx);
      return ms;
    },
  },
  stopping: ({ own, model }, reason) =>
    model.ends(own.address, reason, own.env.clock.monotonic(), own.below),
});

interface LeafState {
  readonly own: Identity;
  readonly model: SupervisionModel;
  tasks: number;
}

function act(
  state: LeafState,
  deed: Deed,
  ms: number,
  ctx: Context<typeof Leaf>,
): Promise<void> | void {
  const { env } = ctx;
  switch (deed) {
    case "fine":
      return;
    case "throw":
      throw new Error("planned: throws");
    case "wait":
      return pause(env, ms);
    case "waitAndThrow":
      return pause(env, ms).then(() => {
        throw new Error("planned: throws later");
      });
    default:
      return startTask(state, deed === "failingTask", ms, ctx);
  }
}

function startTask(
  state: LeafState,
  isFailing: boolean,
  ms: number,
  ctx: Context<typeof Leaf>,
): void {
  const { own, model } = state;
  state.tasks += 1;
  model.taskBegins(own.address);
  ctx.task(`task ${state.tasks}`, async () => {
    try {
      await pause(own.env, ms);
      if (isFailing) throw new Error("planned: a task fails");
    } finally {
      model.taskEnds(own.address);
    }
  });
}

/** Watches actors that live for a moment; some watches come when the actor has gone. */
export const watcher = actor(Watcher, {
  mailbox: { capacity: 10_000 },
  state: (model: SupervisionModel) => ({ model, late: new Set<string>() }),
  on: {
    hatch: (state, { words, ms, throws }, ctx) => {
      const fly = ctx.spawn(mayfly, {
        restart: "temporary",
        args: { model: state.model, to: ctx.self, words, ms, throws },
      });
      state.model.watched();
      ctx.watch(fly);
    },
    said: (state, { by }) => state.model.told(by),
  },
  ended: (state, { ref }, ctx) => {
    const isLate = state.late.delete(ref.address);
    state.model.ended(ref.address, isLate);
    if (isLate || ctx.env.random.next() < 0.5) return;
    state.late.add(ref.address);
    state.model.watched();
    ctx.watch(ref);
  },
});

interface MayflyArgs {
  readonly model: SupervisionModel;
  readonly to: Ref<typeof Watcher>;
  readonly words: number;
  readonly ms: number;
  readonly throws: boolean;
}

const mayfly = actor(Mayfly, {
  state: (args: MayflyArgs, ctx) => {
    ctx.after("speak", args.ms, "speak", {});
    return args;
  },
  on: {
    speak: ({ model, to, words, throws }, _, ctx) => {
      for (let word = 0; word < words; word += 1) {
        if (to.tell("said", { by: ctx.self.address }) === "accepted") model.tells(ctx.self.address);
      }
      if (throws) throw new Error("planned: a mayfly");
      ctx.stop();
    },
  },
});

function begin(ctx: Context, { model, below }: Planted<unknown>): Identity {
  const { address } = ctx.self;
  model.begins(address, ctx.incarnation, below);
  return {
    key: `${address}#${ctx.incarnation}@${ctx.env.clock.monotonic()}`,
    address,
    env: ctx.env,
    below,
  };
}

function pause(env: Env, ms: number): Promise<void> {
  return new Promise((resolve) => env.timers.after(ms, resolve));
}
