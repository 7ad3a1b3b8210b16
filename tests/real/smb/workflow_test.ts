/** Workflow files whose ends are on a real Samba server, run by the command line. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { patterned } from "../../conformance/case.ts";
import { type Samba, startSamba } from "../../servers/samba.ts";
import { requirePrograms } from "../require.ts";

const needs = requirePrograms(["smbd", "smbpasswd", "smbclient"]);
const CLI = new URL("../../../cli.ts", import.meta.url).pathname;

function command({ folder, password }: Samba, words: readonly string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", CLI, ...words],
    cwd: folder,
    env: { NO_COLOR: "1", QUORUS_SECRET_SMB_PASSWORD: password },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function quorus(samba: Samba, ...words: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await command(samba, words).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return { code, text };
}

/** The example of the page for users. */
async function pageExample(): Promise<string> {
  const page = new URL("../../../protocols/smb/README.md", import.meta.url);
  return /```yaml\n([\s\S]*?)```/.exec(await Deno.readTextFile(page))![1]!;
}

/** One file from the machine to the share, or back. */
function workflow(samba: Samba, source: string, destination: string): string {
  const uri = (place: string) =>
    place.startsWith("/") ? `file://${place}` : `smb://127.0.0.1:${samba.port}/share/${place}`;
  const end = (place: string) =>
    place.startsWith("/")
      ? `{uri: "${uri(place)}"}`
      : `{uri: "${uri(place)}", auth: {type: basic, username: ${samba.user}, ` +
        `password: "\${secret:SMB_PASSWORD}"}}`;
  return `
apiVersion: quorus.dev/v1
kind: Transfer
metadata: {name: one-file}
spec:
  source: ${end(source)}
  destination: ${end(destination)}
  validation: {level: reread}
`;
}

Deno.test({
  name: "smb: the example of the page runs as it stands, and once only where the name is taken",
  ...needs,
  async fn() {
    const samba = await startSamba();
    try {
      await Deno.mkdir(`${samba.root}/out`);
      await Deno.mkdir(`${samba.root}/warehouse`);
      await Deno.writeTextFile(`${samba.root}/out/orders.csv`, "1;2\n");
      const file = `${samba.folder}/page.yaml`;
      await Deno.writeTextFile(file, await pageExample());
      const values = Object.entries({
        HOST: `127.0.0.1:${samba.port}`,
        SHARE: "share",
        USER: samba.user,
      }).flatMap(([name, value]) => ["--var", `${name}=${value}`]);
      const first = await quorus(samba, "run", file, ...values);
      assert.equal(first.code, 0, first.text);
      const names = [...Deno.readDirSync(`${samba.root}/warehouse`)].map((entry) => entry.name);
      assert.equal(names.length, 1, "nothing is left over");
      assert.equal(await Deno.readTextFile(`${samba.root}/warehouse/${names[0]}`), "1;2\n");
      const state = ["--data", `${samba.folder}/elsewhere`];
      const second = await quorus(samba, "run", file, ...values, ...state);
      assert.equal(second.code, 1);
      assert.match(second.text, /taken|exists/);
      for (const { text } of [first, second]) assert.ok(!text.includes(samba.password));
    } finally {
      await samba.close();
    }
  },
});

/** Runs, and kills the program once the temporary file has begun to grow; what it was is started again. */
async function killedInTheMiddle(
  samba: Samba,
  file: string,
  isUnderWay: () => Promise<boolean>,
): Promise<void> {
  const child = command(samba, ["run", file]).spawn();
  const output = child.output();
  for (let look = 0; look < 2_000 && !await isUnderWay(); look++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.ok(await isUnderWay(), "it was killed in the middle, not before");
  child.kill("SIGKILL");
  await output;
}

/** The largest file below a folder that is not there in the end. */
async function underWay(folder: string, atLeast: number): Promise<boolean> {
  try {
    for await (const entry of Deno.readDir(folder)) {
      const path = `${folder}/${entry.name}`;
      if (
        entry.isDirectory ? await underWay(path, atLeast) : (await Deno.stat(path)).size > atLeast
      ) {
        return true;
      }
    }
  } catch {
    // It went while it was looked at.
  }
  return false;
}

const BIG = 96 * 1_048_576;

Deno.test({
  name:
    "smb: killed in the middle of an upload, the next run brings the whole file, and no leftovers",
  ...needs,
  async fn() {
    const samba = await startSamba();
    try {
      const content = patterned(BIG);
      await Deno.writeFile(`${samba.folder}/big.bin`, content);
      await Deno.mkdir(`${samba.root}/in`);
      const file = `${samba.folder}/up.yaml`;
      await Deno.writeTextFile(file, workflow(samba, `${samba.folder}/big.bin`, "in/big.bin"));
      await killedInTheMiddle(samba, file, () => underWay(`${samba.root}/in`, 1_000_000));
      assert.equal(await Deno.stat(`${samba.root}/in/big.bin`).catch(() => null), null);
      const { code, text } = await quorus(samba, "run", file);
      assert.equal(code, 0, text);
      assertSame(await Deno.readFile(`${samba.root}/in/big.bin`), content);
      const names = [...Deno.readDirSync(`${samba.root}/in`)].map(({ name }) => name);
      assert.deepEqual(names, ["big.bin"]);
    } finally {
      await samba.close();
    }
  },
});

Deno.test({
  name:
    "smb: killed in the middle of a download, the next run keeps what was there and brings the rest",
  ...needs,
  async fn() {
    const samba = await startSamba();
    try {
      const content = patterned(2 * BIG, 2);
      await Deno.writeFile(`${samba.root}/big.bin`, content);
      const file = `${samba.folder}/down.yaml`;
      const folder = `${samba.folder}/down`;
      await Deno.mkdir(folder);
      await Deno.writeTextFile(file, workflow(samba, "big.bin", `${folder}/big.bin`));
      await killedInTheMiddle(samba, file, () => underWay(folder, 1.5 * BIG));
      const { code, text } = await quorus(samba, "run", file, "-o", "json");
      assert.equal(code, 0, text);
      assertSame(await Deno.readFile(`${folder}/big.bin`), content);
      assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["big.bin"]);
      const kept = Number(/"keptBytes": ?(\d+)/.exec(text)?.[1]);
      assert.ok(kept >= 64 * 1_048_576, `${kept} bytes were kept: ${text}`);
    } finally {
      await samba.close();
    }
  },
});

Deno.test({
  name:
    "smb: a server that is killed in the middle and comes back gets the whole file all the same",
  ...needs,
  async fn() {
    const samba = await startSamba();
    try {
      const content = patterned(BIG, 3);
      await Deno.writeFile(`${samba.folder}/big.bin`, content);
      await Deno.mkdir(`${samba.root}/in`);
      const file = `${samba.folder}/up.yaml`;
      await Deno.writeTextFile(file, workflow(samba, `${samba.folder}/big.bin`, "in/big.bin"));
      const running = quorus(samba, "run", file);
      for (let look = 0; look < 2_000 && !await underWay(`${samba.root}/in`, 1_000_000); look++) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await samba.kill();
      await samba.start();
      const { code, text } = await running;
      assert.equal(code, 0, text);
      assertSame(await Deno.readFile(`${samba.root}/in/big.bin`), content);
    } finally {
      await samba.close();
    }
  },
});

function assertSame(actual: Uint8Array, expected: Uint8Array): void {
  const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  assert.equal(digest(actual), digest(expected));
}
