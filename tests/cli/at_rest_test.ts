import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gunzipSync } from "node:zlib";
import { patterned, sha256 } from "../conformance/case.ts";
import { group, inFolder, namesIn, writeFiles } from "./folder.ts";
import { quorus } from "./memory_process.ts";

const BYTES = patterned(3_000_000);
const KEY = Buffer.from(new Uint8Array(32).fill(5)).toString("base64");
const OLD = Buffer.from(new Uint8Array(32).fill(4)).toString("hex");
const ENCRYPTION = `encryption: {key: "\${secret:KEK}"}`;

Deno.test("a run seals and compresses files, and opens and decompresses them again", async () => {
  await inFolder(async (cwd) => {
    writeFiles(cwd, {
      a: BYTES,
      "secrets/KEK": KEY,
      "out.yaml": group("out", [
        `{name: sealed, source: {path: a}, destination: {path: a.sealed, ${ENCRYPTION}}, validation: {level: reread}}`,
        "{name: zipped, source: {path: a}, destination: {path: a.gz, compression: gzip}}",
        `{name: both, source: {path: a}, destination: {path: a.both, compression: zstd, ${ENCRYPTION}}}`,
      ]),
      "back.yaml": group("back", [
        `{name: opened, source: {path: a.sealed, ${ENCRYPTION}}, destination: {path: b1}}`,
        "{name: unzipped, source: {path: a.gz, compression: gzip}, destination: {path: b2}}",
        `{name: both, source: {path: a.both, ${ENCRYPTION}}, destination: {path: b3}}`,
      ]),
    });
    const args = ["out.yaml", "--secrets", "secrets"];
    const out = await quorus(["run", ...args], { cwd });
    assert.equal(out.code, 0, out.err);
    assert.equal(
      sha256(new Uint8Array(gunzipSync(Deno.readFileSync(`${cwd}/a.gz`)))),
      sha256(BYTES),
    );
    assert.notEqual(Buffer.from(Deno.readFileSync(`${cwd}/a.sealed`)).indexOf("QUORUSE1"), -1);
    const back = await quorus(["run", "back.yaml", "--secrets", "secrets"], { cwd });
    assert.equal(back.code, 0, back.err);
    for (const name of ["b1", "b2", "b3"]) {
      assert.equal(sha256(Deno.readFileSync(`${cwd}/${name}`)), sha256(BYTES), name);
    }
    assert.deepEqual(namesIn(cwd).filter((name) => name.endsWith(".part")), []);
  });
});

Deno.test("the example of the page runs, with a key that has been changed since", async () => {
  const page = Deno.readTextFileSync(
    new URL("../../protocols/encoded/README.md", import.meta.url),
  );
  const [, example] = /```yaml\n(.*?)```/s.exec(page)!;
  await inFolder(async (cwd) => {
    const files = { "ledger.csv": BYTES, "secrets/VAULT_KEY": KEY, "secrets/VAULT_KEY_OLD": OLD };
    writeFiles(cwd, { ...files, "page.yaml": example! });
    const args = ["run", "page.yaml", "--secrets", "secrets", "--var", `FOLDER=${cwd}`];
    const { code, err } = await quorus(args, { cwd });
    assert.equal(code, 0, err);
    assert.equal(sha256(Deno.readFileSync(`${cwd}/ledger-again.csv`)), sha256(BYTES));
  });
});

Deno.test("a sealed file needs its key, and the key is told nowhere", async () => {
  await inFolder(async (cwd) => {
    writeFiles(cwd, {
      a: BYTES,
      "secrets/KEK": KEY,
      "other/KEK": Buffer.from(new Uint8Array(32)).toString("base64"),
      "bad/KEK": "correct horse battery staple",
      "out.yaml": group("out", [
        `{name: sealed, source: {path: a}, destination: {path: a.sealed, ${ENCRYPTION}}}`,
      ]),
      "back.yaml": group("back", [
        `{name: opened, source: {path: a.sealed, ${ENCRYPTION}}, destination: {path: b}}`,
      ]),
    });
    assert.equal((await quorus(["run", "out.yaml", "--secrets", "secrets"], { cwd })).code, 0);
    const other = await quorus(["run", "back.yaml", "--secrets", "other"], { cwd });
    assert.equal(other.code, 1);
    assert.match(other.err + other.out, /its key sha256:[0-9a-f]{16} is none of those given/);
    const bad = await quorus(["run", "back.yaml", "--secrets", "bad"], { cwd });
    assert.equal(bad.code, 1);
    assert.match(bad.err + bad.out, /cannot use an encryption key: it must be 32 bytes/);
    assert.doesNotMatch(bad.err + bad.out, /battery/);
    assert.equal(namesIn(cwd).includes("b"), false);
    for (const name of namesIn(`${cwd}/.quorus`)) assert.doesNotMatch(name, /battery/);
  });
});

Deno.test("encryption without a key that is kept elsewhere is refused with what to write", async () => {
  await inFolder(async (cwd) => {
    const transfer = (encryption: string) =>
      group("g", [
        `{name: t, source: {path: a}, destination: {path: b, encryption: ${encryption}}}`,
      ]);
    writeFiles(cwd, {
      "secrets/KEK": KEY,
      "none.yaml": transfer("{enabled: true, keySource: corporate-kms}"),
      "literal.yaml": transfer(`{key: "${KEY}"}`),
      "other.yaml": transfer('{key: "${secret:KEK}", algorithm: DES}'),
    });
    const said = async (file: string) => {
      const args = ["run", file, "--secrets", "secrets"];
      const { code, err, out } = await quorus(args, { cwd });
      assert.equal(code, 2, file);
      return err + out;
    };
    assert.match(
      await said("none.yaml"),
      /keySource corporate-kms is not read.*\$\{secret:NAME\}/s,
    );
    assert.match(await said("literal.yaml"), /expected a reference to the key/);
    assert.match(await said("other.yaml"), /AES-256-GCM and nothing else/);
  });
});
