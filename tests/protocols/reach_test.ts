/** The guard: names resolved once, every address judged, folders kept, words that say what and why. */

import assert from "node:assert/strict";
import { ProtocolError } from "../../protocols/errors.ts";
import { placeOf, ReachGuard, reachOf } from "../../protocols/reach.ts";
import { DEFAULT_REACH, type ReachPolicy, rulesOf } from "../../protocols/reach_policy.ts";
import type { ReachRule } from "../../protocols/reach_rules.ts";
import { NetError } from "../../runtime/env/errors.ts";
import { type SimulatedEnv, simulatedEnv } from "../../runtime/sim/env.ts";

interface Scene {
  readonly env: SimulatedEnv;
  /** Names that were looked up, in order. */
  readonly asked: string[];
  /** What the next lookups find; the last one stays. */
  answers: string[][];
  guard(policy?: Partial<ReachPolicy>): ReachGuard;
}

function scene(answers: string[][] = [["93.184.215.14"]]): Scene {
  const env = simulatedEnv({ seed: 1 });
  const asked: string[] = [];
  const made: Scene = {
    ...{ env, asked, answers },
    guard: (policy = {}) =>
      new ReachGuard({ ...DEFAULT_REACH, ...policy }, {
        clock: env.clock,
        net: {
          ...env.net,
          resolve: (name) => {
            asked.push(name);
            const [found] = made.answers;
            if (made.answers.length > 1) made.answers.shift();
            if (found!.length > 0) return Promise.resolve(found!);
            return Promise.reject(new NetError("dns", `cannot resolve ${name}: no such name`));
          },
        },
      }),
  };
  return made;
}

function rules(...texts: string[]): ReachRule[] {
  return rulesOf(texts) as ReachRule[];
}

async function refusal(call: () => unknown): Promise<ProtocolError> {
  try {
    await call();
  } catch (thrown) {
    assert.ok(thrown instanceof ProtocolError, String(thrown));
    return thrown;
  }
  throw new assert.AssertionError({ message: "nothing was refused" });
}

Deno.test("the address that was judged is the one to connect to, and stays so for a while", async () => {
  const { env, asked, guard } = scene([["93.184.215.14"], ["127.0.0.1"]]);
  const reach = guard({ loopback: false });
  assert.equal(await reach.addressFor("rebound.test", 22), "93.184.215.14");
  assert.equal(await reach.addressFor("Rebound.test.", 22), "93.184.215.14");
  assert.deepEqual(asked, ["rebound.test"]);
  await env.world.pass(31_000);
  const error = await refusal(() => reach.addressFor("rebound.test", 22));
  assert.equal(error.code, "forbidden");
});

Deno.test("a refusal says what, where it leads, why, and which setting decides", async () => {
  const reach = scene([["8.8.8.8", "169.254.169.254"]]).guard();
  const error = await refusal(() => reach.addressFor("rebound.test", 22));
  assert.equal(
    error.message,
    "this node may not reach rebound.test:22, which is 8.8.8.8, 169.254.169.254: " +
      "it is where a cloud hands out credentials; reach.metadata decides it",
  );
  assert.deepEqual(error.details, { setting: "reach.metadata" });
  assert.ok(error.definite);
  assert.ok(!error.retryable);
});

Deno.test("an address is not looked up, and has its usual form", async () => {
  const { asked, guard } = scene();
  assert.equal(await guard().addressFor("0x0a.1", 22), "10.0.0.1");
  assert.equal(await guard().addressFor("::FFFF:10.0.0.1", 22), "::ffff:a00:1");
  const error = await refusal(() => guard().addressFor("2852039166", 80));
  assert.match(error.message, /^this node may not reach 169\.254\.169\.254:80: /);
  assert.deepEqual(asked, []);
});

Deno.test("what is denied by its name is not even looked up", async () => {
  const { asked, guard } = scene();
  const reach = guard({ deny: rules("*.evil.test") });
  assert.equal((await refusal(() => reach.addressFor("a.evil.test", 1))).code, "forbidden");
  assert.deepEqual(asked, []);
});

Deno.test("without pins the name itself is given, once its addresses were judged", async () => {
  const { guard } = scene();
  assert.equal(await guard({ pin: false }).addressFor("files.test", 22), "files.test");
  const other = scene([["169.254.169.254"]]).guard({ pin: false });
  assert.equal((await refusal(() => other.addressFor("files.test", 22))).code, "forbidden");
});

