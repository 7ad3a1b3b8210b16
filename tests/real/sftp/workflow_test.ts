/** Workflow files whose ends are on a real OpenSSH server, run by the command line. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { patterned } from "../../conformance/case.ts";
import { type Sshd, startSshd } from "../../servers/sshd.ts";
import { requirePrograms } from "../require.ts";

const needs = requirePrograms(["sshd", "ssh-keygen"]);

async function quorus(
  { folder, privateKey }: Sshd,
  ...words: string[]
): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("../../../cli.ts", import.meta.url).pathname, ...words],
    cwd: folder,
    env: { NO_COLOR: "1", QUORUS_SECRET_SSH_KEY: privateKey },
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return { code, text };
}

/** There and back: two transfers, the key of the host pinned, that of the user in a file. */
function workflow(sshd: Sshd, hostKey: string): string {
  const place = `sftp://127.0.0.1:${sshd.port}${sshd.root}`;
  return `
apiVersion: quorus.dev/v1
kind: TransferGroup
metadata: {name: there-and-back}
spec:
  defaults:
    source:
      auth: {type: key, username: ${sshd.user}, privateKey: ${sshd.folder}/user}
      options: {hostKey: "${hostKey}"}
    destination:
      auth: {type: key, username: ${sshd.user}, privateKey: ${sshd.folder}/user}
      options: {hostKey: "${hostKey}"}
  transfers:
    - name: there
      source: {uri: "${place}/in.bin"}
      destination: {uri: "${place}/made/copy.bin", permissions: "640"}
    - name: again
      dependsOn: [there]
      source: {uri: "${place}/made/copy.bin"}
      destination: {uri: "${place}/made/\${there.result.checksum}.bin"}
      validation: {level: reread}
`;
}

/** The example of the page for users. */
async function pageExample(): Promise<string> {
  const page = new URL("../../../protocols/sftp/README.md", import.meta.url);
  return /```yaml\n([\s\S]*?)```/.exec(await Deno.readTextFile(page))![1]!;
}

Deno.test({
  name: "the example of the page runs as it stands, and once only where the name is taken",
  ...needs,
  async fn() {
    const sshd = await startSshd();
    try {
      await Deno.writeTextFile(`${sshd.root}/orders.csv`, "1;2\n");
      const file = `${sshd.folder}/page.yaml`;
      await Deno.writeTextFile(file, await pageExample());
      const values = Object.entries({
        HOST: `127.0.0.1:${sshd.port}`,
        FOLDER: sshd.root,
        USER: sshd.user,
        HOST_KEY: sshd.fingerprint,
      }).flatMap(([name, value]) => ["--var", `${name}=${value}`]);
      const first = await quorus(sshd, "run", file, ...values);
      assert.equal(first.code, 0, first.text);
      const [name] = [...Deno.readDirSync(`${sshd.root}/warehouse`)].map((entry) => entry.name);
      assert.equal(await Deno.readTextFile(`${sshd.root}/warehouse/${name}`), "1;2\n");
      const state = ["--data", `${sshd.folder}/elsewhere`];
      const second = await quorus(sshd, "run", file, ...values, ...state);
      assert.equal(second.code, 1);
      assert.match(second.text, /taken|exists/);
    } finally {
      await sshd.close();
    }
  },
});

Deno.test({
  name: "a workflow copies files within a server, verified, the name made of an earlier checksum",
  ...needs,
  async fn() {
    const sshd = await startSshd();
    try {
      const content = patterned(3_000_000);
      await Deno.writeFile(`${sshd.root}/in.bin`, content);
      const file = `${sshd.folder}/w.yaml`;
      await Deno.writeTextFile(file, workflow(sshd, sshd.fingerprint));
      const { code, text } = await quorus(sshd, "run", file);
      assert.equal(code, 0, text);
      const sha256 = createHash("sha256").update(content).digest("hex");
      assert.deepEqual(await Deno.readFile(`${sshd.root}/made/${sha256}.bin`), content);
      assert.equal((await Deno.stat(`${sshd.root}/made/copy.bin`)).mode! & 0o777, 0o640);
      const names = [...Deno.readDirSync(`${sshd.root}/made`)].map(({ name }) => name);
      assert.deepEqual(names.sort(), [`${sha256}.bin`, "copy.bin"].sort(), "nothing is left over");
    } finally {
      await sshd.close();
    }
  },
});

Deno.test({
  name: "a host whose key is another one is not trusted, and the message says what was seen",
  ...needs,
  async fn() {
    const sshd = await startSshd();
    try {
      await Deno.writeTextFile(`${sshd.root}/in.bin`, "x");
      const file = `${sshd.folder}/w.yaml`;
      await Deno.writeTextFile(file, workflow(sshd, `SHA256:${"A".repeat(43)}`));
      const { code, text } = await quorus(sshd, "run", file);
      assert.equal(code, 1);
      assert.match(text, /cannot trust 127\.0\.0\.1:\d+: its key is SHA256:/);
      assert.ok(!text.includes(sshd.privateKey.slice(60, 100)), "no key in the output");
    } finally {
      await sshd.close();
    }
  },
});
