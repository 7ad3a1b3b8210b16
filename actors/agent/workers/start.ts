/**
 * The Workers of an agent, supervised:
 *
 * ```text
 * quorus://NODE/workers                     starts those again that end by themselves
 *                      /w1                  keeps one Worker: takes its reports, has its checkpoints
 * quorus://NODE.w1/attempts                 carries attempts out
 *                          /JOB.LEASE       one attempt
 * ```
 */

import { actor } from "../../../runtime/actor/definition.ts";
import { protocol } from "../../../runtime/actor/protocol.ts";
import { messageOf } from "../../../runtime/base/errors.ts";
import type { AttemptTools } from "../../job/tools.ts";
import { AgentError } from "../errors.ts";
import type { Volume } from "../registration.ts";
import { keeper, type KeeperArgs, type KeepersShare } from "./keeper.ts";
import { Roster } from "./roster.ts";
import { limitsOfThread } from "./tools.ts";

/** How an agent's Workers are started. */
export interface WorkersOptions {
  /** How many, two or more. */
  readonly count: number;
  /** Absolute URL of a module that awaits `serveAttempts`. */
  readonly module: string | URL;
  /** Plain data for that module; no secrets, as it is copied to every Worker. */
  readonly own: unknown;
}

/** What they need of their agent. */
export interface WorkersNeeds extends Omit<KeepersShare, "roster"> {
  /** Of the agent; the locks of its Workers lie in it. */
  readonly folder: string;
  readonly volumes: readonly Volume[];
}

/** The Workers of an agent. */
export interface AgentWorkers {
  readonly roster: Roster;
  /** Ends all of them; resolves when their threads are gone. */
  stop(): Promise<void>;
}

const Workers = protocol("quorus.workers", { version: 1, messages: {} });

/** Children to spawn: each keeper by its name. */
interface WorkersArgs {
  readonly keepers: readonly (readonly [name: string, args: KeeperArgs])[];
}

const supervisor = ({ workerRestarts, workerRestartsMs }: AttemptTools["limits"]) =>
  actor(Workers, {
    children: { strategy: "oneForOne", max: workerRestarts, perMs: workerRestartsMs },
    state: ({ keepers }: WorkersArgs, ctx) => {
      for (const [name, args] of keepers) {
        ctx.spawn(keeper, { name, restart: "permanent", args });
      }
      return null;
    },
    on: {},
  });

/** Starts them; resolves when all take attempts. AgentError `worker` where one cannot be started. */
export async function startWorkers(
  options: WorkersOptions,
  needs: WorkersNeeds,
): Promise<AgentWorkers> {
  const { node, tools } = needs;
  const share = limitsOfThread(tools.limits, options.count).poolBytes;
  if (share < tools.limits.workerPoolBytes) {
    throw new AgentError(
      "worker",
      `cannot start ${options.count} Workers: each would have ${share} bytes of ` +
        `buffers; start fewer, or raise poolBytes`,
    );
  }
  const names = Array.from({ length: options.count }, (_, at) => `w${at + 1}`);
  const roster = new Roster(names.map((name) => `${node.id}.${name}`));
  const starts = names.map(() => Promise.withResolvers<void>());
  const keepers = names.map((name, at) => {
    const { resolve, reject } = starts[at]!;
    const started = (error: unknown) => error === null ? resolve() : reject(error);
    return [name, keeperArgs(name, options, { ...needs, roster }, started)] as const;
  });
  const ref = node.spawn(supervisor(tools.limits), {
    name: "workers",
    restart: "permanent",
    args: { keepers },
  });
  const stop = async () => void await node.stopActor(ref);
  try {
    await Promise.all(starts.map(({ promise }) => promise));
    return { roster, stop };
  } catch (cause) {
    await stop();
    const why = `cannot start a Worker of ${options.module}: ${messageOf(cause)}`;
    throw new AgentError("worker", `${why}; with workers: 0 the agent goes without`, { cause });
  }
}

function keeperArgs(
  name: string,
  { count, module, own }: WorkersOptions,
  { folder, volumes, ...share }: WorkersNeeds & { readonly roster: Roster },
  started: (error: unknown) => void,
): KeeperArgs {
  const { limits, sync } = share.tools;
  const opening = {
    ...{ lock: `${folder}/${name}.lock`, sync, own },
    limits: limitsOfThread(limits, count),
    volumes: [...volumes],
  };
  const plan = { id: `${share.node.id}.${name}`, module: String(module), opening };
  const { node, roster, tools, keys, tally, feed } = share;
  return { node, roster, tools, keys, tally, feed, plan, started };
}
