import assert from "node:assert/strict";
import { GatewayRig, transferYaml } from "./rig.ts";

const ACTIONS = [["pause", "paused"], ["resume", "queued"], ["cancel", "cancelled"]] as const;

Deno.test("a transfer that is submitted becomes a job, and can be paused, resumed and cancelled", async () => {
  const rig = await GatewayRig.start();
  const submitted = await rig.submit("/v1/jobs", transferYaml(), { who: "acme" });
  assert.equal(submitted.status, 202, submitted.text);
  const { id, runId, href } = submitted.json;
  assert.equal(id, `${runId}-1`);
  assert.equal(submitted.headers.get("location"), href);
  await rig.until(async () => (await rig.ask(href)).status === 200);
  const job = await rig.ask(href, { who: "acme" });
  assert.equal(job.json.state, "queued");
  assert.equal(job.json.tenant, "acme");
  assert.equal(job.json.freshness.consistency, "linearizable");
  assert.equal(job.json.freshness.ageMs, 0);
  const explained = await rig.ask(`${href}/explain`, { who: "acme" });
  assert.equal(explained.status, 200, explained.text);
  assert.ok(explained.json.lines.length > 0);
  for (const [action, state] of ACTIONS) {
    const done = await rig.post(`${href}/${action}`, { why: "a test" }, { who: "acme" });
    assert.equal(done.status, 202, done.text);
    assert.equal((await rig.ask(href)).json.state, state, action);
  }
  const again = await rig.post(`${href}/resume`, {}, { who: "acme" });
  assert.equal(again.status, 409);
  assert.equal(again.json.type, "https://quorus.dev/problems/conflict");
  await rig.stop();
});

Deno.test("an ETag saves the body of what has not changed", async () => {
  const rig = await GatewayRig.start();
  const started = await rig.submit("/v1/runs", transferYaml(), { who: "acme" });
  const [run] = started.json.runs;
  const first = await rig.ask(`/v1/runs/${run.id}`);
  const etag = first.headers.get("etag")!;
  const same = await rig.ask(`/v1/runs/${run.id}`, { headers: { "if-none-match": etag } });
  assert.deepEqual([same.status, same.text], [304, ""]);
  await rig.post(`/v1/runs/${run.id}/cancel`, {});
  const changed = await rig.ask(`/v1/runs/${run.id}`, { headers: { "if-none-match": etag } });
  assert.equal(changed.status, 200);
  await rig.stop();
});

Deno.test("what a submitter must not reach is refused with its place", async () => {
  const rig = await GatewayRig.start();
  const cases = [
    ["an environment variable", { path: "/data/${env:HOME}" }, "/spec/destination/path"],
    ["a file", { path: '"/data/${file:/etc/passwd}"' }, "/spec/destination/path"],
    ["a relative path", { path: "data/a.bin" }, "/spec/destination/path"],
    ["a path that a given value leads out of", {
      path: '"/data/${NAME}"',
      rest: "  variables:\n    NAME: null\n",
    }, "/spec/destination/path"],
    ["credentials in a URI", { uri: "https://me:secret@files.example/a" }, "/spec/source/uri"],
    ["an address of the agent itself", { uri: "http://127.0.0.1/admin" }, "/spec/source/uri"],
    ["the address of a cloud's credentials", {
      uri: "http://169.254.169.254/latest/meta-data",
    }, "/spec/source/uri"],
    ["a scheme that is not there", { uri: "gopher://files.example/a" }, "/spec/source/uri"],
  ] as const;
  for (const [what, more, pointer] of cases) {
    const path = "/v1/jobs?var=NAME=../../etc/shadow";
    const refused = await rig.submit(path, transferYaml(more), { who: "acme" });
    assert.equal(refused.status, 422, `${what}: ${refused.text}`);
    assert.equal(refused.headers.get("content-type"), "application/problem+json");
    const [part] = refused.json.errors;
    assert.equal(part.pointer, pointer, `${what}: ${refused.text}`);
    assert.ok(part.line > 1, `${what}: ${refused.text}`);
    assert.ok(!refused.text.includes("me:secret"), refused.text);
  }
  assert.deepEqual((await rig.ask("/v1/runs")).json.items, []);
  await rig.stop();
});

