/** SIGKILL in the middle of a transfer, of client and of server; then it goes on, and the hash is right. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { patterned } from "../../conformance/case.ts";
import { type Sshd, startSshd } from "../../servers/sshd.ts";
import { requirePrograms } from "../require.ts";

const needs = requirePrograms(["sshd", "ssh-keygen"]);
/** More than twice what lies between two checkpoints, the first of which is begun at 32 MiB. */
const SIZE = 96 * 2 ** 20;
const KILLED_AT = 60 * 2 ** 20;
const CHUNK = "1MiB";

function copyArguments(sshd: Sshd, direction: "get" | "put", more: readonly string[] = []) {
  const local = `${sshd.folder}/local.bin`;
  const side = direction === "get" ? "source" : "destination";
  const place = `{uri: "sftp://127.0.0.1:${sshd.port}${sshd.root}/remote.bin",
    auth: {type: key, username: ${sshd.user}, privateKey: "${sshd.folder}/user"},
    options: {hostKey: "${sshd.fingerprint}"}}`;
  const other = side === "source" ? "destination" : "source";
  const text = `
apiVersion: quorus.dev/v1
kind: Transfer
metadata: {name: kill}
spec:
  ${side}: ${place}
  ${other}: {path: "${local}"}
  transfer: {chunkSize: ${CHUNK}, parallelRanges: 1}
  retry: {maxAttempts: 8, initialDelay: 200ms}
  validation: {level: reread}
`;
  Deno.writeTextFileSync(`${sshd.folder}/w.yaml`, text);
  return ["run", `${sshd.folder}/w.yaml`, "--data", `${sshd.folder}/state`, ...more];
}

function start(sshd: Sshd, args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("../../../cli.ts", import.meta.url).pathname, ...args],
    cwd: sshd.folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Resolves once `bytes` of the temporary file are there. */
async function partOf(folder: string, bytes: number): Promise<void> {
  for (let attempt = 0; attempt < 1_000; attempt += 1) {
    for await (const { name } of Deno.readDir(folder)) {
      if (!name.includes(".quorus") && !name.endsWith(".part")) continue;
      const info = await Deno.lstat(`${folder}/${name}`).catch(() => null);
      if (info !== null && info.isFile && info.size >= bytes) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  assert.fail(`no temporary file of ${bytes} bytes in ${folder}: ${names.join(", ")}`);
}

async function sha256OfFile(path: string): Promise<string> {
  return createHash("sha256").update(await Deno.readFile(path)).digest("hex");
}

interface Scene {
  readonly sshd: Sshd;
  readonly from: string;
  readonly to: string;
  /** Where the temporary file grows. */
  readonly grows: string;
}

async function scene(direction: "get" | "put"): Promise<Scene> {
  const sshd = await startSshd();
  const [local, remote] = [`${sshd.folder}/local.bin`, `${sshd.root}/remote.bin`];
  const [from, to] = direction === "get" ? [remote, local] : [local, remote];
  await Deno.writeFile(from, patterned(SIZE));
  return { sshd, from, to, grows: to.slice(0, to.lastIndexOf("/")) };
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

for (const direction of ["get", "put"] as const) {
  Deno.test({
    name: `the client is killed in the middle of a ${direction}, and the next run goes on`,
    ...needs,
    async fn() {
      const { sshd, from, to, grows } = await scene(direction);
      try {
        const first = start(sshd, copyArguments(sshd, direction, ["--max-rate", "32MB"]));
        await partOf(grows, KILLED_AT);
        first.kill("SIGKILL");
        await first.output();
        const second = await start(sshd, copyArguments(sshd, direction, ["--json"])).output();
        assert.equal(second.code, 0, text(second.stderr));
        assert.equal(await sha256OfFile(to), await sha256OfFile(from));
        const kept = [...text(second.stdout).matchAll(/"keptBytes":(\d+)/g)].map(([, count]) =>
          Number(count)
        );
        assert.ok(Math.max(...kept) >= 2 ** 20, `something was kept: ${kept.join(", ")}`);
      } finally {
        await sshd.close();
      }
    },
  });

  Deno.test({
    name:
      `the server is killed in the middle of a ${direction}, and the transfer goes on by itself`,
    ...needs,
    async fn() {
      const { sshd, from, to, grows } = await scene(direction);
      try {
        const running = start(sshd, copyArguments(sshd, direction, ["--max-rate", "32MB"]));
        await partOf(grows, KILLED_AT);
        assert.ok(await killSessions(sshd) > 0, "a session was killed");
        const ended = await running.output();
        assert.equal(ended.code, 0, text(ended.stderr) + text(ended.stdout));
        assert.equal(await sha256OfFile(to), await sha256OfFile(from));
      } finally {
        await sshd.close();
      }
    },
  });
}

/** The processes that serve sessions: children of the one that listens, which are ours alone. */
async function killSessions({ pid }: Sshd): Promise<number> {
  let killed = 0;
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => "");
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    if (parent !== pid) continue;
    Deno.kill(Number(name), "SIGKILL");
    killed += 1;
  }
  return killed;
}
