/** What may be reached, on the command line and in settings. */

import assert from "node:assert/strict";
import { reachOptions } from "../../cli/config/reach.ts";
import { startFileServer } from "../servers/file_server.ts";
import { bytesFile } from "../servers/pattern.ts";
import { inFolder, writeFiles } from "./folder.ts";
import { quorus } from "./memory_process.ts";

Deno.test("--reach takes every setting, lists with commas or as YAML", () => {
  const policy = reachOptions([
    "deny=*.evil.test, 10.0.0.0/8",
    "allow=[files.test:443]",
    "loopback=false",
    "metadata=true",
    "schemes=https,sftp",
    "paths=in,/srv/out",
  ], "/base");
  assert.deepEqual(policy.deny.map(({ text }) => text), ["*.evil.test", "10.0.0.0/8"]);
  assert.deepEqual(policy.allow.map(({ ports }) => ports), [[443, 443]]);
  assert.deepEqual([policy.loopback, policy.metadata, policy.linkLocal], [false, true, false]);
  assert.deepEqual(policy.schemes, ["https", "sftp"]);
  assert.deepEqual(policy.paths, ["/base/in", "/srv/out"]);
  for (const text of ["", "colour=red", "deny=http://x", "loopback=maybe", "deny"]) {
    assert.throws(() => reachOptions([text], "/"), { code: "usage" }, text);
  }
});

Deno.test("a run is refused what it may not reach, and says which setting decides", async () => {
  const server = startFileServer({ files: new Map([["/f", bytesFile(new Uint8Array(10))]]) });
  try {
    await inFolder(async (cwd) => {
      const copy = (...reach: string[]) => {
        const given = reach.flatMap((one) => ["--reach", one]);
        return quorus(["copy", server.url("/f"), "out", ...given], { cwd });
      };
      const cases: [string[], RegExp][] = [
        [["deny=127.0.0.0/8"], /"127\.0\.0\.0\/8" is denied; reach\.deny decides it/],
        [["loopback=false"], /it is this machine itself; reach\.loopback decides it/],
        [["allow=files.test"], /it is none of those that are allowed; reach\.allow decides it/],
        [["schemes=file"], /only these schemes are used here: file; reach\.schemes/],
        [["paths=elsewhere"], /only these folders are used here: .*elsewhere.*reach\.paths/],
      ];
      for (const [reach, message] of cases) {
        const { code, out, err } = await copy(...reach);
        assert.equal(code, 1, out + err);
        assert.match(out + err, message);
      }
      assert.equal(server.requests().length, 0);
      const good = await copy("allow=127.0.0.1", "paths=.");
      assert.equal(good.code, 0, good.out + good.err);
    });
  } finally {
    await server.close();
  }
});

Deno.test("an agent's settings of reach are checked, and shown with where they come from", () =>
  inFolder(async (cwd) => {
    const agent = 'node: a1\ncontrollers: {c1: "ws://127.0.0.1:4101"}\ndata: state\n';
    writeFiles(cwd, {
      "good.yaml": `${agent}reach: {deny: ["*.evil.test"], loopback: false}\n`,
      "bad.yaml": `${agent}reach: {deny: ["http://evil.test"], lopback: false}\n`,
    });
    const show = (file: string, env: Record<string, string> = {}) =>
      quorus(["config", "show", "-o", "json", "--role", "agent", "--config", file], { cwd, env });
    const good = await show("good.yaml", { QUORUS_REACH_ALLOW: "*.corp.test,10.0.0.0/8" });
    assert.equal(good.code, 0, good.err);
    const settings = JSON.parse(good.out).settings as { name: string; value: unknown }[];
    const valueOf = (name: string) => settings.find((one) => one.name === name)?.value;
    assert.equal(valueOf("reach.loopback"), false);
    assert.equal(valueOf("reach.metadata"), false);
    assert.deepEqual(valueOf("reach.deny"), ["*.evil.test"]);
    assert.deepEqual(valueOf("reach.allow"), ["*.corp.test", "10.0.0.0/8"]);
    const bad = await show("bad.yaml");
    assert.equal(bad.code, 2);
    assert.match(bad.err, /this is no place; write NAME/);
    assert.match(bad.err, /unknown key "lopback"/);
  }));

Deno.test("protocols prints the capabilities of all, and the page of one", async () => {
  const all = await quorus(["protocols"]);
  assert.equal(all.code, 0, all.err);
  assert.match(all.out, /^ +FILE .*SFTP/);
  assert.match(all.out, /fence against stale writers +seize/);
  const data = JSON.parse((await quorus(["protocols", "-o", "json"])).out);
  for (const { name, summary, schemes } of data.protocols) {
    assert.ok(summary !== null && schemes.length > 0, `${name} describes itself`);
  }
  const one = await quorus(["protocols", "https"]);
  assert.match(one.out, /^http: /);
  assert.match(one.out, /credentials +basic, bearer/);
  const none = await quorus(["protocols", "stfp"]);
  assert.equal(none.code, 2);
  assert.match(none.err, /did you mean "sftp"\?/);
});

Deno.test("doctor judges a pair of ends, and says what is weaker than it could be", async () => {
  const server = startFileServer({
    files: new Map([["/f", bytesFile(new Uint8Array(500))]]),
    ranges: false,
  });
  try {
    await inFolder(async (cwd) => {
      const { code, out } = await quorus(["doctor", server.url("/f"), "--to", "./"], { cwd });
      assert.equal(code, 0, out);
      assert.match(out, /what this pair can promise/);
      assert.match(out, /ok +publish +exactly once/);
      assert.match(out, /- +resume +from the start: the source serves no ranges/);
      assert.match(out, /ok +durable +bytes are synced/);
      assert.deepEqual([...Deno.readDirSync(cwd)], []);
    });
  } finally {
    await server.close();
  }
});
