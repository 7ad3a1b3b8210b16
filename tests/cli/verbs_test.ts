/** Verbs that look and move nothing, and the program itself. */

import assert from "node:assert/strict";
import { bytesFile } from "../servers/pattern.ts";
import { startFileServer } from "../servers/file_server.ts";
import { group, inFolder, namesIn, writeFiles } from "./folder.ts";
import { assertGolden } from "./golden.ts";
import { quorus } from "./memory_process.ts";

const TWO = group(
  "two",
  [
    "{name: users, source: {path: a}, destination: {path: out/users}}",
    "{name: orders, source: {uri: 'http://h/o'}, destination: {path: 'out/${REGION}/o'}, dependsOn: [users]}",
    "{name: never, source: {path: a}, destination: {path: out/n}, condition: \"${REGION} == 'us'\"}",
    "{name: after, source: {path: a}, destination: {path: out/after}, dependsOn: [never]}",
    "{name: named, source: {path: a}, destination: {path: 'out/${users.result.checksum}'}, dependsOn: [users]}",
  ],
  "  execution: {strategy: mixed, maxConcurrency: 2}\n  variables: {REGION: eu, TOKEN: '${env:API_TOKEN}'}\n",
);

Deno.test("an unknown verb or flag is answered with a suggestion and exit code 2", async () => {
  const verb = await quorus(["rnu"]);
  assert.equal(verb.code, 2);
  assert.match(verb.err, /unknown command 'rnu'\n\(Did you mean run\?\)/);
  const flag = await quorus(["run", "--concurency", "2", "x.yaml"]);
  assert.equal(flag.code, 2);
  assert.match(flag.err, /unknown option '--concurency'\n\(Did you mean --concurrency\?\)/);
  assert.equal((await quorus(["run"])).code, 2);
  assert.match((await quorus(["run", "x", "--concurrency", "0"])).err, /whole number from 1/);
  assert.match((await quorus(["plan", "x", "-o", "xml"])).err, /table, json, yaml/);
});

Deno.test("help and version answer with exit code 0", async () => {
  const help = await quorus(["help"]);
  assert.equal(help.code, 0);
  for (const verb of ["run", "copy", "validate", "plan", "doctor", "schema", "completion"]) {
    assert.match(help.out, new RegExp(`^  ${verb} `, "m"));
  }
  assert.match((await quorus(["help", "run"])).out, /--keep-going/);
  assert.match((await quorus(["version"])).out, /^quorus \d+\.\d+\.\d+\n/);
  const version = JSON.parse((await quorus(["version", "-o", "json"])).out);
  assert.deepEqual(Object.keys(version), ["quorus", "deno", "v8", "typescript"]);
  const config = JSON.parse(Deno.readTextFileSync(new URL("../../deno.json", import.meta.url)));
  assert.equal(version.quorus, config.version);
});

Deno.test("validate tells all that is wrong, with line, column and suggestion, and exits 2", async () => {
  await inFolder(async (cwd) => {
    writeFiles(cwd, {
      "good.yaml": TWO,
      "bad.yaml": group("bad", [
        "{name: a, source: {path: x}, destination: {pth: y}, dependsOn: [b]}",
        "{name: b, source: {path: x}, destination: {path: z}, dependsOn: [a]}",
      ]),
    });
    assert.deepEqual(await quorus(["validate", "good.yaml"], { cwd }), {
      code: 0,
      out: "good.yaml valid: 1 workflow, 5 transfers\n",
      err: "",
    });
    const both = await quorus(["validate", "good.yaml", "bad.yaml"], { cwd });
    assert.equal(both.code, 2);
    assertGolden("validate_bad", both.err + both.out);
    const data = JSON.parse((await quorus(["validate", "bad.yaml", "-o", "json"], { cwd })).out);
    assert.equal(data.valid, false);
    assert.equal(data.files[0].diagnostics[0].code, "unknownKey");
    assert.match(
      (await quorus(["validate", "bad.yaml", "-o", "yaml"], { cwd })).out,
      /^valid: false/,
    );
  });
});

