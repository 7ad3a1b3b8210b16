/** Settings of roles: a file under the environment under flags, and what is said about mistakes. */

import assert from "node:assert/strict";
import { ROLE_NAMES } from "../../cli/config/roles.ts";
import { leavesOf } from "../../cli/config/leaves.ts";
import { inFolder, writeFiles } from "./folder.ts";
import { quorus } from "./memory_process.ts";

const AGENT = `node: a1
controllers: {c1: "ws://127.0.0.1:4101"}
data: state
token: \${file:token}
limits:
  remote:
    graceMs: 7s
`;

interface Shown {
  readonly settings: readonly { name: string; value: unknown; from: string }[];
}

async function shown(args: readonly string[], cwd: string, env: Record<string, string> = {}) {
  const ran = await quorus(["config", "show", "-o", "json", ...args], { cwd, env });
  assert.equal(ran.code, 0, ran.err);
  const { settings } = JSON.parse(ran.out) as Shown;
  return new Map(settings.map(({ name, value, from }) => [name, { value, from }]));
}

Deno.test("a setting comes from the file, the environment over it, a flag over both", () =>
  inFolder(async (cwd) => {
    writeFiles(cwd, { "etc/a1.yaml": AGENT });
    const args = ["--role", "agent", "--config", "etc/a1.yaml"];
    const file = await shown(args, cwd);
    assert.deepEqual(file.get("node"), { value: "a1", from: "etc/a1.yaml:1" });
    assert.deepEqual(file.get("drain"), { value: 30_000, from: "default" });
    const env = { QUORUS_NODE: "a2", QUORUS_LIMITS_REMOTE_GRACE_MS: "8000", QUORUS_SLOTS: "9" };
    const over = await shown(args, cwd, env);
    assert.deepEqual(over.get("node"), { value: "a2", from: "QUORUS_NODE" });
    assert.deepEqual(over.get("slots"), { value: 9, from: "QUORUS_SLOTS" });
    const flags = [...args, "--node", "a3", "--set", "slots=4"];
    const top = await shown(flags, cwd, env);
    assert.deepEqual(top.get("node"), { value: "a3", from: "--node" });
    assert.deepEqual(top.get("slots"), { value: 4, from: "--set slots" });
    assert.equal(top.get("limits.remote.graceMs")?.from, "QUORUS_LIMITS_REMOTE_GRACE_MS");
  }));

Deno.test("relative paths start where the file stands, or in the working directory", () =>
  inFolder(async (cwd) => {
    writeFiles(cwd, { "etc/a1.yaml": AGENT });
    const args = ["--role", "agent", "--config", "etc/a1.yaml"];
    const file = await shown(args, cwd);
    assert.equal(file.get("data")?.value, `${cwd}/etc/state`);
    assert.equal(file.get("token")?.value, `\${file:${cwd}/etc/token}`);
    const flag = await shown([...args, "--data", "here"], cwd);
    assert.equal(flag.get("data")?.value, `${cwd}/here`);
  }));

Deno.test("an unknown key is an error at its line, with a suggestion", () =>
  inFolder(async (cwd) => {
    writeFiles(cwd, { "a.yaml": AGENT.replace("graceMs", "gracMs").replace("data:", "dtaa:") });
    const ran = await quorus(["config", "show", "--role", "agent", "--config", "a.yaml"], { cwd });
    assert.equal(ran.code, 2);
    assert.match(ran.err, /a\.yaml:3:1.*unknown key "dtaa"/);
    assert.match(ran.err, /did you mean "data"\?/);
    assert.match(ran.err, /a\.yaml:7:5.*unknown key "gracMs"/);
    const flag = await quorus(["config", "show", "--set", "sluts=3"], { cwd });
    assert.equal(flag.code, 2);
    assert.match(flag.err, /no such setting; did you mean "slots"\?/);
  }));

Deno.test("a secret is a reference; one that is written out is refused and not repeated", () =>
  inFolder(async (cwd) => {
    writeFiles(cwd, { "a.yaml": AGENT.replace("${file:token}", "hunter2hunter2") });
    const ran = await quorus(["config", "show", "--role", "agent", "--config", "a.yaml"], { cwd });
    assert.equal(ran.code, 2);
    assert.match(ran.err, /a\.yaml:4.*a secret is not written here but referred to/);
    assert.doesNotMatch(ran.err, /hunter2/);
    const env = await quorus(["config", "show"], { cwd, env: { QUORUS_TOKEN: "hunter2" } });
    assert.equal(env.code, 2);
    assert.match(env.err, /QUORUS_TOKEN: .*referred to/);
    assert.doesNotMatch(env.err, /hunter2/);
  }));

Deno.test("what is missing is named with every way to say it", async () => {
  const ran = await quorus(["config", "show", "--role", "agent"]);
  assert.equal(ran.code, 2);
  assert.match(ran.err, /node is missing .*QUORUS_NODE.*--set node=VALUE/);
  assert.match(ran.err, /controllers is missing .*QUORUS_CONTROLLERS/);
});

