/**
 * The store over HTTP. What a status says:
 *
 * | status | meaning |
 * |---|---|
 * | 200, 201, 204 | done, by a majority |
 * | 404 | there is no such key |
 * | 409 | it was certainly not done; `retryable` says whether to try again |
 * | 412 | `If-Match` or `If-None-Match` did not hold; the ETag is the key's version |
 * | 503 | nobody knows whether it was done: ask again with the same `Idempotency-Key` |
 */

import { type Context, Hono } from "hono";
import { streamText } from "hono/streaming";
import {
  type Group,
  PROMETHEUS_CONTENT_TYPE,
  prometheusText,
  raftMetrics,
  type ReadConsistency,
} from "@quorus/quorus";
import { changesAfter, type Command, list, type Outcome, type Store } from "./store.ts";

const WITHIN_MS = 5_000;
const LISTED = 1_000;

type Kv = Group<Store, Command, Outcome>;

/** The routes of one member. */
export function door(group: Kv): Hono {
  const app = new Hono();
  const key = (c: Context) => decodeURIComponent(c.req.path.slice("/kv/".length));
  app.get("/kv", (c) => listing(group, c));
  app.get("/kv/*", async (c) => {
    const item = await group.read(({ items }) => items.get(key(c)), reading(c));
    if (item === undefined) return c.json({ error: "NotFound" }, 404);
    return c.text(item.value, 200, { etag: `"${item.version}"` });
  });
  app.put("/kv/*", async (c) => {
    const value = await c.req.text();
    return await write(group, c, { do: "put", key: key(c), value, ...condition(c) });
  });
  app.delete("/kv/*", (c) => write(group, c, { do: "delete", key: key(c), ...condition(c) }));
  app.get("/watch", (c) => watching(group, c));
  app.get("/status", (c) => c.json(group.status()));
  app.get("/metrics", (c) =>
    c.text(prometheusText(raftMetrics([group.status()])), 200, {
      "content-type": PROMETHEUS_CONTENT_TYPE,
    }));
  members(app, group);
  app.onError((error, c) => {
    const { code = "Unexpected", definite = false, retryable = false, message } = error as {
      code?: string;
      definite?: boolean;
      retryable?: boolean;
      message: string;
    };
    const status = definite ? 409 : 503;
    const headers = retryable ? { "retry-after": "1" } : {};
    return c.json({ error: code, message, retryable }, status, headers);
  });
  return app;
}

/** The same key of a client is the same write, however often it is sent. */
async function write(group: Kv, c: Context, command: Command): Promise<Response> {
  const id = c.req.header("idempotency-key");
  const options = { withinMs: WITHIN_MS };
  const { result } = id === undefined
    ? await group.propose(command, options)
    : await group.proposeOnce(id, command, options);
  const etag = { etag: `"${result.version}"` };
  if (!result.done) return c.json({ error: "Mismatch", version: result.version }, 412, etag);
  return result.version === 0 ? c.body(null, 204) : c.json({ version: result.version }, 200, etag);
}

function condition(c: Context): { ifVersion?: number } {
  if (c.req.header("if-none-match") === "*") return { ifVersion: 0 };
  const match = c.req.header("if-match");
  if (match === undefined) return {};
  // What is no version of ours never matches.
  return { ifVersion: /^"?\d+"?$/.test(match) ? Number(match.replaceAll('"', "")) : -1 };
}

function reading(c: Context): { consistency: ReadConsistency; withinMs: number } {
  const wanted = c.req.query("consistency");
  const consistency = wanted === "stale" || wanted === "clock" ? wanted : "linearizable";
  return { consistency, withinMs: WITHIN_MS };
}

async function listing(group: Kv, c: Context): Promise<Response> {
  const prefix = c.req.query("prefix") ?? "";
  const items = await group.read((state) => list(state, prefix, LISTED), reading(c));
  return c.json(items.map(([key, { value, version }]) => ({ key, value, version })));
}

/** Changes after the index `from`, one JSON text a line, for as long as the client listens. */
function watching(group: Kv, c: Context): Response {
  const prefix = c.req.query("prefix") ?? "";
  let from = Number(c.req.query("from") ?? group.status().applied);
  return streamText(c, async (stream) => {
    while (!stream.aborted) {
      const changed = group.changed();
      const changes = changesAfter(group.state, from);
      if (changes === null) return void await stream.writeln('{"error":"Forgotten"}');
      for (const change of changes) {
        from = change.index;
        if (change.key.startsWith(prefix)) await stream.writeln(JSON.stringify(change));
      }
      await changed;
    }
  });
}

function members(app: Hono, group: Kv): void {
  const done = async (c: Context, work: Promise<unknown>) => {
    await work;
    return c.json(group.status());
  };
  const id = (c: Context) => c.req.param("id")!;
  app.post("/members/:id", (c) => done(c, group.addLearner({ id: id(c) })));
  app.post("/members/:id/promote", (c) => done(c, group.promote(id(c))));
  app.post("/members/:id/lead", (c) => done(c, group.transfer(id(c))));
  app.delete("/members/:id", (c) => done(c, group.remove(id(c))));
}
