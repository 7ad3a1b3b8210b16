/** The example of the page, run by the command line against a real vsftpd. */

import assert from "node:assert/strict";
import { requireRoot, startVsftpd, type Vsftpd } from "../../servers/vsftpd.ts";
import { requirePrograms } from "../require.ts";

const needs = requirePrograms(["vsftpd"]).ignore ? { ignore: true } : requireRoot();

async function quorus(
  { folder, password }: Vsftpd,
  ...words: string[]
): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("../../../cli.ts", import.meta.url).pathname, ...words],
    cwd: folder,
    env: { NO_COLOR: "1", QUORUS_SECRET_FTP_PASSWORD: password },
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.ok(!text.includes(password), "no password in the output");
  return { code, text };
}

/** The example of the page for users. */
async function pageExample(): Promise<string> {
  const page = new URL("../../../protocols/ftp/README.md", import.meta.url);
  return /```yaml\n([\s\S]*?)```/.exec(await Deno.readTextFile(page))![1]!;
}

Deno.test({
  name: "the example of the page runs as it stands, and once only where the name is taken",
  ...needs,
  async fn() {
    const server = await startVsftpd({ tls: "explicit" });
    try {
      await Deno.writeTextFile(`${server.root}/invoices.csv`, "1;2\n");
      await Deno.chmod(`${server.root}/invoices.csv`, 0o644);
      const file = `${server.folder}/page.yaml`;
      await Deno.writeTextFile(file, await pageExample());
      const values = Object.entries({
        HOST: `localhost:${server.port}`,
        USER: server.user,
        CA: server.ca,
      }).flatMap(([name, value]) => ["--var", `${name}=${value}`]);
      const first = await quorus(server, "run", file, ...values);
      assert.equal(first.code, 0, first.text);
      const names = [...Deno.readDirSync(`${server.root}/archive`)].map(({ name }) => name);
      assert.equal(names.length, 1, "the file and nothing left over");
      assert.equal(await Deno.readTextFile(`${server.root}/archive/${names[0]}`), "1;2\n");
      const state = ["--data", `${server.folder}/elsewhere`];
      const second = await quorus(server, "run", file, ...values, ...state);
      assert.equal(second.code, 1);
      assert.match(second.text, /taken|exists/);
    } finally {
      await server.close();
    }
  },
});

Deno.test({
  name: "a certificate that nobody vouches for fails the run before a password is sent",
  ...needs,
  async fn() {
    const server = await startVsftpd({ tls: "explicit" });
    try {
      const file = `${server.folder}/page.yaml`;
      const example = await pageExample();
      await Deno.writeTextFile(file, example.replaceAll(/^ *tls: .*\n/gm, ""));
      const values = ["--var", `HOST=localhost:${server.port}`, "--var", `USER=${server.user}`];
      const { code, text } = await quorus(server, "run", file, ...values, "--var", "CA=unused");
      assert.equal(code, 1, text);
      assert.match(text, /cannot trust ftps:\/\/localhost:\d+: its certificate/);
    } finally {
      await server.close();
    }
  },
});
