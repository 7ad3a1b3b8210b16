import assert from "node:assert/strict";
import { assertGolden } from "./golden.ts";
import { MemoryProcess, quorus } from "./memory_process.ts";
import { main } from "../../cli/program.ts";
import { OPERATOR, VIEWER, withGateway } from "./remote_rig.ts";

const WORKFLOW = `apiVersion: quorus.dev/v1
kind: Transfer
metadata:
  name: nightly
spec:
  source:
    uri: https://files.example/\${NAME}
    headers: { X-Site: "\${env:SITE}" }
  destination:
    path: in/\${env:FOLDER}/a.bin
`;

const RECEIPT = {
  outcome: "published",
  name: "a.bin",
  bytes: 2_097_152,
  sha256: "ab".repeat(32),
  root: null,
  level: "source",
  fence: "seize",
  fileId: null,
  fetchedBytes: 2_097_152,
  keptBytes: 0,
  attempts: 1,
  startedMs: 1_000,
  endedMs: 2_000,
};

/** Environment of an operator; ages and addresses differ from run to run. */
function as(key: string, url: string, more: Record<string, string> = {}) {
  return { env: { QUORUS_SERVER: url, QUORUS_API_KEY: key, ...more } };
}

function steady(text: string, url: string): string {
  return text.replaceAll(url, "http://gateway").replaceAll(/\d+d$|(?<=\s)\d{5}d/gm, "AGE")
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT").replaceAll(/[0-9a-f]{16}/g, "ID").replaceAll(
      /urn:quorus:request:\S+/g,
      "REQUEST",
    );
}

/** Where nobody listens. */
function closedUrl(): string {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return `http://127.0.0.1:${listener.addr.port}`;
}

Deno.test("get lists jobs and runs as tables and as data", async () => {
  await withGateway(async (cluster, url) => {
    cluster.run("run-1", { transfers: { succeeded: 1, running: 1 } });
    cluster.job({ id: "run-1-1", state: "succeeded", receipt: RECEIPT, agent: null });
    cluster.job({ id: "run-1-2", name: "second", state: "queued", why: "no agent is free" });
    const shown = await quorus(["get", "jobs"], as(VIEWER, url));
    const runs = await quorus(["get", "runs"], as(VIEWER, url));
    assert.deepEqual([shown.code, runs.code], [0, 0], shown.err + runs.err);
    assertGolden("remote_get", steady(shown.out + runs.out, url));
    const json = await quorus(["get", "jobs", "-o", "json", "--limit", "1"], as(VIEWER, url));
    const data = JSON.parse(json.out);
    assert.deepEqual([data.items.length, data.items[0].id, data.more], [1, "run-1-1", true]);
    const one = await quorus(["get", "runs", "run-1", "-o", "yaml"], as(VIEWER, url));
    assert.match(one.out, /^id: run-1$/m);
    const wrong = await quorus(["get", "agents", "--state", "x"], as(VIEWER, url));
    assert.deepEqual([wrong.code, wrong.err], [
      2,
      "quorus: cannot list agents by --state: they have none\n",
    ]);
  });
});

Deno.test("of jobs the newest 500 are shown, and more where more are asked for", async () => {
  await withGateway(async (cluster, url) => {
    for (let n = 0; n < 620; n += 1) {
      cluster.job({ id: `run-1-${String(n).padStart(4, "0")}`, state: "queued", agent: null });
    }
    const first = await quorus(["get", "jobs"], as(VIEWER, url));
    assert.equal(first.out.trim().split("\n").length, 501);
    assert.match(first.err, /there are more: these are the first 500; --limit N shows N/);
    const all = await quorus(["get", "jobs", "-o", "json", "--limit", "2000"], as(VIEWER, url));
    assert.equal(all.code, 0, all.err);
    const { items, more } = JSON.parse(all.out);
    assert.deepEqual([items.length, more], [620, false]);
  });
});

Deno.test("describe and explain show what is known of a job", async () => {
  await withGateway(async (cluster, url) => {
    cluster.job({ id: "run-1-1", state: "queued", agent: null, labels: { tier: "gold" } });
    const described = await quorus(["describe", "job", "run-1-1"], as(VIEWER, url));
    const explained = await quorus(["explain", "job/run-1-1"], as(VIEWER, url));
    assert.deepEqual([described.code, explained.code], [0, 0], described.err + explained.err);
    assertGolden("remote_describe", steady(`${described.out}\n${explained.out}`, url));
  });
});

