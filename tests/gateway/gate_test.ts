/** Every route at the gate: without a key, with too small a one, malformed, oversized, another tenant's. */

import assert from "node:assert/strict";
import { type Asking, GatewayRig, KEYS, transferYaml, type Who } from "./rig.ts";

interface RouteCase {
  readonly method: string;
  readonly path: string;
  /** A body that would do; none for methods that take none. */
  readonly body?: unknown;
  /** A key that is too small. */
  readonly tooSmall?: Who;
  /** The body is a workflow. */
  readonly isWorkflow?: boolean;
  /** A body may be left out. */
  readonly isOptional?: boolean;
  /** It is about a thing that is not there. */
  readonly isAbout?: "run" | "job" | "agent" | "definition" | "key";
}

const why = { why: "a test" };
const ROUTES: readonly RouteCase[] = [
  { method: "POST", path: "/v1/jobs", isWorkflow: true, tooSmall: "viewer" },
  { method: "GET", path: "/v1/jobs" },
  { method: "GET", path: "/v1/jobs/absent-1", isAbout: "job" },
  { method: "GET", path: "/v1/jobs/absent-1/explain", isAbout: "job" },
  ...["pause", "resume", "cancel", "retry"].map((action) => ({
    method: "POST",
    path: `/v1/jobs/absent-1/${action}`,
    body: why,
    tooSmall: "viewer" as const,
    isOptional: true,
    isAbout: "job" as const,
  })),
  {
    method: "POST",
    path: "/v1/jobs/absent-1/decide",
    body: { published: true },
    tooSmall: "viewer",
    isAbout: "job",
  },
  { method: "POST", path: "/v1/runs", isWorkflow: true, tooSmall: "viewer" },
  { method: "GET", path: "/v1/runs" },
  { method: "GET", path: "/v1/runs/absent", isAbout: "run" },
  ...["pause", "resume", "cancel", "retry"].map((action) => ({
    method: "POST",
    path: `/v1/runs/absent/${action}`,
    body: why,
    tooSmall: "viewer" as const,
    isOptional: true,
    isAbout: "run" as const,
  })),
  { method: "GET", path: "/v1/definitions" },
  { method: "POST", path: "/v1/definitions", isWorkflow: true, tooSmall: "viewer" },
  { method: "GET", path: "/v1/definitions/absent", isAbout: "definition" },
  { method: "PUT", path: "/v1/definitions/nightly", isWorkflow: true, tooSmall: "viewer" },
  { method: "DELETE", path: "/v1/definitions/absent", isAbout: "definition", tooSmall: "viewer" },
  {
    method: "POST",
    path: "/v1/definitions/absent/runs",
    body: {},
    isOptional: true,
    isAbout: "definition",
    tooSmall: "viewer",
  },
  { method: "GET", path: "/v1/tenants" },
  { method: "GET", path: "/v1/tenants/absent/usage" },
  {
    method: "PUT",
    path: "/v1/tenants/absent",
    body: { weight: 1, maxConcurrentTransfers: null, maxQueued: null, priorityCeiling: "high" },
    tooSmall: "acme",
  },
  { method: "DELETE", path: "/v1/tenants/absent", tooSmall: "acme" },
  { method: "GET", path: "/v1/rates", tooSmall: "acme" },
  {
    method: "PUT",
    path: "/v1/rates/tenant/absent",
    body: { bytesPerSecond: 1_000_000, windows: [] },
    tooSmall: "acme",
  },
  { method: "DELETE", path: "/v1/rates/tenant/absent", tooSmall: "acme" },
  { method: "GET", path: "/v1/agents", tooSmall: "acme" },
  { method: "GET", path: "/v1/agents/absent", isAbout: "agent", tooSmall: "acme" },
  ...["drain", "resume", "deregister"].map((action) => ({
    method: "POST",
    path: `/v1/agents/absent/${action}`,
    body: why,
    isOptional: true,
    isAbout: "agent" as const,
    tooSmall: "acme" as const,
  })),
  { method: "GET", path: "/v1/cluster", tooSmall: "acme" },
  { method: "GET", path: "/v1/cluster/inspect", tooSmall: "viewer" },
  { method: "POST", path: "/v1/cluster/members", body: { node: "c9" }, tooSmall: "viewer" },
  { method: "POST", path: "/v1/cluster/members/c9/promote", tooSmall: "viewer" },
  {
    method: "POST",
    path: "/v1/cluster/members/c9/replace",
    body: { by: "c8" },
    tooSmall: "viewer",
  },
  { method: "DELETE", path: "/v1/cluster/members/c9", tooSmall: "viewer" },
  {
    method: "POST",
    path: "/v1/cluster/members/c9/maintenance",
    body: { on: true },
    tooSmall: "viewer",
  },
  {
    method: "POST",
    path: "/v1/cluster/transfer",
    body: { to: "c9" },
    isOptional: true,
    tooSmall: "viewer",
  },
  { method: "GET", path: "/v1/operations/absent" },
  { method: "GET", path: "/v1/keys", tooSmall: "viewer" },
  {
    method: "POST",
    path: "/v1/keys",
    body: { scope: "viewer", tenants: null, label: "l" },
    tooSmall: "viewer",
  },
  { method: "DELETE", path: "/v1/keys/absent", isAbout: "key", tooSmall: "viewer" },
  { method: "GET", path: "/v1/events" },
  { method: "GET", path: "/v1/live" },
  { method: "GET", path: "/readyz" },
  { method: "GET", path: "/metrics", tooSmall: "acme" },
  { method: "GET", path: "/openapi.json" },
  { method: "GET", path: "/docs" },
  { method: "GET", path: "/nothing/here" },
];

