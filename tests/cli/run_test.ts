/** `run` and `copy` from their arguments to files, messages and exit codes. */

import assert from "node:assert/strict";
import { main } from "../../cli/program.ts";
import { runEvent } from "../../cli/show/events.ts";
import { bytesOf, generatedFile, sha256Of } from "../servers/pattern.ts";
import { type FileServer, startFileServer } from "../servers/file_server.ts";
import { group, inFolder, namesIn, writeFiles } from "./folder.ts";
import { MemoryProcess, quorus } from "./memory_process.ts";

const BIG = generatedFile(24 * 2 ** 20, 7);
const SMALL = generatedFile(100_000, 8);

async function served(work: (server: FileServer, cwd: string) => Promise<void>): Promise<void> {
  const server = startFileServer({ files: new Map([["/big", BIG], ["/small", SMALL]]) });
  try {
    await inFolder((cwd) => work(server, cwd));
  } finally {
    await server.close();
  }
}

function transfer(name: string, uri: string, more = ""): string {
  return `{name: ${name}, source: {uri: '${uri}'}, destination: {path: out/${name}}${more}}`;
}

Deno.test("run moves every file, reports a table, and exits 0", () =>
  served(async (server, cwd) => {
    const text = group("two", [
      transfer("big", server.url("/big")),
      transfer("small", server.url("/small"), ", dependsOn: [big]"),
    ]);
    writeFiles(cwd, { "w/two.yaml": text });
    const { code, out, err } = await quorus(["run", "w/two.yaml"], { cwd });
    assert.equal(code, 0, err);
    assert.deepEqual(Deno.readFileSync(`${cwd}/w/out/small`), bytesOf(SMALL));
    assert.match(
      err,
      /^two: 2 transfers \(run two-[0-9a-f]{12}\)\nbig: started\nbig: succeeded, 24\.0 MiB/,
    );
    assert.match(
      out,
      new RegExp(
        `small +succeeded +97\\.7 KiB .* ${sha256Of(SMALL).slice(0, 12)} +${cwd}/w/out/small\n`,
      ),
    );
    assert.match(out, /two succeeded: 2 of 2 succeeded, 24\.1 MiB in /);
    assert.equal(namesIn(`${cwd}/.quorus/runs`).length, 1);
  }));

Deno.test("run exits 1 when a transfer fails, and says why once in its report", () =>
  served(async (server, cwd) => {
    const text = group("bad", [
      transfer("none", server.url("/none")),
      transfer("small", server.url("/small"), ", dependsOn: [none]"),
    ]);
    writeFiles(cwd, { "bad.yaml": text });
    const { code, out } = await quorus(["run", "bad.yaml"], { cwd });
    assert.equal(code, 1);
    assert.equal(out.match(/there is no such file/g)?.length, 1);
    assert.match(out, /small +skipped/);
    assert.match(out, /bad failed: 0 of 2 succeeded, 1 failed, 1 skipped/);
    const data = JSON.parse((await quorus(["run", "bad.yaml", "-o", "json"], { cwd })).out);
    assert.equal(data.runs[0].transfers[0].error.code, "notFound");
    assert.match((await quorus(["run", "bad.yaml", "-o", "yaml"], { cwd })).out, /^runs:/);
  }));

Deno.test("run carries several workflows out in order and stops after one that failed", () =>
  served(async (server, cwd) => {
    const good = (name: string) => group(name, [transfer(name, server.url("/small"))]);
    writeFiles(cwd, {
      "a.yaml": `${good("a")}---\n${group("b", [transfer("b", server.url("/none"))])}`,
      "c.yaml": good("c"),
    });
    const stopped = await quorus(["run", "a.yaml", "c.yaml"], { cwd });
    assert.equal(stopped.code, 1);
    assert.match(stopped.err, /not started: c \(a run before failed; --keep-going goes on\)/);
    assert.deepEqual(namesIn(`${cwd}/out`), ["a"]);
    assert.equal((await quorus(["run", "--keep-going", "a.yaml", "c.yaml"], { cwd })).code, 1);
    assert.deepEqual(namesIn(`${cwd}/out`), ["a", "c"]);
  }));