Deno.test("submit gives the file as it is, with what it asks of the submitter", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/nightly.yaml`, WORKFLOW);
    await withGateway(async (cluster, url) => {
      const args = ["submit", "nightly.yaml", "--var", "NAME=a.bin"];
      const options = { cwd: folder, ...as(OPERATOR, url, { FOLDER: "x", SITE: "north" }) };
      const { code, out, err } = await quorus(args, options);
      assert.equal(code, 0, err);
      assert.equal(err, `nightly.yaml: relative paths start in ${folder}, on the agents\n`);
      assert.equal(
        steady(out, url),
        "nightly.yaml: nightly is run nightly-ID (1 transfer, tenant default)\n",
      );
      const [write] = cluster.writes;
      assert.ok(write?.type === "submit");
      const [transfer] = write.plan.transfers;
      const { source, destination } = transfer!.template;
      assert.deepEqual(destination.location.text, ["in/x/a.bin"]);
      assert.equal(destination.location.base, folder);
      assert.deepEqual(source.headers, { "X-Site": ["north"] });
      await Deno.writeTextFile(`${folder}/bad.yaml`, "kind: Transfer\nspec: 1\n");
      const bad = await quorus(["submit", "bad.yaml"], options);
      assert.equal(bad.code, 2);
      assert.match(bad.err, /bad\.yaml:2/);
      assert.equal(cluster.writes.length, 1);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("watch shows a run until it has ended, and says by its exit code how", async () => {
  await withGateway(async (cluster, url) => {
    cluster.run("run-1", { transfers: { running: 1 } });
    cluster.job({ id: "run-1-1", state: "running" });
    const process = new MemoryProcess(["watch", "run-1"], as(OPERATOR, url));
    const ended = main(process);
    await process.written("run-1");
    const failure = { code: "io", message: "the disk is full", retryable: false, definite: true };
    cluster.job({ id: "run-1-1", state: "failed", error: failure, agent: null });
    cluster.run("run-1", { state: "failed", why: "copy has failed", endedMs: 3_000 });
    assert.equal(await ended, 1);
    assertGolden("remote_watch", steady(`${process.errors}---\n${process.output}`, url));
  });
});

Deno.test("watch that is interrupted leaves the run alone", async () => {
  await withGateway(async (cluster, url) => {
    cluster.run("run-1", { transfers: { running: 1 } });
    cluster.job({ id: "run-1-1", state: "running" });
    const process = new MemoryProcess(["watch", "run/run-1", "--json"], as(OPERATOR, url));
    const ended = main(process);
    await process.written("run.created");
    process.interrupt();
    assert.equal(await ended, 130);
    assert.deepEqual(cluster.writes, []);
  });
});

Deno.test("pause, resume, cancel and retry say what they did to what", async () => {
  await withGateway(async (cluster, url) => {
    cluster.run("run-1");
    cluster.job({ id: "job-1" });
    let told = "";
    for (
      const args of [
        ["pause", "run-1", "--why", "lunch"],
        ["resume", "run/run-1"],
        ["cancel", "job-1"],
        ["retry", "job/job-1"],
        ["retry", "run-1"],
        ["cancel", "nothing"],
      ]
    ) {
      const { code, out, err } = await quorus(args, as(OPERATOR, url));
      told += `$ quorus ${args.join(" ")} (exit ${code})\n${out}${err}`;
    }
    assertGolden("remote_act", steady(told, url));
    assert.deepEqual(cluster.writes.map((one) => "why" in one ? one.why : ""), [
      "lunch",
      "resume by the API key operator",
      "cancel by the API key operator",
      "retry by the API key operator",
      "",
    ]);
    assert.deepEqual(cluster.writes.at(-1)?.type, "retry");
  });
});

Deno.test("logs tells the events that are kept, and ends", async () => {
  await withGateway(async (cluster, url) => {
    cluster.run("run-1");
    cluster.job({ id: "job-1", state: "queued", agent: null, why: "waits for an agent" });
    cluster.job({ id: "job-1", state: "running", agent: "a1", why: "an agent works on it" });
    // A checkpoint of it was kept: nothing that people would read.
    cluster.job({ id: "job-1", state: "running", agent: "a1", why: "an agent works on it" });
    const { code, out, err } = await quorus(["logs", "job-1"], as(VIEWER, url));
    assert.deepEqual([code, err], [0, ""]);
    assertGolden("remote_logs", out);
  });
});

Deno.test("each refusal says what, why and what to do, ends as documented, and shows no key", async () => {
  await withGateway(async (cluster, url) => {
    cluster.job({ id: "job-1" });
    const unknown = `qk_${"x".repeat(43)}`;
    const cases: [string, string[], Record<string, string>][] = [
      ["no server", ["get", "runs"], {}],
      ["no key", ["get", "runs"], { QUORUS_SERVER: url }],
      ["an unknown key", ["get", "runs"], { QUORUS_SERVER: url, QUORUS_API_KEY: unknown }],
      ["a key with a line end", ["get", "runs"], {
        QUORUS_SERVER: url,
        QUORUS_API_KEY: `${unknown}\n${unknown}`,
      }],
      ["too small a scope", ["cancel", "job/job-1"], {
        QUORUS_SERVER: url,
        QUORUS_API_KEY: VIEWER,
      }],
      ["no such thing", ["get", "jobs", "none"], { QUORUS_SERVER: url, QUORUS_API_KEY: VIEWER }],
      ["a bad selector", ["get", "jobs", "-l", "a !~ b"], {
        QUORUS_SERVER: url,
        QUORUS_API_KEY: VIEWER,
      }],
      [
        "no gateway there",
        ["get", "runs", "--timeout", "50ms", "--server", closedUrl()],
        {},
      ],
      ["a URL that is none", ["get", "runs", "--server", "nowhere"], {}],
    ];
    let told = "";
    for (const [name, args, env] of cases) {
      const { code, out, err } = await quorus(args, { env });
      told += `# ${name}: exit ${code}\n${out}${err}`;
      assert.ok(!err.includes(unknown.slice(0, 20)));
    }
    cluster.isDown = true;
    const { code, err } = await quorus(["get", "runs"], as(VIEWER, url));
    told += `# no quorum: exit ${code}\n${err}`;
    assertGolden("remote_refusals", steady(told, url));
  });
});