Deno.test("values that do not fit say what would", async () => {
  const cases: readonly [string, string, RegExp][] = [
    ["QUORUS_DRAIN", "soon", /QUORUS_DRAIN: .*write 30s or 5m/],
    ["QUORUS_LISTEN", "4100", /QUORUS_LISTEN: .*HOST:PORT/],
    ["QUORUS_SLOTS", "many", /QUORUS_SLOTS.*not a number/],
    ["QUORUS_JOIN", "yes", /neither true nor false/],
    ["QUORUS_CONTROLLERS", "c1", /not NAME=VALUE/],
    ["QUORUS_CONTROLLERS", "c1=http://x", /ws:\/\/HOST:PORT/],
    ["QUORUS_LIMITS_REMOTE_FRAME_BYTES", "big", /write 64MiB/],
  ];
  for (const [variable, value, expected] of cases) {
    const ran = await quorus(["config", "show"], { env: { [variable]: value } });
    assert.equal(ran.code, 2, variable);
    assert.match(ran.err, expected);
  }
});

Deno.test("every setting has a description and a variable of its own", () => {
  for (const role of ROLE_NAMES) {
    const leaves = leavesOf(role);
    assert.equal(new Set(leaves.map(({ variable }) => variable)).size, leaves.length);
    for (const { name, description } of leaves) assert.notEqual(description, "", `${role} ${name}`);
  }
});

Deno.test("config schema prints the JSON Schema of a role", async () => {
  const { code, out } = await quorus(["config", "schema", "agent"]);
  assert.equal(code, 0);
  const schema = JSON.parse(out);
  assert.deepEqual(schema.required, ["node", "controllers"]);
  assert.equal(schema.additionalProperties, false);
});

Deno.test("limits of a controller's parts are settings with bounds; a name that is none is corrected", () =>
  inFolder(async (cwd) => {
    const base = `node: c1\ncontrollers: {c1: "ws://127.0.0.1:4101"}\nlimits:\n`;
    const settings = `  scheduler: { hostTransfers: 8 }
  tenants: { admitted: 50 }
  cluster: { memberDownMs: 5s }
  controller: { groupProposeMs: 8s }
  archive: { archiveVerifyMs: 1d, archiveVerifyPerSecond: 1048576, archiveScan: 500 }
`;
    writeFiles(cwd, { "c1.yaml": base + settings });
    const args = ["--role", "controller", "--config", "c1.yaml"];
    const all = await shown(args, cwd);
    assert.deepEqual(all.get("limits.scheduler.hostTransfers"), { value: 8, from: "c1.yaml:4" });
    assert.equal(all.get("limits.tenants.admitted")?.value, 50);
    assert.equal(all.get("limits.cluster.memberDownMs")?.value, "5s");
    assert.equal(all.get("limits.archive.archiveScan")?.value, 500);
    assert.equal(all.get("limits.scheduler.ageMs")?.from, "default");
    const wrong: readonly (readonly [string, RegExp])[] = [
      ["  scheduler: { hostTransfer: 8 }", /did you mean "hostTransfers"/],
      ["  schedulr: { hostTransfers: 8 }", /did you mean "scheduler"/],
      ["  scheduler: { hostTransfers: 0 }", /0 is too little: at least 1 \(count\)/],
      ["  controller: { groupProposeMs: 20s }", /20000 is too much: at most 14000 \(ms\)/],
      ["  archive: { archiveVerifyPerSecond: 1 }", /1 is too little: at least 65536/],
    ];
    for (const [line, expected] of wrong) {
      writeFiles(cwd, { "c1.yaml": `${base}${line}\n` });
      const ran = await quorus(["config", "show", ...args], { cwd, env: {} });
      assert.equal(ran.code, 2);
      assert.match(ran.err, expected);
      assert.match(ran.err, /c1\.yaml:4/);
    }
  }));

Deno.test("every limit that is no setting is shown as fixed, once, for each role and the command line", () =>
  inFolder(async (cwd) => {
    writeFiles(cwd, { "n.yaml": `node: n\ncontrollers: {n: "ws://127.0.0.1:4101"}\n` });
    for (const role of [...ROLE_NAMES, "cli"]) {
      const config = role === "cli" ? [] : ["--config", "n.yaml"];
      const args = ["config", "show", "-o", "json", "--role", role, ...config];
      const ran = await quorus(args, { cwd, env: {} });
      assert.equal(ran.code, 0, ran.err);
      const { settings } = JSON.parse(ran.out) as Shown;
      const names = settings.map(({ name }) => name);
      assert.equal(new Set(names).size, names.length, role);
      const fixed = settings.filter(({ from }) => from === "fixed");
      assert.ok(fixed.some(({ name }) => name === "limits.env.kvListBatch"), role);
      assert.ok(fixed.every(({ value }) => typeof value === "number"), role);
    }
  }));
