/** The page's example, and SIGKILL in the middle, of client and of server, on real WebDAV servers. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { patterned } from "../../conformance/case.ts";
import { type Quorus, quorus, startQuorus } from "../../scenario/quorus.ts";
import {
  RCLONE_USER,
  startNginxDav,
  startRclone,
  type WebdavServer,
} from "../../servers/webdav.ts";
import { requirePrograms } from "../require.ts";

const SECRET = { env: { QUORUS_SECRET_DAV_PASSWORD: RCLONE_USER.password } };
const SIZE = 64 * 2 ** 20;
const KILLED_AT = 24 * 2 ** 20;

async function using<S extends WebdavServer>(
  starting: Promise<S>,
  body: (server: S) => Promise<void>,
): Promise<void> {
  const server = await starting;
  try {
    await body(server);
  } finally {
    await server.close();
  }
}

Deno.test({
  name: "the example of the page runs as it stands, and not over what is there",
  ...requirePrograms(["rclone"]),
  fn: () =>
    using(startRclone(), async (server) => {
      const page = new URL("../../../protocols/webdav/README.md", import.meta.url);
      const example = /```yaml\n([\s\S]*?)```/.exec(await Deno.readTextFile(page))![1]!;
      const file = `${server.folder}/page.yaml`;
      await Deno.writeTextFile(file, example);
      await Deno.mkdir(`${server.root}/in`);
      await Deno.writeTextFile(`${server.root}/in/orders.csv`, "1;2\n");
      const words = [
        ...["run", file, "--var", `HOST=127.0.0.1:${server.port}`],
        ...["--var", `USER=${RCLONE_USER.username}`, "--data"],
      ];
      const first = await quorus([...words, `${server.folder}/one`], SECRET);
      assert.equal(first.code, 0, first.out + first.err);
      const names = [...Deno.readDirSync(`${server.root}/kept`)].map(({ name }) => name);
      assert.equal(names.length, 1, "nothing is left over");
      assert.equal(await Deno.readTextFile(`${server.root}/kept/${names[0]}`), "1;2\n");
      const second = await quorus([...words, `${server.folder}/two`], SECRET);
      assert.equal(second.code, 1);
      assert.match(second.out + second.err, /taken|exists/);
    }),
});

interface Scene {
  readonly server: WebdavServer;
  readonly source: string;
  /** The words that run it, with more. */
  words(...more: string[]): string[];
}

async function scene(server: WebdavServer, direction: "get" | "put"): Promise<Scene> {
  const local = `${server.folder}/local.bin`;
  const remote = `${server.root}/remote.bin`;
  const side = direction === "get" ? "source" : "destination";
  const other = direction === "get" ? "destination" : "source";
  const file = `${server.folder}/w.yaml`;
  await Deno.writeTextFile(
    file,
    `
apiVersion: quorus.dev/v1
kind: Transfer
metadata: {name: kill}
spec:
  ${side}:
    uri: "dav://127.0.0.1:${server.port}/remote.bin"
    auth: {type: basic, username: u, password: "\${secret:DAV_PASSWORD}"}
  ${other}: {path: "${local}"}
  transfer: {chunkSize: 1MiB}
  retry: {maxAttempts: 8, initialDelay: 200ms}
  validation: {level: reread}
`,
  );
  const source = direction === "get" ? remote : local;
  await Deno.writeFile(source, patterned(SIZE));
  return {
    server,
    source,
    words: (...more) => ["run", file, "--data", `${server.folder}/state`, ...more],
  };
}

/** Resolves once some file that grows below `folder` has so many bytes. */
async function grown(running: Quorus, folder: string, except: string): Promise<void> {
  let isOver = false;
  void running.ended.then(() => isOver = true);
  for (let attempt = 0; attempt < 3_000 && !isOver; attempt += 1) {
    for (const path of filesBelow(folder)) {
      if (path === except) continue;
      const info = await Deno.lstat(path).catch(() => null);
      if (info !== null && info.size >= KILLED_AT && info.size < SIZE) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { out, err } = await running.ended;
  assert.fail(`it never came to its middle: ${out}${err}`);
}

function filesBelow(folder: string): string[] {
  const paths: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) paths.push(...filesBelow(path));
    else paths.push(path);
  }
  return paths;
}

async function sha256OfFile(path: string): Promise<string> {
  return createHash("sha256").update(await Deno.readFile(path)).digest("hex");
}

async function isWhole({ server, source }: Scene): Promise<void> {
  for (const path of [`${server.root}/remote.bin`, `${server.folder}/local.bin`]) {
    assert.equal(await sha256OfFile(path), await sha256OfFile(source));
  }
  const names = [...Deno.readDirSync(server.root)].map(({ name }) => name);
  assert.deepEqual(names, ["remote.bin"], "nothing is left over");
}

const SERVERS = { rclone: startRclone, nginx: startNginxDav } as const;

for (const [program, start] of Object.entries(SERVERS)) {
  for (const direction of ["get", "put"] as const) {
    Deno.test({
      name:
        `${program}: the client is killed in the middle of a ${direction}, and the next run ends it`,
      ...requirePrograms([program]),
      fn: () =>
        using(start(), async (server) => {
          const played = await scene(server, direction);
          const first = startQuorus(played.words("--max-rate", "32MB"), SECRET);
          await grown(first, server.folder, played.source);
          first.kill("SIGKILL");
          await first.ended;
          const second = await quorus(played.words("--json"), SECRET);
          assert.equal(second.code, 0, second.out + second.err);
          assert.ok(!second.out.includes(`"${RCLONE_USER.password}"`));
          await isWhole(played);
        }),
    });

    Deno.test({
      name:
        `${program}: the server is killed in the middle of a ${direction}, which goes on by itself`,
      ...requirePrograms([program]),
      fn: () =>
        using(start(), async (server) => {
          const played = await scene(server, direction);
          const running = startQuorus(played.words("--max-rate", "32MB"), SECRET);
          await grown(running, server.folder, played.source);
          await server.kill();
          await server.restart();
          const ended = await running.ended;
          assert.equal(ended.code, 0, ended.out + ended.err);
          await isWhole(played);
        }),
    });
  }
}
