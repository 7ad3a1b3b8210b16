/** What placement places in simulations, and how it is seen to live where it should. */

import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { protocol, tell } from "../../../runtime/actor/protocol.ts";
import { kind, type Placed } from "../../../runtime/cluster/kind.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import type { Birth, Census } from "./cluster_census.ts";
import type { ClusterLife } from "./cluster_mesh.ts";

const Entity = protocol("sim.entity", {
  version: 1,
  messages: { write: tell(z.object({})), linger: tell(z.object({})) },
});

/** For nodes that name an entity and host none. */
export const nobody = actor(Entity, {
  state: (_: Placed) => null,
  on: { write: () => {}, linger: () => {} },
});

/** Entities by key. */
export const SHARDS = kind("shard", nobody);

/** What all entities of a run share. */
export interface EntityRun {
  readonly census: Census;
  readonly random: SeededRandom;
  /** Nobody fails or stops by itself any more. */
  readonly isResting: boolean;
  /** Writes to something outside of the cluster. */
  write(birth: Birth): void;
}

/** How an entity behaves. */
export interface EntityHabits {
  /** It writes so often, and up to 300 ms later. */
  readonly everyMs: number;
  /** Some do not start. */
  readonly startsAlways: boolean;
}

/** An entity that writes, fails, stops by itself, and takes its time to end. */
export function entityOn(
  run: EntityRun,
  host: ClusterLife,
  { everyMs, startsAlways }: EntityHabits,
) {
  const { census, random } = run;
  return actor(Entity, {
    state: ({ key, token }: Placed, ctx): { birth: Birth; tasks: number } => {
      if (!startsAlways && random.chance(0.05)) throw new Error("planned: does not start");
      ctx.every("write", everyMs + random.next() * 300, "write", {});
      return { birth: census.born(host, key, token), tasks: 0 };
    },
    on: {
      write: ({ birth }, _, ctx) => {
        run.write(birth);
        if (run.isResting) return;
        if (random.chance(0.01)) throw new Error("planned: fails");
        if (random.chance(0.01)) ctx.stop();
        if (random.chance(0.05)) ctx.self.tell("linger", {});
      },
      linger: (state, _, ctx) => {
        state.tasks += 1;
        // It writes on while it is told to stop, and ends a while after.
        ctx.task(`linger ${state.tasks}`, () =>
          new Promise<void>((resolve) => {
            host.env.timers.after(random.next() * 2_000, () => {
              run.write(state.birth);
              resolve();
            });
          }));
      },
    },
    stopping: ({ birth }) => census.died(birth),
  });
}

/** Where a key lives, and how everybody should know it. */
export interface Lives {
  /** Once where it is wanted, else nowhere. */
  readonly isRight: boolean;
  /** For people. */
  readonly text: string;
  /** Phase and token, as `seenAs` gives them. */
  readonly known: string;
}

/** See {@link Lives}. */
export function livesOf(census: Census, key: string, isWanted: boolean): Lives {
  const living = census.living(key);
  const text = living.map(({ host, token }) => `${host.life} under ${token}`).join(", ");
  const isRight = living.length === (isWanted ? 1 : 0);
  const known = isWanted && isRight ? `held ${living[0]!.token}` : seenAs(null);
  return { isRight, text: text || "no node", known };
}

/** Where somebody knows it to be. */
export function seenAs(
  where: { readonly phase?: string; readonly token?: number } | null | undefined,
): string {
  return `${where?.phase} ${where?.token}`;
}