Deno.test("a name that does not resolve is unreachable, and asked for again the next time", async () => {
  const { asked, guard } = scene([[], ["93.184.215.14"]]);
  const reach = guard();
  const error = await refusal(() => reach.addressFor("late.test", 22));
  assert.equal(error.code, "unreachable");
  assert.equal(await reach.addressFor("late.test", 22), "93.184.215.14");
  assert.equal(asked.length, 2);
});

Deno.test("lookups under way are shared, and no more names are kept than are counted", async () => {
  const { asked, guard } = scene();
  const reach = guard();
  await Promise.all([1, 2, 3].map((port) => reach.addressFor("same.test", port)));
  assert.equal(asked.length, 1);
  for (let index = 0; index < 1_100; index += 1) await reach.addressFor(`n${index}.test`, 1);
  await reach.addressFor("n1099.test", 1);
  await reach.addressFor("same.test", 1);
  assert.equal(asked.length, 1 + 1_100 + 1, "the oldest went first");
});

Deno.test("a declared URI is judged by its scheme, its spelling and its port before anything opens", async () => {
  const reach = scene().guard({
    schemes: ["https", "sftp", "s3"],
    deny: rules("*.evil.test", "*:2222"),
    loopback: false,
    allow: rules("files.test"),
  });
  for (
    const uri of [
      "https://files.test/x",
      "sftp://user@files.test/x",
      "s3://bucket/key",
      "s3://odd_bucket$/key",
    ]
  ) {
    reach.check(uri);
  }
  for (
    const [uri, setting] of [
      ["http://files.test/x", "reach.schemes"],
      ["file:///etc/passwd", "reach.schemes"],
      ["sftp://user@a.EVIL.test/x", "reach.deny"],
      ["sftp://files.test:2222/x", "reach.deny"],
      ["sftp://127.0.0.1/x", "reach.loopback"],
      ["sftp://u@[::1]:22/x", "reach.loopback"],
      ["sftp://2130706433/x", "reach.loopback"],
      ["https:127.1/x", "reach.loopback"],
      ["https:///127.0.0.1/x", "reach.loopback"],
      ["HTTPS://LOCALHOST./x", "reach.loopback"],
      ["https://169.254.169.254/latest", "reach.metadata"],
    ] as const
  ) {
    const error = await refusal(() => reach.check(uri));
    assert.deepEqual([error.code, error.details], ["forbidden", { setting }], uri);
  }
});

Deno.test("local files are below the folders that are used here, by segments", async () => {
  const reach = scene().guard({ paths: ["/srv/in", "/srv/out"] });
  for (const path of ["/srv/in", "/srv/in/a", "/srv/out/b/c"]) reach.check(`file://${path}`);
  for (
    const path of ["/srv/inner/a", "/srv", "/etc/passwd", "/srv/in/../../etc/passwd", "/srv/in/.."]
  ) {
    const error = await refusal(() => reach.check(`file://${path}`));
    assert.deepEqual(error.details, { setting: "reach.paths" }, path);
  }
});

Deno.test("a host that is resolved elsewhere is judged by its name", async () => {
  const { asked, guard } = scene();
  const reach = guard({ allow: rules("*.corp.test", "10.0.0.0/8") });
  reach.checkHost("db.corp.test", 22);
  reach.checkHost("10.1.1.1", 22);
  assert.equal((await refusal(() => reach.checkHost("other.test", 22))).code, "forbidden");
  assert.equal((await refusal(() => reach.checkHost("11.1.1.1", 22))).code, "forbidden");
  assert.deepEqual(asked, []);
});

Deno.test("a context without a policy has the one that is safe by default", async () => {
  const env = simulatedEnv({ seed: 2 });
  const reach = reachOf({ env });
  assert.equal(await reach.addressFor("127.0.0.1", 22), "127.0.0.1");
  assert.equal(await reach.addressFor("simulated.test", 22), "simulated.test");
  assert.equal((await refusal(() => reach.addressFor("169.254.169.254", 80))).code, "forbidden");
});

Deno.test("the host of a URI is found where its own parser finds it", () => {
  const cases: [string, string | null, number | null][] = [
    ["https://a.test/x", "a.test", null],
    ["https://u:p@a.test:8443/x", "a.test", 8_443],
    ["https:\\\\a.test\\x", "a.test", null],
    ["http:a.test", "a.test", null],
    ["sftp://u@a.test:22/x", "a.test", 22],
    ["sftp://u@b@a.test/x", "a.test", null],
    ["sftp://[fd00::1]:22/x", "fd00::1", 22],
    ["smb://server/share", "server", null],
    ["file:///x", null, null],
    ["memory:/x", null, null],
  ];
  for (const [uri, host, port] of cases) {
    assert.deepEqual(placeOf(uri), host === null ? null : { host, port }, uri);
  }
});