Deno.test("a connection that is cut is gone on with, and the retry is told", () =>
  served(async (server, cwd) => {
    server.cut("/big", 17 * 2 ** 20);
    const retry = ", retry: {initialDelay: 1ms}, transfer: {chunkSize: 1MiB}";
    writeFiles(cwd, { "r.yaml": group("r", [transfer("big", server.url("/big"), retry)]) });
    const { code, err } = await quorus(["run", "r.yaml"], { cwd });
    assert.equal(code, 0, err);
    assert.match(err, /big: attempt 1 failed: .*; again in \d+ms\nbig: attempt 2\n/);
    assert.match(err, /big: succeeded, 24\.0 MiB .* of it kept/);
    assert.equal(sha256OfFile(`${cwd}/out/big`), sha256Of(BIG));
  }));

Deno.test("an interrupted run keeps its checkpoint, says how to go on, exits 130, and resumes", () =>
  served(async (server, cwd) => {
    server.serve("/big", { stallAfterBytes: 10 * 2 ** 20 });
    const chunks = ", transfer: {chunkSize: 1MiB}";
    writeFiles(cwd, {
      "i.yaml": group("i", [
        transfer("small", server.url("/small")),
        transfer("big", server.url("/big"), chunks),
      ]),
    });
    const process = new MemoryProcess(["run", "i.yaml", "--json"], { cwd });
    const ended = main(process);
    await process.written('"doneBytes":10485760');
    process.interrupt();
    assert.equal(await ended, 130);
    assert.match(process.errors, /SIGINT: keeping the checkpoints/);
    assert.match(process.errors, /\n {2}quorus run i\.yaml --json\n/);
    assert.match(process.output, /"state":"paused"/);
    assert.match(process.output, /"type":"run\.ended".*"state":"interrupted"/);
    assert.ok(!namesIn(`${cwd}/out`).includes("big"));
    server.serve("/big", {});
    const before = server.bytesServed("/big");
    const { code, out, err } = await quorus(["run", "i.yaml"], { cwd });
    assert.equal(code, 0, err);
    assert.match(
      err,
      /^i: going on with the unfinished run i-[0-9a-f]{12}, 1 of 2 transfers done\n/,
    );
    assert.match(out, /big +succeeded .* 10\.0 MiB +[0-9a-f]{12}/);
    assert.equal(server.bytesServed("/big") - before, 14 * 2 ** 20);
    assert.equal(sha256OfFile(`${cwd}/out/big`), sha256Of(BIG));
    assert.deepEqual(namesIn(`${cwd}/out`), ["big", "small"]);
  }));

Deno.test("every line of --json fits the schema, from run.created to run.ended", () =>
  served(async (server, cwd) => {
    const text = group("j", [
      transfer("small", server.url("/small")),
      transfer("never", server.url("/small"), ', condition: "1 > 2"'),
    ], "  onSuccess: [{action: notify, target: 'log:ops', message: all well}]\n");
    writeFiles(cwd, { "j.yaml": text });
    const { code, out } = await quorus(["run", "j.yaml", "--json"], { cwd });
    assert.equal(code, 0);
    const events = out.trimEnd().split("\n").map((line) => runEvent.parse(JSON.parse(line)));
    assert.equal(events[0]?.type, "run.created");
    assert.equal(events.at(-1)?.type, "run.ended");
    const states = events.filter((event) => event.type === "job.changed")
      .map(({ name, state }) => `${name} ${state}`);
    assert.ok(states.includes("small succeeded"));
    assert.ok(states.includes("never skipped"));
    assert.ok(events.some((event) => event.type === "log" && event.facts.message === "all well"));
  }));

Deno.test("on a terminal the block is drawn and taken away again, and the cursor comes back", () =>
  served(async (server, cwd) => {
    writeFiles(cwd, { "t.yaml": group("t", [transfer("big", server.url("/big"))]) });
    const terminal = { columns: 100, rows: 20 };
    const { code, err } = await quorus(["run", "t.yaml"], { cwd, terminal });
    assert.equal(code, 0);
    assert.ok(err.startsWith("\x1b[?25l"));
    assert.ok(err.endsWith("\x1b[?25h"));
    assert.match(err, /total {2}0\/1 done/);
    assert.ok(err.includes("\x1b[1mtotal"));
    const dull = await quorus(["run", "t.yaml"], { cwd, terminal, env: { NO_COLOR: "1" } });
    assert.ok(!dull.err.includes("\x1b[1m"));
    const dumb = await quorus(["run", "t.yaml"], { cwd, terminal, env: { TERM: "dumb" } });
    assert.ok(!dumb.err.includes("\x1b"));
  }));