Deno.test("a sealed reference to an agent's environment or files is refused, one to a secret is kept", async () => {
  const rig = await GatewayRig.start();
  const auth = (token: string) =>
    transferYaml({
      rest: "",
      uri:
        `https://files.example/a\n    authentication:\n      type: bearer\n      token: ${token}`,
    });
  for (const token of ["${env:TOKEN}", "${file:/etc/shadow}"]) {
    const refused = await rig.submit("/v1/jobs", auth(token), { who: "acme" });
    assert.equal(refused.status, 422, refused.text);
    assert.equal(refused.json.type, "https://quorus.dev/problems/refused-workflow");
    assert.equal(refused.json.errors[0].pointer, "/spec/source/authentication/token");
  }
  const kept = await rig.submit("/v1/jobs", auth("${secret:token}"), { who: "acme" });
  assert.equal(kept.status, 202, kept.text);
  await rig.stop();
});

const AUTHORITY = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";

/** A source with one header and, if named, an authority. */
function withHeader(name: string, value: string, ca?: string): string {
  const tls = ca === undefined ? "" : `\n    tls: { ca: ${ca} }`;
  return transferYaml({
    uri: `https://files.example/a\n    headers: { ${name}: "${value}" }${tls}`,
  });
}

Deno.test("a submitter's own values are filled into headers and certificates, never into credentials", async () => {
  const rig = await GatewayRig.start();
  const brought = { environment: { STAGE: "test" }, files: { "ca.pem": `${AUTHORITY}\n` } };
  const submit = (workflow: string) =>
    rig.post("/v1/runs", { workflow, ...brought }, { who: "acme" });
  const taken = await submit(withHeader("X-Stage", "at-${env:STAGE}", "ca.pem"));
  assert.equal(taken.status, 202, taken.text);
  const { role } = await rig.cluster.leader();
  const { plan } = role.replica.state.runs.get(taken.json.runs[0].id)!;
  const { headers, tls } = plan.transfers[0]!.template.source;
  assert.deepEqual(headers, { "X-Stage": ["at-test"] });
  assert.deepEqual(tls?.ca, [AUTHORITY]);
  for (
    const [workflow, advice] of [
      [withHeader("X-Api-Key", "${env:STAGE}"), /a credential is in no plan/],
      [withHeader("X-Zone", "${env:ZONE}"), /send its value under `environment`/],
      [withHeader("X-Stage", "x", "other.pem"), /send its value under `files`/],
      [
        transferYaml({
          uri: "https://files.example/a\n    authentication:\n      type: header\n" +
            '      header: X-Stage\n      value: "${env:STAGE}"',
        }),
        /a credential is in no plan/,
      ],
    ] as const
  ) {
    const refused = await submit(workflow);
    assert.equal(refused.status, 422, refused.text);
    assert.match(refused.json.detail, advice);
    assert.ok(refused.json.errors[0].line > 1, refused.text);
  }
  await rig.stop();
});

Deno.test("relative paths start in the folder that the submitter names", async () => {
  const rig = await GatewayRig.start();
  const workflow = transferYaml({ path: "../kept/a.bin" });
  const named = await rig.post("/v1/jobs", { workflow, base: "/home/ana/flows" }, { who: "acme" });
  const asked = await rig.submit("/v1/jobs?base=/srv/flows", workflow, { who: "acme" });
  const destination = async (id: string) => {
    await rig.until(async () => (await rig.ask(`/v1/jobs/${id}`)).status === 200);
    return (await rig.ask(`/v1/jobs/${id}`)).json.destination;
  };
  assert.equal(await destination(named.json.id), "file:///home/ana/kept/a.bin");
  assert.equal(await destination(asked.json.id), "file:///srv/kept/a.bin");
  const relative = await rig.post("/v1/jobs", { workflow, base: "flows" }, { who: "acme" });
  assert.equal(relative.status, 422, relative.text);
  assert.equal(relative.json.errors[0].pointer, "/base");
  await rig.stop();
});

Deno.test("values for variables, environment and files come with the submission", async () => {
  const rig = await GatewayRig.start();
  const workflow = transferYaml({
    path: '"/data/${env:SITE}/${file:region.txt}/${NAME}"',
    rest: "  variables:\n    NAME: null\n",
  });
  const submitted = await rig.post("/v1/runs", {
    workflow,
    variables: { NAME: "a.bin" },
    environment: { SITE: "north" },
    files: { "region.txt": "eu\n" },
  }, { who: "acme" });
  assert.equal(submitted.status, 202, submitted.text);
  await rig.until(async () => (await rig.ask("/v1/jobs")).json.items.length === 1);
  const [job] = (await rig.ask("/v1/jobs")).json.items;
  assert.equal(job.destination, "file:///data/north/eu/a.bin");
  const bare = await rig.submit(
    "/v1/runs?var=NAME=b.bin",
    transferYaml({
      path: '"/data/${NAME}"',
      rest: "  variables:\n    NAME: null\n",
    }),
    { who: "acme" },
  );
  assert.equal(bare.status, 202, bare.text);
  await rig.stop();
});