Deno.test("validate warns about what is not carried out, and run refuses what would be unsafe", async () => {
  await inFolder(async (cwd) => {
    writeFiles(cwd, {
      "e.yaml": group("e", [
        "{name: a, source: {path: x}, destination: {path: y, encryption: {enabled: true}}}",
      ]),
      x: "bytes",
    });
    const valid = await quorus(["validate", "e.yaml"], { cwd });
    assert.equal(valid.code, 0);
    assert.match(valid.err, /e\.yaml:6: warning: .*encryption: .*; run refuses this/);
    assert.match(valid.out, /valid: .* 0 errors, 1 warning/);
    const ran = await quorus(["run", "e.yaml"], { cwd });
    assert.equal(ran.code, 2);
    assert.match(ran.err, /error: .*encryption: .*\[refused\]/);
    assert.deepEqual(namesIn(cwd), ["e.yaml", "x"]);
  });
});

Deno.test("plan shows order, levels, masked variables and skips, and touches nothing", async () => {
  await inFolder(async (cwd) => {
    writeFiles(cwd, { "two.yaml": TWO });
    const env = { API_TOKEN: "hush" };
    const shown = await quorus(["plan", "two.yaml"], { cwd, env });
    assert.equal(shown.code, 0, shown.err);
    assertGolden(
      "plan",
      shown.out.replaceAll(cwd, "/here").replace(/two-[0-9a-f]{12}/, "two-DIGEST")
        .replace(/ {2,}/g, "  "),
    );
    assert.ok(!shown.out.includes("hush"));
    const given = await quorus(["plan", "two.yaml", "--var", "REGION=us", "-o", "json"], {
      cwd,
      env,
    });
    const { plans } = JSON.parse(given.out);
    assert.deepEqual(plans[0].levels, [["users", "never"], ["orders", "after", "named"]]);
    assert.equal(plans[0].transfers[2].skipped, null);
    assert.deepEqual(namesIn(cwd), ["two.yaml"]);
  });
});

Deno.test("a missing variable, file or secret is told with its place before anything is touched", async () => {
  await inFolder(async (cwd) => {
    const source =
      "source: {uri: 'http://h/x', headers: {Authorization: 'Bearer ${secret:TOKEN}'}}";
    writeFiles(cwd, {
      "m.yaml": group("m", [
        `{name: a, ${source}, destination: {path: 'out/\${env:NOT_SET}/\${file:nope.txt}'}}`,
      ]),
    });
    const ran = await quorus(["run", "m.yaml"], { cwd });
    assert.equal(ran.code, 2);
    assert.match(ran.err, /m\.yaml:6:\d+: error: .*NOT_SET/);
    assert.match(ran.err, /nope\.txt: there is no such file/);
    assert.match(ran.err, /\$\{secret:TOKEN\}.* set QUORUS_SECRET_TOKEN, or name a directory/);
    const planned = await quorus(["plan", "m.yaml"], { cwd });
    assert.equal(planned.code, 2);
    assert.match(planned.err, /NOT_SET/);
    assert.deepEqual(namesIn(cwd), ["m.yaml"]);
  });
});

Deno.test("--vars binds nested names of a file, and --var wins over it", async () => {
  await inFolder(async (cwd) => {
    writeFiles(cwd, {
      "v.yaml": group("v", [
        "{name: a, source: {path: x}, destination: {path: '${tenant.root}/${N}'}}",
      ], "  variables: {N: }\n"),
      "vars.yaml": "tenant: {root: /srv}\nN: 1\n",
    });
    const args = ["plan", "v.yaml", "--vars", "vars.yaml", "--var", "N=2", "-o", "json"];
    const { plans } = JSON.parse((await quorus(args, { cwd })).out);
    assert.equal(plans[0].transfers[0].destination, "/srv/2");
    const malformed = await quorus(["plan", "v.yaml", "--var", "N"], { cwd });
    assert.equal(malformed.code, 2);
    assert.match(malformed.err, /cannot use --var "N": there is no =; write --var NAME=VALUE/);
    writeFiles(cwd, { "list.yaml": "N: [1]\n" });
    const list = await quorus(["plan", "v.yaml", "--vars", "list.yaml"], { cwd });
    assert.match(list.err, /"N" is not a map of names/);
  });
});

Deno.test("what is no workflow file is answered in one line", async () => {
  await inFolder(async (cwd) => {
    writeFiles(cwd, { "x.bin": new Uint8Array([0xff, 0xfe, 0]) });
    for (
      const [file, reason] of [["no.yaml", /no such file/], [".", /directory/], [
        "x.bin",
        /UTF-8/,
      ]] as const
    ) {
      const { code, err } = await quorus(["validate", file], { cwd });
      assert.equal(code, 2);
      assert.match(err, reason);
      assert.equal(err.split("\n").length, 2, err);
    }
  });
});

