/** Copies that a real OpenSSH server makes itself: nothing passes here, killed or not. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { patterned } from "../../conformance/case.ts";
import { eventsOf, startQuorus } from "../../scenario/quorus.ts";
import { type Sshd, startSshd } from "../../servers/sshd.ts";
import { requirePrograms } from "../require.ts";

const needs = requirePrograms(["sshd", "ssh-keygen"]);
const SIZE = 3_000_000;

/** A file of a server to another place of the same one. */
function workflow(sshd: Sshd, more: string): string {
  const place = `sftp://127.0.0.1:${sshd.port}${sshd.root}`;
  const access = `auth: {type: key, username: ${sshd.user}, privateKey: "${sshd.folder}/user"},
    options: {hostKey: "${sshd.fingerprint}"}`;
  return `
apiVersion: quorus.dev/v1
kind: Transfer
metadata: {name: copy}
spec:
  source: {uri: "${place}/from.bin", ${access}}
  destination: {uri: "${place}/to/copy.bin", preserveMtime: true, ${access}}
  ${more}
`;
}

async function run(sshd: Sshd, more: string) {
  const file = `${sshd.folder}/w.yaml`;
  await Deno.writeTextFile(file, workflow(sshd, more));
  const data = await Deno.makeTempDir({ dir: sshd.folder });
  const started = startQuorus(["run", file, "--data", data, "--json"], { env: {} });
  const { code, out, err } = await started.ended;
  const receipt = eventsOf(out).flatMap((event) => event.receipt ?? []).at(-1);
  return { code, receipt, text: out + err };
}

async function withFile(
  body: (sshd: Sshd, bytes: Uint8Array) => Promise<void>,
  config = "",
): Promise<void> {
  const sshd = await startSshd({ config });
  try {
    const bytes = patterned(SIZE, 4);
    await Deno.writeFile(`${sshd.root}/from.bin`, bytes);
    await Deno.utime(`${sshd.root}/from.bin`, 1_700_000_000, 1_700_000_000);
    await body(sshd, bytes);
  } finally {
    await sshd.close();
  }
}

Deno.test({
  name: "OpenSSH copies a file itself: no byte passes here, and its time is kept",
  ...needs,
  fn: () =>
    withFile(async (sshd, bytes) => {
      const { code, receipt, text } = await run(sshd, "transfer: {serverCopy: require}");
      assert.equal(code, 0, text);
      assert.deepEqual([receipt?.fetchedBytes, receipt?.copiedBytes], [0, SIZE]);
      assert.deepEqual([receipt?.sha256, receipt?.verified], [null, "size"]);
      assert.deepEqual(await Deno.readFile(`${sshd.root}/to/copy.bin`), bytes);
      const { mtime } = await Deno.stat(`${sshd.root}/to/copy.bin`);
      assert.equal(mtime?.getTime(), 1_700_000_000_000);
      assert.deepEqual([...Deno.readDirSync(`${sshd.root}/to`)].map(({ name }) => name), [
        "copy.bin",
      ]);
    }),
});

Deno.test({
  name: "a declared checksum is compared with what OpenSSH has copied, by reading it back",
  ...needs,
  fn: () =>
    withFile(async (sshd, bytes) => {
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      const right = await run(sshd, `validation: {checksum: {value: ${sha256}}}`);
      assert.equal(right.code, 0, right.text);
      assert.deepEqual([right.receipt?.sha256, right.receipt?.verified], [sha256, "reread"]);
      assert.equal(right.receipt?.copiedBytes, SIZE);
      await Deno.remove(`${sshd.root}/to/copy.bin`);
      const wrong = await run(sshd, `validation: {checksum: {value: ${"ab".repeat(32)}}}`);
      assert.equal(wrong.code, 1);
      assert.match(wrong.text, /checksumMismatch/);
      assert.deepEqual([...Deno.readDirSync(`${sshd.root}/to`)], []);
    }),
});

Deno.test({
  name: "a level that needs the bytes has them stream, and the receipt says why",
  ...needs,
  fn: () =>
    withFile(async (sshd, bytes) => {
      const { code, receipt, text } = await run(sshd, "validation: {level: reread}");
      assert.equal(code, 0, text);
      assert.equal(receipt?.fetchedBytes, SIZE);
      assert.equal(receipt?.sha256, createHash("sha256").update(bytes).digest("hex"));
      assert.match(String(receipt?.streamedBecause), /SHA-256/);
      const required = await run(
        sshd,
        "validation: {level: reread}\n  transfer: {serverCopy: require}",
      );
      assert.equal(required.code, 1);
      assert.match(required.text, /serverCopyUnavailable/);
    }),
});

Deno.test({
  name: "a server that forbids copies has the bytes stream under auto, and fails under require",
  ...needs,
  fn: () =>
    withFile(async (sshd, bytes) => {
      const { code, receipt, text } = await run(sshd, "transfer: {serverCopy: auto}");
      assert.equal(code, 0, text);
      assert.equal(receipt?.fetchedBytes, SIZE);
      assert.match(receipt?.streamedBecause ?? "", /refused to copy: .*copy/);
      assert.deepEqual(await Deno.readFile(`${sshd.root}/to/copy.bin`), bytes);
      await Deno.remove(`${sshd.root}/to/copy.bin`);
      const required = await run(sshd, "transfer: {serverCopy: require}");
      assert.equal(required.code, 1);
      assert.match(required.text, /serverCopyUnavailable/);
      assert.deepEqual([...Deno.readDirSync(`${sshd.root}/to`)], []);
    }, "ForceCommand internal-sftp -P copy-data"),
});
