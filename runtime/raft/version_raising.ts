/** Takes a group on to a later version of its machine: the leader proposes it once every member has it. */

import { messageOf } from "../base/errors.ts";
import type { Env, TimerHandle } from "../env/env.ts";
import { everyone } from "./core/configuration.ts";
import type { RaftEvent } from "./core/outputs.ts";
import type { RaftStatus } from "./core/status.ts";
import type { RaftLimits } from "./limits.ts";
import type { SessionCommand } from "./session_state.ts";

/** What it needs of a member. */
export interface RaisingParts {
  readonly env: Pick<Env, "timers" | "log">;
  readonly group: string;
  readonly limits: Pick<RaftLimits, "electionMs" | "versionLookMs">;
  /** The highest that this member can apply. */
  readonly current: number;
  readonly inForce: () => number;
  readonly status: () => RaftStatus;
  readonly subscribe: (listener: (event: RaftEvent) => void) => () => void;
  readonly propose: (command: SessionCommand<never>) => Promise<unknown>;
}

/** Looks after the version until the function it returns is called; does nothing where it is in force. */
export function raiseVersion(parts: RaisingParts): () => void {
  const { env, limits, current, inForce, status, subscribe } = parts;
  let timer: TimerHandle | null = null;
  const lookLater = (): void => {
    timer?.cancel();
    timer = current > inForce() ? env.timers.after(limits.versionLookMs, look) : null;
  };
  const look = async (): Promise<void> => {
    timer = null;
    const now = status();
    if (now.role !== "leader") return;
    const to = reached(now, current, limits.electionMs);
    if (to > inForce()) await raise(parts, to);
    if (!isOver) lookLater();
  };
  let isOver = false;
  const unsubscribe = subscribe((event) => {
    if (event.type === "role" && event.role === "leader") lookLater();
  });
  return () => {
    isOver = true;
    unsubscribe();
    timer?.cancel();
  };
}

/** Who fails to propose it now proposes it again at the next look. */
async function raise({ env, group, propose }: RaisingParts, version: number): Promise<void> {
  try {
    await propose({ do: "raise", version });
    env.log.write("info", "a Raft group goes on under a later version of its machine", {
      group,
      version,
    });
  } catch (error) {
    const facts = { group, version, reason: messageOf(error) };
    env.log.write("debug", "a later version of a machine could not be proposed", facts);
  }
}

/** What all can apply who have a state, and answer: one that comes back may come with another program. */
function reached({ id, configuration, peers }: RaftStatus, own: number, silentMs: number): number {
  let version = own;
  for (const member of everyone(configuration)) {
    if (member.id === id || member.witness) continue;
    const peer = peers.find((one) => one.id === member.id);
    const isHeard = peer !== undefined && peer.silentMs < silentMs;
    version = Math.min(version, isHeard ? peer.machineVersion ?? 0 : 0);
  }
  return version;
}
