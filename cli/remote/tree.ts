/** The living tree of actors, as `inspect` shows it; pure. */

import { z } from "zod";
import { formatDuration } from "../../runtime/base/units.ts";
import type { Agent } from "../../client.ts";
import { clean } from "../show/text.ts";

const actor = z.looseObject({
  address: z.string(),
  phase: z.string().default("running"),
  restarts: z.number().default(0),
  mailboxDepth: z.number().default(0),
  oldestMessageMs: z.number().default(0),
  handling: z.string().nullable().default(null),
  tasks: z.array(z.string()).default([]),
  children: z.array(z.unknown()).default([]),
});
type Actor = z.infer<typeof actor>;

/** The lines of a tree: each actor, and what is not as it is at rest. */
export function treeLines(tree: unknown): string[] {
  return (Array.isArray(tree) ? tree : [tree]).flatMap((one) => actorLines(one, 0));
}

function actorLines(value: unknown, depth: number): string[] {
  const parsed = actor.safeParse(value);
  if (!parsed.success) return [];
  const { address, children } = parsed.data;
  const name = depth === 0 ? address : address.slice(address.lastIndexOf("/") + 1);
  const facts = factsOf(parsed.data);
  const line = `${"  ".repeat(depth)}${name}${facts.length === 0 ? "" : `  (${facts.join(", ")})`}`;
  return [clean(line), ...children.flatMap((child) => actorLines(child, depth + 1))];
}

const workers = z.array(z.object({
  node: z.string(),
  isUp: z.boolean(),
  transfers: z.number(),
  restarts: z.number(),
}));

/** The lines of agents: how many attempts each has, and how many of them its Workers carry out. */
export function agentLines(agents: readonly Agent[]): string[] {
  return agents.flatMap(({ id, status, leases, heartbeat }) => {
    const parsed = workers.safeParse(heartbeat?.["workers"]);
    const threads = (parsed.success ? parsed.data : []).map((worker) => {
      const { node, isUp, transfers, restarts } = worker;
      const facts = [isUp ? `${transfers} transfers` : "down"];
      if (restarts > 0) facts.push(`${restarts} restarts`);
      return `  quorus://${node}/attempts  (${facts.join(", ")})`;
    });
    return [`quorus://${id}/agent  (${status}, ${leases} leases)`, ...threads].map(clean);
  });
}

function factsOf(one: Actor): string[] {
  const facts: string[] = [];
  if (one.phase !== "running") facts.push(one.phase);
  if (one.restarts > 0) facts.push(`${one.restarts} restarts`);
  if (one.mailboxDepth > 0) {
    facts.push(`${one.mailboxDepth} waiting, for ${formatDuration(one.oldestMessageMs)}`);
  }
  if (one.handling !== null) facts.push(`handling ${one.handling}`);
  if (one.tasks.length > 0) facts.push(`tasks ${one.tasks.join(" ")}`);
  return facts;
}