Deno.test("findings point into the body: a text within JSON, an object within JSON, YAML itself", async () => {
  const rig = await GatewayRig.start();
  const bad = transferYaml({ rest: "  retires: 3\n" });
  const yaml = await rig.submit("/v1/runs", bad, { who: "acme" });
  const { pointer, line, column, code } = yaml.json.errors[0];
  assert.deepEqual(
    { status: yaml.status, pointer, line, column, code },
    { status: 422, pointer: "/spec/retires", line: 13, column: 3, code: "unknownKey" },
  );
  const text = await rig.post("/v1/runs", { workflow: bad }, { who: "acme" });
  assert.equal(text.json.errors[0].pointer, "/workflow");
  assert.equal(text.json.errors[0].documentPointer, "/spec/retires");
  assert.equal(text.json.errors[0].line, 13);
  const workflow = {
    apiVersion: "quorus.dev/v1",
    kind: "Transfer",
    metadata: { name: "n" },
    spec: { source: { uri: "https://files.example/a" }, destination: { path: "/a" }, retires: 3 },
  };
  const object = await rig.post("/v1/runs", { workflow }, { who: "acme" });
  assert.equal(object.json.errors[0].pointer, "/workflow/spec/retires");
  assert.equal(object.json.errors[0].line, undefined);
  const itself = await rig.post("/v1/runs", workflow, { who: "acme" });
  assert.equal(itself.json.errors[0].pointer, "/spec/retires");
  await rig.stop();
});

Deno.test("a workflow that names no tenant is the key's own; another tenant's is refused", async () => {
  const rig = await GatewayRig.start();
  const bare = transferYaml().replace("  tenant: acme\n", "");
  const own = await rig.submit("/v1/jobs", bare, { who: "acme" });
  assert.equal(own.json.tenant, "acme", own.text);
  const unclear = await rig.submit("/v1/jobs", bare, { who: "both" });
  assert.equal(unclear.status, 400);
  assert.equal(unclear.json.errors[0].parameter, "tenant");
  const said = await rig.submit("/v1/jobs?tenant=other", bare, { who: "both" });
  assert.equal(said.json.tenant, "other", said.text);
  const foreign = await rig.submit("/v1/jobs", transferYaml(), { who: "other" });
  assert.equal(foreign.status, 403);
  assert.equal(foreign.json.errors[0].pointer, "/metadata/tenant");
  await rig.stop();
});

Deno.test("lists are filtered by state, run and labels, and go on at a cursor that belongs to them", async () => {
  const rig = await GatewayRig.start();
  for (const name of ["a", "b", "c"]) {
    const sent = await rig.submit("/v1/jobs", transferYaml({ name }), { who: "acme" });
    assert.equal(sent.status, 202);
  }
  await rig.until(async () => (await rig.ask("/v1/jobs")).json.items.length === 3);
  const first = await rig.ask("/v1/jobs?limit=2&labels=tier%20in%20(gold,silver)");
  assert.equal(first.json.items.length, 2, first.text);
  const { next } = first.json;
  const rest = await rig.ask(`/v1/jobs?limit=2&labels=tier%20in%20(gold,silver)&cursor=${next}`);
  assert.equal(rest.json.items.length, 1);
  assert.equal(rest.json.next, null);
  const names = [...first.json.items, ...rest.json.items].map(({ name }) => name).sort();
  assert.deepEqual(names, ["a", "b", "c"]);
  assert.equal((await rig.ask("/v1/jobs?labels=tier=silver")).json.items.length, 0);
  assert.equal((await rig.ask("/v1/jobs?labels=absent")).json.items.length, 0);
  assert.equal((await rig.ask("/v1/jobs?state=queued,running")).json.items.length, 3);
  assert.equal((await rig.ask("/v1/jobs?state=failed")).json.items.length, 0);
  const [{ runId }] = first.json.items;
  assert.equal((await rig.ask(`/v1/jobs?run=${runId}`)).json.items.length, 1);
  const other = await rig.ask(`/v1/jobs?cursor=${next}`);
  assert.equal(other.status, 400);
  assert.equal(other.json.errors[0].parameter, "cursor");
  assert.equal((await rig.ask("/v1/jobs", { who: "other" })).json.items.length, 0);
  await rig.stop();
});