Deno.test("a dry run asks sources, looks at destinations, and touches nothing", () =>
  served(async (server, cwd) => {
    const text = group("d", [
      transfer("small", server.url("/small")),
      transfer("none", server.url("/none")),
    ]);
    writeFiles(cwd, { "d.yaml": text, "out/small": "old" });
    const { code, out } = await quorus(["run", "d.yaml", "--dry-run"], { cwd });
    assert.equal(code, 1);
    assert.match(out, /small +ready +97\.7 KiB +exists/);
    assert.match(out, /none +failed/);
    assert.match(out, /1 of 2 sources answer; nothing was touched/);
    assert.deepEqual(namesIn(cwd), ["d.yaml", "out"]);
    assert.equal(server.bytesServed(), 0);
  }));

Deno.test("copy keeps the name in a directory, takes odd names as they stand, and verifies", () =>
  served(async (server, cwd) => {
    const checksum = `sha256:${sha256Of(SMALL)}`;
    const first = await quorus(["copy", server.url("/small"), "to/", "--checksum", checksum], {
      cwd,
    });
    assert.equal(first.code, 0, first.err);
    const second = await quorus(["copy", "to/small", "to/${x} ü.bin", "--verify", "reread"], {
      cwd,
    });
    assert.equal(second.code, 0, second.err);
    assert.match(second.out, / reread /);
    assert.deepEqual(namesIn(`${cwd}/to`), ["${x} ü.bin", "small"]);
    const wrong = await quorus(
      ["copy", "to/small", "x", "--checksum", `sha256:${"0".repeat(64)}`],
      { cwd },
    );
    assert.equal(wrong.code, 1);
    assert.match(wrong.out, /nothing was published/);
    assert.deepEqual(namesIn(cwd), [".quorus", "to"]);
    const conflict = await quorus(["copy", "to/small", "to", "--conflict", "fail"], { cwd });
    assert.equal(conflict.code, 1);
  }));

Deno.test("copy sends headers with secrets that no output shows", () =>
  served(async (server, cwd) => {
    writeFiles(cwd, { "keys/TOKEN": "hush\n" });
    const args = ["copy", server.url("/small"), "s", "--secrets", "keys", "--json"];
    const header = ["--header", "Authorization: Bearer ${secret:TOKEN}"];
    const { code, out, err } = await quorus([...args, ...header], { cwd });
    assert.equal(code, 0, err);
    assert.equal(server.requests("/small")[0]?.headers.get("authorization"), "Bearer hush");
    assert.ok(!(out + err).includes("hush"));
    const env = { QUORUS_SECRET_TOKEN: "other" };
    await quorus(["copy", server.url("/small"), "s", ...header], { cwd, env });
    assert.equal(server.requests("/small").at(-1)?.headers.get("authorization"), "Bearer other");
  }));

Deno.test("copy answers malformed arguments in one line with exit code 2", () =>
  inFolder(async (cwd) => {
    writeFiles(cwd, { a: "x" });
    for (
      const [args, reason] of [
        [["a", "b", "--checksum", "md5:1"], /not a SHA-256; write sha256:/],
        [["a", "b", "--chunk-size", "3foo"], /chunkSize: expected a size/],
        [["a", "gopher://h/x"], /the protocol gopher is not offered/],
        [["a", "b", "--header", "oops"], /one without a colon; write --header/],
        [["http://h/", "to/"], /the directories of http cannot be listed, so they are no set/],
        [["http://h/x?y", "b", "--header", "A: ${secret:B}"], /set QUORUS_SECRET_B/],
      ] as const
    ) {
      const { code, err } = await quorus(["copy", ...args], { cwd });
      assert.equal(code, 2, err);
      assert.match(err, reason);
      assert.equal(err.split("\n").length, 2, err);
    }
    assert.deepEqual(namesIn(cwd), ["a"]);
  }));

Deno.test("a data folder that cannot be made is told with what to do, exit code 2", () =>
  inFolder(async (cwd) => {
    writeFiles(cwd, { a: "x" });
    const { code, err } = await quorus(["copy", "a", "b", "--data", "a/data"], { cwd });
    assert.equal(code, 2);
    assert.match(
      err,
      /^quorus: cannot keep the run's state in .*; choose another place with --data\n$/,
    );
  }));

function sha256OfFile(path: string): string {
  const bytes = Deno.readFileSync(path);
  return sha256Of({
    size: bytes.length,
    fill: (into, at) => into.set(bytes.subarray(at, at + into.length)),
    etag: null,
    mtimeMs: null,
  });
}
