import assert from "node:assert/strict";
import { ClientError, quorusClient } from "../../client.ts";
import type { Fetch } from "../../client.ts";
import { simulatedEnv } from "../../testing.ts";
import { virtualHost } from "./virtual_host.ts";

const KEY = "qk_secret00000000000000000000000000000000000000";
const RUN = { index: 7, href: "/v1/runs/r" };

interface Sent {
  readonly url: string;
  readonly headers: Record<string, string>;
}

/** Answers in order; the last one again and again. */
function answering(...answers: (() => Response)[]): { fetch: Fetch; sent: Sent[] } {
  const sent: Sent[] = [];
  const fetch: Fetch = async (url, init) => {
    const answer = answers[Math.min(sent.length, answers.length - 1)];
    sent.push({ url, headers: init.headers as Record<string, string> });
    assert.equal(init.redirect, "error");
    return answer!();
  };
  return { fetch, sent };
}

function problem(status: number, slug: string, more: Record<string, unknown> = {}, headers = {}) {
  return () =>
    new Response(
      JSON.stringify({ type: `https://quorus.dev/problems/${slug}`, detail: `${slug}!`, ...more }),
      { status, headers: { "content-type": "application/problem+json", ...headers } },
    );
}

const ok = () => Response.json(RUN);
const refusedConnection = () => {
  throw new TypeError(`error sending request for url with Bearer ${KEY}`);
};

async function errorOf(call: Promise<unknown>): Promise<ClientError> {
  const thrown = await call.then(() => null, (error: unknown) => error);
  assert.ok(thrown instanceof ClientError, String(thrown));
  return thrown;
}

Deno.test("a write is repeated at the next gateway under one idempotency key", async () => {
  const env = simulatedEnv({ seed: 1 });
  const { fetch, sent } = answering(refusedConnection, problem(503, "no-quorum"), ok);
  const url = ["http://g1:1", "http://g2:2/quorus/"];
  const client = quorusClient({ url, key: KEY, fetch, ...virtualHost(env) });
  assert.deepEqual(await env.world.complete(client.runs.cancel("r", { why: "enough" })), RUN);
  assert.deepEqual(sent.map((one) => one.url), [
    "http://g1:1/v1/runs/r/cancel",
    "http://g2:2/quorus/v1/runs/r/cancel",
    "http://g1:1/v1/runs/r/cancel",
  ]);
  const keys = sent.map(({ headers }) => headers["idempotency-key"]);
  assert.deepEqual(keys, ["uuid-1", "uuid-1", "uuid-1"]);
  await env.world.complete(client.runs.cancel("r"));
  assert.deepEqual(sent.at(-1)?.headers["idempotency-key"], "uuid-2");
  assert.equal(sent.at(-1)?.url, "http://g1:1/v1/runs/r/cancel");
});

Deno.test("Retry-After is waited for, and is the end where it is later than the call may take", async () => {
  const env = simulatedEnv({ seed: 1 });
  const busy = problem(429, "too-many-requests", { retryable: true }, { "retry-after": "3" });
  const client = quorusClient({ url: "http://g", ...answering(busy, ok), ...virtualHost(env) });
  const startMs = env.clock.monotonic();
  await env.world.complete(client.runs.pause("r"));
  assert.equal(env.clock.monotonic() - startMs, 3_000);
  const impatient = quorusClient({ url: "http://g", ...answering(busy), ...virtualHost(env) });
  const call = impatient.runs.pause("r", { withinMs: 2_000 });
  const error = await env.world.complete(errorOf(call));
  assert.deepEqual([error.code, error.retryAfterMs], ["too-many-requests", 3_000]);
  assert.equal(env.clock.monotonic() - startMs, 3_000);
});

Deno.test("what cannot change by itself is not tried again, and says all that the problem says", async () => {
  const { fetch, sent } = answering(problem(422, "invalid-workflow", {
    retryable: false,
    definite: true,
    instance: "urn:quorus:request:1",
    errors: [{ detail: "no source", pointer: "/spec", line: 4, column: 2 }],
  }));
  const client = quorusClient({ url: "http://g", fetch });
  const error = await errorOf(client.runs.submit({ workflow: "kind: Transfer" }));
  assert.equal(sent.length, 1);
  assert.equal(error.message, "submit a workflow: invalid-workflow!");
  assert.deepEqual([error.code, error.status, error.definite], ["invalid-workflow", 422, true]);
  assert.deepEqual(error.errors, [{ detail: "no source", pointer: "/spec", line: 4, column: 2 }]);
  assert.equal(error.instance, "urn:quorus:request:1");
});

