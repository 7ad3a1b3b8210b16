/**
 * A Hono service with a node inside: run it with `deno run -A examples/12_hono.ts 8000`.
 *
 * ```sh
 * curl -X POST localhost:8000/polls/lunch/votes -d '{"choice":"soup"}'
 * curl localhost:8000/polls/lunch
 * curl localhost:8000/metrics
 * ```
 *
 * 1. Routes ask actors: one actor per poll, so votes are counted one by one without a lock.
 * 2. What goes wrong below has a code, and `retryable` says whether to try again: 503 or 500.
 * 3. Ctrl-C stops in order: no new requests, those under way end, then the actors.
 */

import process from "node:process";
import { type Context, Hono } from "hono";
import { z } from "zod";
import {
  actor,
  actorMetrics,
  ask,
  linkMetrics,
  PROMETHEUS_CONTENT_TYPE,
  prometheusText,
  protocol,
  QuorusError,
  startNode,
} from "@quorus/quorus";

const Votes = z.record(z.string(), z.number());
const Poll = protocol("example.poll", {
  version: 1,
  messages: {
    vote: ask(z.object({ choice: z.string().min(1).max(40) }), Votes),
    votes: ask(z.object({}), Votes),
  },
});
const poll = actor(Poll, {
  state: () => new Map<string, number>(),
  on: {
    vote: (votes, { choice }) => {
      votes.set(choice, (votes.get(choice) ?? 0) + 1);
      return Object.fromEntries(votes);
    },
    votes: (votes) => Object.fromEntries(votes),
  },
});

const node = startNode({ id: "polls", logLevel: "warn" });
for (const name of ["lunch", "dinner"]) node.spawn(poll, { name: `poll/${name}` });

const pollOf = (c: Context) => node.ref(Poll, `quorus://polls/poll/${c.req.param("name")}`);
const vote = Poll.messages.vote.body;

const app = new Hono();
app.post("/polls/:name/votes", async (c) => {
  const body = vote.safeParse(await c.req.json().catch(() => null)); // nobody outside is trusted
  if (!body.success) return c.json({ error: z.prettifyError(body.error) }, 400);
  return c.json(await pollOf(c).ask("vote", body.data, { withinMs: 1_000 }));
});
app.get("/polls/:name", async (c) => c.json(await pollOf(c).ask("votes", {}, { withinMs: 1_000 })));
app.get("/metrics", (c) => {
  const text = prometheusText([
    ...actorMetrics(node.id, node.metrics()),
    ...linkMetrics(node.id, node.links.peers()), // empty until `startNode` is given `links`
  ]);
  return c.body(text, 200, { "content-type": PROMETHEUS_CONTENT_TYPE });
});
app.onError((error, c) => {
  if (!(error instanceof QuorusError)) return c.json({ error: "internal" }, 500);
  if (["NoSuchActor", "BadName"].includes(error.code)) {
    return c.json({ error: "no such poll" }, 404);
  }
  return c.json({ error: error.code }, error.retryable ? 503 : 500);
});

const server = Deno.serve({ port: Number(Deno.args[0] ?? 8000) }, app.fetch);

async function stop(): Promise<void> {
  await server.shutdown();
  await node.stop();
}
process.once("SIGINT", () => void stop());
process.once("SIGTERM", () => void stop());
