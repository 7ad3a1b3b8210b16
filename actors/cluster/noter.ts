/**
 * The leader's part that looks after what is known of the cluster itself: it notes each change in the
 * replicated state, from where every controller tells it in the live feed. It decides nothing.
 */

import { z } from "zod";
import { actor, type Context } from "../../runtime/actor/definition.ts";
import { formatAddress } from "../../runtime/actor/address.ts";
import { protocol, tell } from "../../runtime/actor/protocol.ts";
import { messageOf } from "../../runtime/base/errors.ts";
import { Archive, ARCHIVE_PATH, type ArchiveStatus } from "../archive/messages.ts";
import { clusterChanges } from "../controller/cluster_facts.ts";
import { versionOf } from "../controller/entry_version.ts";
import type { Replica } from "../controller/replica.ts";
import type { Board } from "../fleet/board.ts";
import { factsOf, type SightLimits } from "./sight.ts";

/** What the actor tells itself. */
export const Noter = protocol("quorus.noter", {
  version: 1,
  messages: {
    /** It is time to look for changes. */
    look: tell(z.object({})),
    /** It is time to ask for the archives. */
    askArchives: tell(z.object({})),
  },
});

/** What it is started with. */
export interface NoterArgs {
  readonly replica: Pick<Replica, "state" | "raft" | "propose" | "version">;
  readonly board: Pick<Board, "heldBack">;
  /** The archives of all controllers, filled here for whoever shows them. */
  readonly archives: Map<string, ArchiveStatus>;
  /** The term in which this node leads. */
  readonly term: number;
  readonly limits: SightLimits;
}

interface State extends NoterArgs {
  readonly leadsSinceMs: number;
  isNoting: boolean;
  isAsking: boolean;
}

type Here = Context<typeof Noter>;

/** See the head of this file. */
export const noter = actor(Noter, {
  state: (args: NoterArgs, ctx): State => {
    args.archives.clear();
    ctx.every("look", args.limits.noteLookMs, "look", {});
    ctx.every("askArchives", args.limits.archiveAskMs, "askArchives", {});
    ctx.self.tell("askArchives", {});
    ctx.self.tell("look", {});
    const leadsSinceMs = ctx.env.clock.monotonic();
    return { ...args, leadsSinceMs, isNoting: false, isAsking: false };
  },
  on: {
    look: (state, _, ctx) => look(state, ctx),
    askArchives: (state, _, ctx) => {
      if (state.isAsking) return;
      state.isAsking = true;
      ctx.task("archives", () => askArchives(state, ctx));
    },
  },
  done: (state, task, ctx) => {
    if (task.name === "archives") state.isAsking = false;
    else state.isNoting = false;
    if (!task.ok) {
      ctx.log("info", "a change of the cluster is not noted yet", {
        reason: messageOf(task.error),
      });
    }
  },
  stopping: ({ archives }) => archives.clear(),
});

function look(state: State, ctx: Here): void {
  const { replica, board: { heldBack }, archives, term, limits } = state;
  // Controllers of an earlier version could not apply it.
  if (state.isNoting || replica.version < versionOf("noteCluster")) return;
  const { noted } = replica.state;
  const { clock } = ctx.env;
  const facts = factsOf({
    ...{ status: replica.raft.status(), term, heldBack, archives, noted },
    leadsMs: clock.monotonic() - state.leadsSinceMs,
    nowMs: clock.now(),
  }, limits);
  if (clusterChanges(noted, facts).length === 0) return;
  state.isNoting = true;
  ctx.task("note", () => replica.propose({ type: "noteCluster", term, facts }));
}

/** Who does not answer keeps what was known of it. */
async function askArchives(
  { replica, archives, limits }: State,
  ctx: Here,
): Promise<void> {
  const { configuration: { members } } = replica.raft.status();
  const ids = members.filter(({ witness }) => !witness).map(({ id }) => id);
  for (const known of [...archives.keys()]) if (!ids.includes(known)) archives.delete(known);
  await Promise.all(ids.map(async (id) => {
    const ref = ctx.ref(Archive, formatAddress(id, ARCHIVE_PATH));
    try {
      archives.set(id, await ref.ask("status", {}, { withinMs: limits.archiveAnswerMs }));
    } catch {
      // It is down, or busy: that is told by who does not hear it.
    }
  }));
}
