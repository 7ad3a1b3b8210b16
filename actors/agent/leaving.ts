/** How an agent leaves: in order, telling the cluster; or at once, keeping what its attempts have. */

import { messageOf } from "../../runtime/base/errors.ts";
import type { LimitValues } from "../../runtime/base/limits.ts";
import type { Node } from "../../runtime/actor/node.ts";
import type { Ref } from "../../runtime/actor/ref.ts";
import type { Timers } from "../../runtime/env/env.ts";
import { Fleet, FLEET_PATH } from "../fleet/messages.ts";
import type { ACTOR_LIMITS } from "../limits.ts";
import { pauseMs } from "./backoff.ts";
import type { Controllers } from "./controllers.ts";
import type { Agent } from "./messages.ts";
import type { Outbox } from "./outbox.ts";
import type { Standing } from "./standing.ts";
import type { Tally } from "./tally.ts";
import type { Underway } from "./underway.ts";

/** What leaves. */
export interface LeavingParts {
  readonly controllers: Controllers;
  readonly outbox: Outbox;
  readonly tally: Tally;
  /** What it reads for other agents. */
  readonly relayed: Pick<Underway, "whenIdle">;
  readonly standing: Standing;
  readonly limits: LimitValues<typeof ACTOR_LIMITS>;
  readonly worker: Ref<typeof Agent>;
  readonly feed: Ref;
  readonly messenger: Ref;
  readonly host: Ref;
}

/** See {@link AgentRole}; each of the two happens once. */
export class AgentLeaving {
  readonly #node: Node;
  readonly #parts: LeavingParts;
  readonly #free: () => Promise<void>;
  #draining: Promise<void> | null = null;
  #stopping: Promise<void> | null = null;
  #hasDrained = false;

  constructor(node: Node, parts: LeavingParts, free: () => Promise<void>) {
    this.#node = node;
    this.#parts = parts;
    this.#free = free;
  }

  drain(withinMs: number): Promise<void> {
    return this.#draining ??= this.#drain(withinMs);
  }

  stop(): Promise<void> {
    return this.#stopping ??= this.#stop();
  }

  async #drain(withinMs: number): Promise<void> {
    const { standing, tally, relayed, outbox, limits, worker } = this.#parts;
    const { env } = this.#node;
    standing.happened("drained", "leaving");
    const endMs = env.clock.monotonic() + withinMs;
    // All of what comes after it: whoever ends the process waits no longer, and then it is killed.
    const lastMs = endMs + limits.stopMs;
    const leftMs = (untilMs: number) => Math.max(0, untilMs - env.clock.monotonic());
    await this.#leave(false, withinMs);
    const idle = Promise.all([tally.whenIdle(), relayed.whenIdle()]);
    if (!await within(env.timers, leftMs(endMs), idle)) {
      // The rest keeps what it has and hands its leases back.
      worker.tell("close", { why: "its agent is leaving" });
      await within(env.timers, leftMs(lastMs), tally.whenIdle());
    }
    // What it has reported must be known before it is gone: it holds no lease afterwards.
    await within(env.timers, leftMs(lastMs), outbox.whenEmpty());
    await this.#leave(true, leftMs(lastMs));
    standing.happened("left", "drained");
    this.#hasDrained = true;
  }

  async #stop(): Promise<void> {
    const { worker, feed, messenger, host, tally, outbox, limits } = this.#parts;
    const { env } = this.#node;
    worker.tell("close", { why: "its agent is stopping" });
    // With no controller to take reports nothing is waited for any longer: leases are lost, not work.
    // Who has drained has waited already.
    const waitMs = this.#hasDrained ? 0 : limits.stopMs;
    await within(env.timers, waitMs, tally.whenIdle().then(() => outbox.whenEmpty()));
    outbox.close();
    await within(env.timers, limits.stopMs, tally.whenIdle());
    for (const ref of [host, worker, feed, messenger]) await this.#node.stopActor(ref);
    await this.#free();
  }

  /** Tells the cluster, whichever controller answers. */
  async #leave(deregister: boolean, withinMs: number): Promise<void> {
    const { controllers, limits } = this.#parts;
    const { env, id: agentId } = this.#node;
    const endMs = env.clock.monotonic() + withinMs;
    const why = deregister ? "drained" : "leaving";
    for (let tries = 0; env.clock.monotonic() < endMs && this.#stopping === null; tries++) {
      const node = controllers.next();
      const ref = this.#node.ref(Fleet, `quorus://${node}/${FLEET_PATH}`);
      try {
        const leftMs = Math.max(1, endMs - env.clock.monotonic());
        await ref.ask("leave", { agentId, why, deregister }, {
          withinMs: Math.min(limits.registerMs, leftMs),
        });
        return;
      } catch (error) {
        env.log.write("info", "a controller does not answer", {
          what: "leave",
          controller: node,
          why: messageOf(error),
        });
        controllers.failed(node);
        const { registerPauseMs, registerPauseMostMs } = limits;
        const ms = pauseMs(tries, registerPauseMs, registerPauseMostMs, env.random.next());
        await new Promise<void>((resolve) => env.timers.after(ms, resolve));
      }
    }
  }
}

/** Whether it settled within that time. */
async function within(timers: Timers, ms: number, work: Promise<unknown>): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = timers.after(ms, () => late.resolve(false));
  try {
    return await Promise.race([work.then(() => true), late.promise]);
  } finally {
    timer.cancel();
  }
}
