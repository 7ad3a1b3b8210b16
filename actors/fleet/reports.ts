/** Reports of an agent as commands: many of them share one, where all controllers know how to. */

import type { BodyOf } from "../../runtime/actor/protocol.ts";
import { isOfMany, versionOf } from "../controller/entry_version.ts";
import type { Replica } from "../controller/replica.ts";
import { limitValues } from "../../runtime/base/limits.ts";
import { ACTOR_LIMITS } from "../limits.ts";
import type { Fleet } from "./messages.ts";

const LIMITS = limitValues(ACTOR_LIMITS);
/** Events of one command: it is to be short, so that what stands behind it in the log need not wait. */
const TOGETHER = 64;

type Events = BodyOf<typeof Fleet, "report">["events"];

/** For each event why it did not hold, empty if it did. Rejects as `commit` does: some may be committed. */
export async function commitReports(replica: Replica, events: Events): Promise<string[][]> {
  const together = replica.version >= versionOf("jobEvents") ? TOGETHER : 1;
  const commands: Events[] = [];
  let room = 0;
  for (const one of events) {
    const isAlone = isOfMany(one.event);
    if (isAlone || room === 0) commands.push([one]);
    else commands.at(-1)!.push(one);
    room = isAlone ? 0 : room === 0 ? together - 1 : room - 1;
  }
  return (await Promise.all(commands.map((some) => commit(replica, some)))).flat();
}

async function commit(replica: Replica, events: Events): Promise<string[][]> {
  const [first, ...others] = events;
  if (first === undefined) return [];
  // The message they came in has the schema of the commands.
  const options = { withinMs: LIMITS.groupProposeMs, isParsed: true };
  if (others.length === 0) {
    const { refused } = await replica.commit({ type: "jobEvent", ...first }, options);
    return [[...refused]];
  }
  const { refused, refusedAt = [] } = await replica.commit({ type: "jobEvents", events }, options);
  return events.map((_, place) => refused.filter((_, at) => refusedAt[at] === place));
}
