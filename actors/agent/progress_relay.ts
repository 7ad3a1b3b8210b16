/** Tells the controllers how far attempts are: the last of each, at a bounded rate, and never for certain. */

import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import type { Ref } from "../../runtime/actor/ref.ts";
import type { LimitValues } from "../../runtime/base/limits.ts";
import { Fleet, FLEET_PATH } from "../fleet/messages.ts";
import { JobFeed } from "../job/messages.ts";
import type { Progress } from "../job/meter.ts";
import type { ACTOR_LIMITS } from "../limits.ts";
import type { Controllers } from "./controllers.ts";

/** What a relay is started with. */
export interface ProgressRelayArgs {
  readonly controllers: Controllers;
  /** Who on this node is told as well. */
  readonly feed: Ref<typeof JobFeed> | null;
  readonly limits: LimitValues<typeof ACTOR_LIMITS>;
}

interface State extends ProgressRelayArgs {
  readonly latest: Map<string, Progress>;
  isTimed: boolean;
}

/** The feed of an agent's attempts. */
export const progressRelay = actor(JobFeed, {
  mailbox: { capacity: 4_096, full: "drop" },
  state: (args: ProgressRelayArgs): State => ({ ...args, latest: new Map(), isTimed: false }),
  on: {
    progress: (state, told, ctx) => {
      state.feed?.tell("progress", told);
      state.latest.set(told.jobId, told.progress);
      if (state.isTimed) return;
      state.isTimed = true;
      // Nobody of the cluster says this: an empty change is the tick.
      ctx.after("tell", state.limits.relayMs, "changed", { jobs: [] });
    },
    changed: (state, _, ctx) => {
      state.isTimed = false;
      relay(state, ctx);
    },
  },
});

function relay({ latest, controllers, limits }: State, ctx: Context<typeof JobFeed>): void {
  const ref = ctx.ref(Fleet, `quorus://${controllers.next()}/${FLEET_PATH}`);
  const all = [...latest].map(([jobId, progress]) => ({ jobId, progress }));
  latest.clear();
  for (let at = 0; at < all.length; at += limits.reportEvents) {
    ref.tell("progress", { jobs: all.slice(at, at + limits.reportEvents) });
  }
}
