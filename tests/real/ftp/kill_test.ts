/** SIGKILL in the middle of a transfer, of client and of server; then it goes on, and the hash is right. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { patterned } from "../../conformance/case.ts";
import { requireRoot, startVsftpd, type Vsftpd } from "../../servers/vsftpd.ts";
import { requirePrograms } from "../require.ts";

const needs = requirePrograms(["vsftpd"]).ignore ? { ignore: true } : requireRoot();
const SIZE = 96 * 2 ** 20;
/** By then the first checkpoint has been written: it is begun at 32 MiB. */
const KILLED_AT = 52 * 2 ** 20;

/** Writes the workflow, and gives the words that run it. */
function words(server: Vsftpd, direction: "get" | "put", more: readonly string[] = []): string[] {
  const { folder, port, user, password } = server;
  const side = direction === "get" ? "source" : "destination";
  const other = direction === "get" ? "destination" : "source";
  const text = `
apiVersion: quorus.dev/v1
kind: Transfer
metadata: {name: kill}
spec:
  ${side}:
    uri: "ftps://localhost:${port}/remote.bin"
    auth: {type: basic, username: ${user}, password: "${"${secret:FTP_PASSWORD}"}"}
    tls: {ca: "${folder}/ca.pem"}
  ${other}: {path: "${folder}/local.bin"}
  transfer: {chunkSize: 1MiB}
  retry: {maxAttempts: 8, initialDelay: 200ms}
  validation: {level: reread}
`;
  Deno.writeTextFileSync(`${folder}/w.yaml`, text);
  Deno.writeTextFileSync(`${folder}/password`, password);
  return ["run", `${folder}/w.yaml`, "--data", `${folder}/state`, ...more];
}

function start(server: Vsftpd, args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("../../../cli.ts", import.meta.url).pathname, ...args],
    cwd: server.folder,
    env: { NO_COLOR: "1", QUORUS_SECRET_FTP_PASSWORD: server.password },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Resolves once `bytes` of the temporary file are there. */
async function partOf(folder: string, bytes: number): Promise<void> {
  for (let attempt = 0; attempt < 2_000; attempt += 1) {
    for await (const { name } of Deno.readDir(folder)) {
      if (!name.includes(".quorus") && !name.endsWith(".part")) continue;
      const info = await Deno.lstat(`${folder}/${name}`).catch(() => null);
      if (info !== null && info.isFile && info.size >= bytes) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`no temporary file of ${bytes} bytes in ${folder}`);
}

async function sha256OfFile(path: string): Promise<string> {
  return createHash("sha256").update(await Deno.readFile(path)).digest("hex");
}

interface Scene {
  readonly server: Vsftpd;
  readonly from: string;
  readonly to: string;
  /** Where the temporary file grows. */
  readonly grows: string;
}

async function scene(direction: "get" | "put"): Promise<Scene> {
  const server = await startVsftpd({ tls: "explicit" });
  const [local, remote] = [`${server.folder}/local.bin`, `${server.root}/remote.bin`];
  const [from, to] = direction === "get" ? [remote, local] : [local, remote];
  await Deno.writeFile(from, patterned(SIZE));
  await Deno.chmod(from, 0o644);
  return { server, from, to, grows: to.slice(0, to.lastIndexOf("/")) };
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

for (const direction of ["get", "put"] as const) {
  Deno.test({
    name: `the client is killed in the middle of a ${direction}, and the next run goes on`,
    ...needs,
    async fn() {
      const { server, from, to, grows } = await scene(direction);
      try {
        const first = start(server, words(server, direction, ["--max-rate", "24MB"]));
        await partOf(grows, KILLED_AT);
        first.kill("SIGKILL");
        await first.output();
        const second = await start(server, words(server, direction, ["--json"])).output();
        assert.equal(second.code, 0, text(second.stderr));
        assert.equal(await sha256OfFile(to), await sha256OfFile(from));
        const kept = [...text(second.stdout).matchAll(/"keptBytes":(\d+)/g)].at(-1)?.[1];
        assert.ok(Number(kept) >= 30 * 2 ** 20, `what a checkpoint spoke of was kept: ${kept}`);
        assert.ok(!text(second.stdout).includes(server.password), "no password in the output");
      } finally {
        await server.close();
      }
    },
  });

  Deno.test({
    name:
      `the server is killed in the middle of a ${direction}, and the transfer goes on by itself`,
    ...needs,
    async fn() {
      const { server, from, to, grows } = await scene(direction);
      try {
        const running = start(server, words(server, direction, ["--max-rate", "24MB"]));
        await partOf(grows, KILLED_AT);
        await server.kill();
        await server.restart();
        const ended = await running.output();
        assert.equal(ended.code, 0, text(ended.stderr) + text(ended.stdout));
        assert.equal(await sha256OfFile(to), await sha256OfFile(from));
        const names = [...Deno.readDirSync(server.root)].map(({ name }) => name);
        assert.deepEqual(names, ["remote.bin"], "nothing is left over");
      } finally {
        await server.close();
      }
    },
  });
}