Deno.test("schema prints both schemas and tells whether a file holds one", async () => {
  const printed = await quorus(["schema"]);
  const published = new URL("../../workflows/schema/quorus.schema.json", import.meta.url).pathname;
  assert.deepEqual(JSON.parse(printed.out), JSON.parse(Deno.readTextFileSync(published)));
  assert.equal((await quorus(["schema", "--check", published])).code, 0);
  const other = await quorus(["schema", "run-events", "--check", published]);
  assert.equal(other.code, 1);
  assert.match(other.err, /write it anew: quorus schema run-events/);
});

Deno.test("completion of every shell knows the verbs and their flags", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, out } = await quorus(["completion", shell]);
    assert.equal(code, 0);
    for (const word of ["validate", "keep-going", "run-events", "skip-if-same"]) {
      assert.ok(out.includes(word), `${shell}: ${word}`);
    }
  }
  assert.equal((await quorus(["completion", "tcsh"])).code, 2);
});

Deno.test("doctor tells what a source offers, and exits 4 for one that does not answer", async () => {
  const server = startFileServer({
    files: new Map([["/f", bytesFile(new Uint8Array(5_000))]]),
    digest: true,
  });
  try {
    const found = await quorus(["doctor", server.url("/f")]);
    assert.equal(found.code, 0, found.err);
    for (
      const line of [
        /ok +reachable/,
        /ok +size +4\.88 KiB/,
        /ok +ranges +yes/,
        /ok +validator +ETag/,
        /ok +source hash +sha256 /,
      ]
    ) {
      assert.match(found.out, line);
    }
    const missing = await quorus(["doctor", server.url("/none")]);
    assert.equal(missing.code, 4);
    assert.match(missing.out, /FAIL +reachable .*404/);
    server.refuse("/f", 403, {}, 9);
    assert.equal((await quorus(["doctor", server.url("/f")])).code, 3);
  } finally {
    await server.close();
  }
  const gone = await quorus(["doctor", server.url("/f"), "-o", "json"]);
  assert.equal(gone.code, 4);
  assert.equal(JSON.parse(gone.out).places[0].examined[0].findings[0].code, "unreachable");
  assert.equal((await quorus(["doctor", "gopher://h/x"])).code, 2);
});

Deno.test("doctor publishes a small file in a directory and leaves nothing", async () => {
  await inFolder(async (cwd) => {
    writeFiles(cwd, { "sub/f": "bytes" });
    const file = await quorus(["doctor", "sub/f"], { cwd });
    assert.equal(file.code, 0, file.out);
    assert.match(file.out, /sub\/f as a source\n/);
    assert.match(
      file.out,
      /ok +writable .*\n.*ok +resume .*\n.*ok +time .*\n.*ok +publish .*\n.*ok +hash .*\n.*ok +no replace .*\n.*ok +fence +seize.*\n.*ok +space +.* free/,
    );
    assert.deepEqual(namesIn(`${cwd}/sub`), ["f"]);
    const absent = await quorus(["doctor", "no/such/dir/f"], { cwd });
    assert.match(absent.out, /createDirectories would make it below/);
    const below = await quorus(["doctor", "sub/f/g/h"], { cwd });
    assert.equal(below.code, 1);
    assert.match(below.out, /is not a directory; name another place/);
  });
});

Deno.test("copy --trace logs every call, and --max-rate bounds the rate of the source", async () => {
  const server = startFileServer({ files: new Map([["/f", bytesFile(new Uint8Array(300_000))]]) });
  try {
    await inFolder(async (cwd) => {
      const begin = performance.now();
      const args = ["copy", server.url("/f"), "f", "--trace", "--max-rate", "200KB"];
      const { code, err } = await quorus(args, { cwd });
      assert.equal(code, 0, err);
      assert.match(err, /call source read http:\S+\/f: \d+ bytes in [\d.]+ms, ok/);
      assert.match(err, /call sink publish file:\S+\/f: in [\d.]+ms, ok/);
      // 300 kB at 200 kB/s, less the burst that the bucket holds at first.
      assert.ok(performance.now() - begin > 500);
    });
  } finally {
    await server.close();
  }
});
