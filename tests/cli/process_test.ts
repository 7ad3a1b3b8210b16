/** What only a process of its own can show: signals, locks, permissions, its exit code. */

import assert from "node:assert/strict";
import { bytesOf, generatedFile, sha256Of } from "../servers/pattern.ts";
import { startFileServer } from "../servers/file_server.ts";
import { inFolder, namesIn, writeFiles } from "./folder.ts";

const CLI = new URL("../../cli.ts", import.meta.url).pathname;
const RUNTIME = new URL("../../runtime", import.meta.url).pathname;
const BIG = generatedFile(20 * 2 ** 20, 3);

interface Started {
  readonly child: Deno.ChildProcess;
  /** Resolves once standard error holds `needle`; rejects if the process ends without it. */
  written(needle: string): Promise<void>;
  /** Everything, and the exit code. */
  ended(): Promise<{ code: number; out: string; err: string }>;
}

function start(args: readonly string[], cwd: string, permissions = ["-A"]): Started {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...permissions, CLI, ...args],
    cwd,
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  let err = "";
  const waiting: { needle: string; found: () => void; failed: (why: Error) => void }[] = [];
  const reading = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      err += text;
      for (const { needle, found } of waiting) if (err.includes(needle)) found();
    }
    for (const { needle, failed } of waiting) failed(new Error(`no "${needle}" in: ${err}`));
  })();
  const output = new Response(child.stdout).text();
  return {
    child,
    written: (needle) =>
      new Promise((found, failed) => {
        if (err.includes(needle)) found();
        else waiting.push({ needle, found, failed });
      }),
    ended: async () => {
      const [{ code }, out] = await Promise.all([child.status, output, reading]);
      return { code, out, err };
    },
  };
}

async function stalling(work: (uri: string, resume: () => void, cwd: string) => Promise<void>) {
  const server = startFileServer({
    files: new Map([["/big", BIG]]),
    stallAfterBytes: 12 * 2 ** 20,
  });
  try {
    await inFolder((cwd) =>
      work(server.url("/big"), () => server.serve("/big", { stallAfterBytes: Infinity }), cwd)
    );
  } finally {
    await server.close();
  }
}

/** Small chunks, so that what stalls in the middle has some of them complete. */
const CHUNKS = ["--chunk-size", "1MiB", "--data", "state"];

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`${signal} keeps the checkpoint and exits 130; the same command goes on`, () =>
    stalling(async (uri, resume, cwd) => {
      const first = start(["copy", uri, "big", ...CHUNKS], cwd);
      await first.written("big: started");
      first.child.kill(signal);
      const stopped = await first.ended();
      assert.equal(stopped.code, 130, stopped.err);
      assert.match(
        stopped.err,
        /what has arrived is kept, and this goes on with it:\n {2}quorus copy/,
      );
      assert.ok(!namesIn(cwd).includes("big"));
      resume();
      const second = await start(["copy", uri, "big", ...CHUNKS], cwd).ended();
      assert.equal(second.code, 0, second.err);
      assert.match(second.err, /going on with the unfinished run/);
      const bytes = Deno.readFileSync(`${cwd}/big`);
      const file = {
        ...BIG,
        size: bytes.length,
        fill: (into: Uint8Array, at: number) => into.set(bytes.subarray(at, at + into.length)),
      };
      assert.equal(sha256Of(file), sha256Of(BIG));
      assert.deepEqual(namesIn(cwd), ["big", "state"]);
    }));
}

Deno.test("a second process on the same run is refused with exit code 3", () =>
  stalling(async (uri, _resume, cwd) => {
    const first = start(["copy", uri, "big", ...CHUNKS], cwd);
    await first.written("big: started");
    const second = await start(["copy", uri, "big", ...CHUNKS], cwd).ended();
    assert.equal(second.code, 3);
    assert.match(second.err, /^quorus: another process is working on this run .*stop it first\n$/);
    assert.equal(second.out, "");
    first.child.kill("SIGKILL");
    await first.ended();
  }));

Deno.test("a process that was killed leaves a run that is gone on with", () =>
  stalling(async (uri, resume, cwd) => {
    const first = start(["copy", uri, "big", ...CHUNKS], cwd);
    await first.written("big: started");
    first.child.kill("SIGKILL");
    await first.ended();
    resume();
    const second = await start(["copy", uri, "big", ...CHUNKS], cwd).ended();
    assert.equal(second.code, 0, second.err);
    assert.deepEqual(Deno.readFileSync(`${cwd}/big`), bytesOf(BIG));
    assert.deepEqual(namesIn(cwd), ["big", "state"]);
  }));

Deno.test("each verb works with the permissions that it is documented to need, and no more", () =>
  inFolder(async (cwd) => {
    writeFiles(cwd, {
      a: "bytes",
      "w.yaml": `apiVersion: quorus.dev/v1
kind: Transfer
metadata: {name: w}
spec: {source: {path: a}, destination: {path: out/b}}
`,
    });
    const read = ["--ignore-env", "--allow-read=."];
    const cases: [string[], string[]][] = [
      [["version"], []],
      [["schema"], ["--ignore-env"]],
      [["completion", "bash"], []],
      [["validate", "w.yaml"], read],
      [["plan", "w.yaml"], read],
      [["run", "w.yaml", "--dry-run"], ["--ignore-env", `--allow-read=.,${RUNTIME}`]],
      [["run", "w.yaml"], [
        "--ignore-env",
        `--allow-read=.,${RUNTIME}`,
        "--allow-write=out,.quorus",
      ]],
    ];
    for (const [args, permissions] of cases) {
      const { code, err } = await start(args, cwd, permissions).ended();
      assert.equal(code, 0, `${args.join(" ")}: ${err}`);
    }
    const denied = await start(["validate", "w.yaml"], cwd, ["--ignore-env"]).ended();
    assert.equal(denied.code, 2);
    assert.match(denied.err, /add it to --allow-read/);
    assert.ok(!denied.err.includes("defect"));
  }));