/** The case as a request that would do. */
function request({ method, body, isWorkflow }: RouteCase): Asking {
  if (isWorkflow) return { method, type: "application/yaml", body: transferYaml() };
  if (body === undefined) return { method };
  return { method, type: "application/json", body: JSON.stringify(body) };
}

function takesBody({ body, isWorkflow }: RouteCase): boolean {
  return body !== undefined || isWorkflow === true;
}

async function each(
  cases: readonly RouteCase[],
  check: (rig: GatewayRig, route: RouteCase, name: string) => Promise<void>,
): Promise<void> {
  const rig = await GatewayRig.start({ refusedPerAddress: 10_000, keyLookups: 10_000 });
  for (const route of cases) await check(rig, route, `${route.method} ${route.path}`);
  await rig.stop();
}

function isProblem(answered: { status: number; headers: Headers; text: string }, name: string) {
  assert.equal(answered.headers.get("content-type"), "application/problem+json", name);
  const problem = JSON.parse(answered.text);
  assert.equal(problem.status, answered.status, name);
  assert.match(problem.type, /^https:\/\/quorus\.dev\/problems\/[a-z-]+$/, name);
  assert.ok(problem.detail.length > 10, name);
  assert.equal(problem.instance, `urn:quorus:request:${answered.headers.get("x-request-id")}`);
}

Deno.test("without a key, with a malformed one or with nobody's there is nothing but /livez", async () => {
  await each(ROUTES, async (rig, route, name) => {
    for (const who of [null, "nobody"] as const) {
      const answered = await rig.ask(route.path, { ...request(route), who });
      assert.equal(answered.status, 401, name);
      assert.equal(answered.headers.get("www-authenticate"), 'Bearer realm="quorus"');
      isProblem(answered, name);
      assert.ok(!answered.text.includes(KEYS.nobody));
    }
    for (const authorization of ["", "Basic YTpi", "Bearer", "Bearer a b", "Bearer qk_short"]) {
      const headers = { authorization };
      const answered = await rig.ask(route.path, { ...request(route), who: null, headers });
      assert.equal(answered.status, 401, `${name} with "${authorization}"`);
    }
  });
});

Deno.test("/livez is open, and says nothing", async () => {
  const rig = await GatewayRig.start();
  const answered = await rig.ask("/livez", { who: null });
  assert.deepEqual([answered.status, answered.text], [200, "ok\n"]);
  await rig.stop();
});

Deno.test("a key that is too small is refused, before the body is looked at", async () => {
  const routes = ROUTES.filter(({ tooSmall }) => tooSmall !== undefined);
  await each(routes, async (rig, route, name) => {
    const odd = { ...request(route), body: route.method === "GET" ? null : "{{" };
    const answered = await rig.ask(route.path, { ...odd, who: route.tooSmall! });
    assert.equal(answered.status, 403, `${name}: ${answered.text}`);
    isProblem(answered, name);
  });
});

