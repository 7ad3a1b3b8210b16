/** Sets of files between a real OpenSSH server and this machine, run by the command line. */

import assert from "node:assert/strict";
import { type Sshd, startSshd } from "../../servers/sshd.ts";
import { requirePrograms } from "../require.ts";

const needs = requirePrograms(["sshd", "ssh-keygen"]);
const FILES = 120;

async function quorus({ folder, privateKey }: Sshd, ...words: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("../../../cli.ts", import.meta.url).pathname, ...words],
    cwd: folder,
    env: { NO_COLOR: "1", QUORUS_SECRET_SSH_KEY: privateKey },
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return { code, text };
}

/** From the server to a folder here, and from there into another folder of the server. */
function workflow({ port, root, user, fingerprint }: Sshd, here: string): string {
  const place = `sftp://127.0.0.1:${port}${root}`;
  const reached = {
    auth: { type: "key", username: user, privateKey: "${secret:SSH_KEY}" },
    options: { hostKey: fingerprint },
  };
  return JSON.stringify({
    apiVersion: "quorus.dev/v1",
    kind: "TransferGroup",
    metadata: { name: "sets" },
    spec: {
      transfers: [{
        name: "fetch",
        source: { uri: `${place}/in/**/*.csv`, ...reached },
        destination: { path: `${here}/` },
      }, {
        name: "bring",
        dependsOn: ["fetch"],
        source: { path: `${here}/` },
        destination: { uri: `${place}/back/`, ...reached, mirror: { delete: true } },
      }, {
        name: "archive",
        dependsOn: ["bring"],
        source: { uri: `${place}/in/`, ...reached, after: { move: `${place}/done/` } },
        destination: { path: `${here}-all/` },
      }],
    },
  });
}

Deno.test({
  name: "globs, mirrors and archives of directories on a server, and nothing twice",
  ...needs,
  async fn() {
    const sshd = await startSshd();
    try {
      for (let n = 0; n < FILES; n++) {
        const folder = `${sshd.root}/in/${n % 4}`;
        await Deno.mkdir(folder, { recursive: true });
        await Deno.writeTextFile(`${folder}/file ${n}.csv`, `${n};`.repeat(n));
      }
      await Deno.writeTextFile(`${sshd.root}/in/notes.txt`, "not a csv");
      await Deno.mkdir(`${sshd.root}/back`);
      await Deno.writeTextFile(`${sshd.root}/back/old.csv`, "gone at the source");
      const here = `${sshd.folder}/here`;
      const file = `${sshd.folder}/sets.yaml`;
      await Deno.writeTextFile(file, workflow(sshd, here));
      const first = await quorus(sshd, "run", file);
      assert.equal(first.code, 0, first.text);
      assert.match(first.text, /fetch: succeeded, 120 files/);
      const csv = below(`${sshd.root}/done`).filter((path) => path.endsWith(".csv"));
      assert.equal(csv.length, FILES);
      assert.deepEqual(below(here), csv);
      assert.deepEqual(below(`${sshd.root}/back`), csv);
      assert.deepEqual(below(`${sshd.root}/in`), []);
      for (const path of csv) {
        const content = await Deno.readTextFile(`${sshd.root}/done/${path}`);
        assert.equal(await Deno.readTextFile(`${sshd.root}/back/${path}`), content);
      }
    } finally {
      await sshd.close();
    }
  },
});

function below(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? below(`${folder}/${name}`).map((path) => `${name}/${path}`) : [name]
  ).sort();
}