Deno.test("when no gateway can be reached the call says so in time, without the key", async () => {
  const env = simulatedEnv({ seed: 1 });
  const { fetch, sent } = answering(refusedConnection);
  const client = quorusClient({ url: "http://g", key: KEY, fetch, ...virtualHost(env) });
  const startMs = env.clock.monotonic();
  const error = await env.world.complete(errorOf(client.jobs.get("j", { withinMs: 4_000 })));
  assert.deepEqual([error.code, error.retryable], ["unreachable", true]);
  assert.match(error.message, /^get job j: http:\/\/g cannot be reached: .*\[key\]/);
  assert.ok(!error.message.includes(KEY));
  assert.ok(sent.length > 3 && env.clock.monotonic() - startMs < 4_000);
});

Deno.test("an answer that is none of this API is refused, as is one that has no end", async () => {
  const html = () => new Response("<html>", { status: 200 });
  const client = quorusClient({ url: "http://g", ...answering(html) });
  assert.equal((await errorOf(client.jobs.get("j"))).code, "bad-answer");
  const other = quorusClient({ url: "http://g", ...answering(() => Response.json({ id: 1 })) });
  assert.match((await errorOf(other.jobs.get("j"))).message, /not as described: id/);
  const endless = () =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(1_000)),
      }),
    );
  const limits = { answerBytes: 10_000 };
  const third = quorusClient({ url: "http://g", limits, ...answering(endless) });
  assert.match((await errorOf(third.jobs.get("j"))).message, /longer than 10000 bytes/);
});

Deno.test("a call ends when its caller gives up, also while it waits for the next try", async () => {
  const stop = new AbortController();
  const env = simulatedEnv({ seed: 1 });
  const fetch: Fetch = () => {
    stop.abort();
    return Promise.resolve(problem(503, "no-quorum", { retryable: true, definite: true })());
  };
  const client = quorusClient({ url: "http://g", fetch, ...virtualHost(env) });
  const call = client.jobs.cancel("j", { signal: stop.signal });
  const error = await env.world.complete(errorOf(call));
  assert.equal(error.code, "aborted");
});

Deno.test("a gateway that does not answer is given up for the next one", async () => {
  const answered: string[] = [];
  const fetch: Fetch = (url, init) => {
    answered.push(url);
    if (answered.length > 1) return Promise.resolve(ok());
    return new Promise((_, reject) => {
      init.signal?.addEventListener("abort", () => reject(new DOMException("aborted")));
    });
  };
  const limits = { tryMs: 20, backoffMs: 1 };
  const client = quorusClient({ url: ["http://g1", "http://g2"], fetch, limits });
  await client.runs.resume("r");
  assert.deepEqual(answered.map((url) => new URL(url).host), ["g1", "g2"]);
});

Deno.test("ids stay one segment of the path, and URLs and keys that are none are refused", () => {
  const { fetch, sent } = answering(ok);
  const client = quorusClient({ url: "http://g", fetch });
  client.runs.pause("../keys?x=1");
  assert.equal(sent[0]?.url, "http://g/v1/runs/..%2Fkeys%3Fx%3D1/pause");
  assert.throws(() => client.runs.pause(".."), /is no id/);
  for (const url of ["nowhere", "ftp://g", "http://me:pw@g", []]) {
    assert.throws(() => quorusClient({ url }), ClientError);
  }
  assert.throws(() => quorusClient({ url: "http://g", key: "a\nb" }), /line ends/);
});

Deno.test("a list is read page after page, as it is asked for", async () => {
  const key = { scope: "viewer", tenants: null, label: "", expiresMs: null, createdMs: 0 };
  const page = (ids: string[], next: string | null) => () =>
    Response.json({ items: ids.map((id) => ({ ...key, id })), next });
  const { fetch, sent } = answering(page(["a", "b"], "c1"), page(["c"], null));
  const client = quorusClient({ url: "http://g", fetch });
  const ids: string[] = [];
  for await (const { id } of client.keys.list({ limit: 2 })) {
    ids.push(id);
    if (id === "a") assert.equal(sent.length, 1);
  }
  assert.deepEqual(ids, ["a", "b", "c"]);
  assert.equal(sent[1]?.url, "http://g/v1/keys?limit=2&cursor=c1");
});

Deno.test("a large body has more time, by its size", async () => {
  const env = simulatedEnv({ seed: 1 });
  const never: Fetch = (_url, { signal }) =>
    new Promise((_, reject) => {
      signal?.addEventListener("abort", () => reject(new DOMException("over", "AbortError")));
    });
  const limits = { callMs: 1_000, tryMs: 1_000, mebibyteMs: 7_000 };
  const client = quorusClient({
    url: "http://g1:1",
    key: KEY,
    fetch: never,
    limits,
    ...virtualHost(env),
  });
  const tookMs = async (workflow: string) => {
    const startMs = env.clock.monotonic();
    const error = await env.world.complete(errorOf(client.runs.submit({ workflow })));
    assert.equal(error.code, "timed-out");
    return Math.round(env.clock.monotonic() - startMs);
  };
  assert.equal(await tookMs("small"), 1_000);
  assert.equal(await tookMs("x".repeat(2 * 1_048_576)), 15_000);
});
