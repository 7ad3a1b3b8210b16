import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { encodedSink } from "../../protocols/encoded/encoded.ts";
import { plainEndpoint } from "../../protocols/endpoint.ts";
import { fileProtocol } from "../../protocols/file/protocol.ts";
import { fileUriOf } from "../../protocols/file/uri.ts";
import { realEnv } from "../../runtime/env/real.ts";
import { NEVER, patterned, sha256 } from "../conformance/case.ts";
import { inFolder, namesIn, writeFiles } from "./folder.ts";
import { quorus } from "./memory_process.ts";

const KEY = new Uint8Array(32).fill(3);
const BYTES = patterned(1_500_000);

/** Seals `BYTES` at that path, as a transfer with `destination.encrypt` does. */
async function seal(path: string, keys: readonly Uint8Array[]): Promise<void> {
  const env = realEnv();
  try {
    const place = { createDirectories: false, root: null, sync: false };
    const endpoint = { ...plainEndpoint(fileUriOf(path)), ...place };
    const encoding = { compression: "zstd", keys } as const;
    const sink = encodedSink(fileProtocol(), endpoint, { env }, encoding);
    const file = await sink.create(".temp", NEVER);
    await file.write(BYTES, 0);
    await sink.publish(file, { name: sink.name, replace: false, mtimeMs: null, mode: null });
    await sink.close();
  } finally {
    env.close();
  }
}

Deno.test("decrypt writes what a sealed file holds, with one of the keys that it is given", async () => {
  await inFolder(async (cwd) => {
    await seal(`${cwd}/backup.sealed`, [KEY]);
    writeFiles(cwd, { old: "00".repeat(32), key: Buffer.from(KEY).toString("base64") });
    const args = ["decrypt", "backup.sealed", "backup", "--key-file", "old", "--key-file", "key"];
    const { code, out, err } = await quorus(args, { cwd });
    assert.equal(err, "");
    assert.equal(code, 0);
    assert.equal(out, `backup: 1500000 bytes, sha256:${sha256(BYTES)}\n`);
    assert.equal(sha256(Deno.readFileSync(`${cwd}/backup`)), sha256(BYTES));
    assert.equal(Deno.statSync(`${cwd}/backup`).mode! & 0o777, 0o600);
    const again = await quorus(args, { cwd });
    assert.equal(again.code, 2);
    assert.match(again.err, /it exists; name another file, or use --force/);
    assert.equal((await quorus([...args, "--force", "--json"], { cwd })).code, 0);
  });
});

Deno.test("decrypt leaves nothing where the key is another one or the file is damaged", async () => {
  await inFolder(async (cwd) => {
    await seal(`${cwd}/backup.sealed`, [KEY]);
    writeFiles(cwd, { other: "11".repeat(32), key: Buffer.from(KEY).toString("hex"), bad: "x" });
    const decrypt = (key: string) =>
      quorus(["decrypt", "backup.sealed", "backup", "--key-file", key], { cwd });
    const other = await decrypt("other");
    assert.equal(other.code, 1);
    assert.match(other.err, /its key sha256:[0-9a-f]{16} is none of those given/);
    const bad = await decrypt("bad");
    assert.equal(bad.code, 2);
    assert.match(bad.err, /it must be 32 bytes, as 44 characters of base64 .*\(in bad\)/);
    const none = await quorus(["decrypt", "backup.sealed", "backup"], { cwd });
    assert.match(none.err, /no key was given/);
    const bytes = Deno.readFileSync(`${cwd}/backup.sealed`);
    bytes[bytes.length - 20]! ^= 1;
    Deno.writeFileSync(`${cwd}/backup.sealed`, bytes);
    const damaged = await decrypt("key");
    assert.equal(damaged.code, 1);
    assert.match(damaged.err, /damaged/);
    assert.deepEqual(namesIn(cwd), ["backup.sealed", "bad", "key", "other"]);
  });
});