Deno.test("a malformed, oversized, wrongly typed or unknown body is refused with its place", async () => {
  await each(ROUTES.filter(takesBody), async (rig, route, name) => {
    const sent = request(route);
    const malformed = await rig.ask(route.path, { ...sent, type: "application/json", body: "{" });
    assert.equal(malformed.status, 400, `${name}: ${malformed.text}`);
    isProblem(malformed, name);
    const noText = { ...sent, type: "application/json", body: new Uint8Array([0x22, 0xff, 0x22]) };
    assert.equal((await rig.ask(route.path, noText)).status, 400, name);
    const long = "x".repeat(6 * 2 ** 20);
    const oversized = await rig.ask(route.path, { ...sent, body: long });
    assert.equal(oversized.status, 413, name);
    isProblem(oversized, name);
    const typed = await rig.ask(route.path, { ...sent, type: "text/csv" });
    assert.equal(typed.status, 415, name);
    const unknown = { ...sent, type: "application/json", body: JSON.stringify({ nonsense: 1 }) };
    const refused = await rig.ask(route.path, unknown);
    assert.equal(refused.status, 422, `${name}: ${refused.text}`);
    assert.match(refused.json.errors[0].pointer, /^\//, name);
  });
});

Deno.test("parameters that are not offered, or not sound, are refused by name", async () => {
  const routes = ROUTES.filter(({ path }) => path.startsWith("/v1/"));
  await each(routes, async (rig, route, name) => {
    const unknown = await rig.ask(`${route.path}?nonsense=1`, request(route));
    assert.equal(unknown.status, 400, `${name}: ${unknown.text}`);
    assert.equal(unknown.json.errors[0].parameter, "nonsense", name);
    isProblem(unknown, name);
    const odd = route.path.replace(/absent(-1)?|nightly|c9/, "..%2f..%2fetc");
    if (odd === route.path) return;
    const answered = await rig.ask(odd, request(route));
    assert.equal(answered.status, 400, `${name}: ${answered.text}`);
  });
});

Deno.test("what is not there is 404, for another tenant's key too", async () => {
  const rig = await GatewayRig.start();
  const { json: { runs: [run] } } = await rig.submit("/v1/runs", transferYaml(), { who: "acme" });
  const stored = await rig.submit("/v1/definitions", transferYaml(), { who: "acme" });
  assert.equal(stored.status, 201, stored.text);
  for (const route of ROUTES.filter(({ isAbout }) => isAbout !== undefined)) {
    const name = `${route.method} ${route.path}`;
    const absent = await rig.ask(route.path, request(route));
    assert.equal(absent.status, 404, `${name}: ${absent.text}`);
    isProblem(absent, name);
    if (!["run", "definition"].includes(route.isAbout!)) continue;
    const there = route.path.replace("absent", route.isAbout === "run" ? run.id : "nightly");
    const query = route.isAbout === "run" ? "" : "?tenant=acme";
    const foreign = await rig.ask(`${there}${query}`, { ...request(route), who: "other" });
    assert.equal(foreign.status, 404, `${name}: ${foreign.text}`);
    // Nothing tells it apart from what nobody has.
    assert.ok(!foreign.text.includes("acme"), foreign.text);
  }
  await rig.stop();
});

Deno.test("a method that a path has not is 405 and names those it has", async () => {
  const rig = await GatewayRig.start();
  const answered = await rig.ask("/v1/runs/some", { method: "PATCH" });
  assert.equal(answered.status, 405);
  assert.equal(answered.headers.get("allow"), "GET");
  isProblem(answered, "PATCH");
  await rig.stop();
});

Deno.test("every route of the document is in this table, and every route of the table in the document", async () => {
  const rig = await GatewayRig.start();
  const { paths } = (await rig.ask("/openapi.json")).json;
  const documented = Object.entries(paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`)
  );
  const matching = (route: string) => {
    const [method, path] = route.split(" ") as [string, string];
    const pattern = new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
    return ROUTES.some((one) => one.method === method && pattern.test(one.path));
  };
  assert.deepEqual(documented.filter((route) => !matching(route)), []);
  assert.ok(documented.length >= 35, String(documented.length));
  await rig.stop();
});

Deno.test("a client that goes too fast, or guesses keys, has to wait; others do not", async () => {
  const rig = await GatewayRig.start({ requestsPerKey: 5, refusedPerAddress: 5 });
  const statuses = async (who: Who | null, times: number) => {
    const all: number[] = [];
    for (let time = 0; time < times; time += 1) {
      all.push((await rig.ask("/v1/operations/absent", { who })).status);
    }
    return all;
  };
  assert.ok((await statuses("acme", 20)).includes(429));
  assert.ok(!(await statuses("other", 5)).includes(429));
  assert.ok((await statuses(null, 20)).includes(429));
  const waiting = await rig.ask("/v1/operations/absent", { who: null });
  assert.equal(waiting.headers.get("retry-after"), "1");
  await rig.stop();
});
