/** NFS exports that nothing has mounted, read through libnfs from nfs-ganesha. */

import assert from "node:assert/strict";
import { QuorusError } from "../../../runtime/base/errors.ts";
import { realNfsLibrary } from "../../../runtime/env/real/nfs_library.ts";
import { assertBytes, failure, NEVER, patterned } from "../../conformance/case.ts";
import { conformance } from "../../conformance/suite.ts";
import {
  endpointOf,
  LIBRARY,
  type LibraryHarness,
  libraryHarness,
  requireGanesha,
} from "./library_harness.ts";

const there = requireGanesha();
const CLI = new URL("../../../cli.ts", import.meta.url).pathname;

if (!there.ignore) conformance("nfs through libnfs on ganesha", libraryHarness);

function test(name: string, body: (harness: LibraryHarness) => Promise<void>): void {
  Deno.test({
    name,
    ...there,
    async fn() {
      const harness = await libraryHarness();
      try {
        await body(harness);
      } finally {
        await harness.close();
      }
    },
  });
}

const source = (harness: LibraryHarness, name: string) =>
  harness.protocol.source!(endpointOf(harness, name), harness.context);

test("nfs: a server killed in the middle of a file is read on where it stopped, once it is back", async (harness) => {
  const bytes = patterned(24 * 1_048_576);
  await harness.source!.put("big", bytes);
  const one = source(harness, "big");
  const first = await one.open({ start: 0, end: null }, null, NEVER);
  const read = new Uint8Array(bytes.length);
  let at = 0;
  while (at < bytes.length / 2) at += await first.read(read.subarray(at, at + 1_048_576));
  await harness.server.kill();
  const error = await failure(() => first.read(read.subarray(at)), "its server is gone");
  assert.ok(error instanceof QuorusError && error.retryable, String(error));
  await first.close();
  const gone = await failure(() => one.stat(NEVER), "nobody listens");
  assert.equal(gone.code, "unreachable");
  await harness.server.start();
  const rest = await one.open({ start: at, end: null }, first.facts.fingerprint, NEVER);
  while (at < bytes.length) at += await rest.read(read.subarray(at));
  assert.equal(await rest.read(new Uint8Array(1)), 0);
  assert.deepEqual(await rest.confirm(), first.facts.fingerprint);
  await rest.close();
  assertBytes(read, bytes, "what was read before and after");
});

test("nfs: a server that hangs stops one call and not the process, and the call can be ended", async (harness) => {
  await harness.source!.put("f", patterned(3_000_000));
  const library = realNfsLibrary();
  const { port } = harness.server;
  const server = { address: "127.0.0.1", port, timeoutMs: 60_000 };
  const session = await library.connect(LIBRARY, server);
  const file = await session.open("/export/f");
  harness.server.pause();
  await stopped(harness.server.folder);
  const reading = assert.rejects(file.read(new Uint8Array(1_048_576), 1_048_576), { code: "io" });
  // A timer fires while the call waits on its own thread.
  await new Promise((resolve) => setTimeout(resolve, 50));
  session.interrupt();
  await reading;
  assert.equal(session.isBroken, true);
  await session.close();
  library.close();
});

test("nfs: links of a server are not followed, neither a file nor a directory on the way", async (harness) => {
  await harness.source!.put("real/f", patterned(10));
  await Deno.symlink("real", `${harness.server.root}/alias`);
  await Deno.symlink("/etc/passwd", `${harness.server.root}/link`);
  for (const name of ["link", "alias/f"]) {
    const one = source(harness, name);
    assert.equal((await failure(() => one.stat(NEVER), name)).code, "escapes");
    const open = () => one.open({ start: 0, end: null }, null, NEVER);
    assert.equal((await failure(open, name)).code, "escapes");
  }
  const uri = endpointOf(harness, "");
  const directory = harness.protocol.directory!(uri, harness.context);
  assert.equal((await directory.stat("alias", NEVER))?.kind, "link");
});

test("nfs: names that no file may have are shown by a listing and not passed on", async (harness) => {
  await harness.source!.put("good", patterned(1));
  for (const name of ["a\nb", "c\u0001d", "-rf"]) {
    await Deno.writeTextFile(`${harness.server.root}/${name}`, "");
  }
  const directory = harness.protocol.directory!(endpointOf(harness, ""), harness.context);
  const [names, refused]: [string[], string[]] = [[], []];
  for await (const page of directory.list(NEVER)) {
    names.push(...page.entries.map(({ name }) => name));
    refused.push(...page.refused);
  }
  assert.deepEqual(names.sort(), ["-rf", "good"]);
  assert.equal(refused.length, 2);
  assert.ok(refused.every((name) => !/\p{Cc}/u.test(name)), JSON.stringify(refused));
});

test("nfs: a run reads it with the right to that library alone, and says so without", async (harness) => {
  await harness.source!.put("out/orders.csv", new TextEncoder().encode("1;2\n"));
  const state = await Deno.makeTempDir({ prefix: "quorus-nfs-run-" });
  try {
    const place = `nfs://127.0.0.1:${harness.server.port}/export`;
    const w = "apiVersion: quorus.dev/v1\nkind: Transfer\nmetadata: { name: w }\nspec:\n" +
      `  source: { uri: "${place}/out/orders.csv" }\n` +
      `  destination: { path: "${state}/in.csv" }\n`;
    await Deno.writeTextFile(`${state}/w.yaml`, w);
    const words = ["run", "w.yaml", "--nfs", `${place}=libnfs:${LIBRARY}`];
    const allowed = ["--allow-read", "--allow-write", "--allow-net", "--allow-env"];
    const narrow = await quorus(state, allowed, ...words, "--data", `${state}/narrow`);
    assert.equal(narrow.code, 1, narrow.text);
    assert.match(narrow.text, /--allow-ffi=/);
    const { code, text } = await quorus(state, [...allowed, `--allow-ffi=${LIBRARY}`], ...words);
    assert.equal(code, 0, text);
    assert.equal(await Deno.readTextFile(`${state}/in.csv`), "1;2\n");
  } finally {
    await Deno.remove(state, { recursive: true });
  }
});

/** Runs the command line with these permissions. */
async function quorus(
  folder: string,
  permissions: readonly string[],
  ...words: string[]
): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...permissions, CLI, ...words],
    cwd: folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return { code, text };
}

/** A signal takes effect on all threads a moment later. */
async function stopped(folder: string): Promise<void> {
  const pid = (await Deno.readTextFile(`${folder}/pid`)).trim();
  for (let look = 0; look < 400; look++) {
    const tasks = [...Deno.readDirSync(`/proc/${pid}/task`)];
    const states = tasks.map(({ name }) =>
      Deno.readTextFileSync(`/proc/${pid}/task/${name}/stat`).split(") ")[1]![0]
    );
    if (states.every((state) => state === "T")) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("the server does not stop");
}
