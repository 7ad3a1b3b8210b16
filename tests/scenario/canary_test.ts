/**
 * Secrets that would be recognised anywhere: after success, failure and SIGKILL nothing that is told or
 * kept holds one, in any of the forms that it travels in.
 */

import assert from "node:assert/strict";
import { type FileServer, startFileServer } from "../servers/file_server.ts";
import { startHostileServer } from "../servers/hostile_server.ts";
import { bytesFile, generatedFile } from "../servers/pattern.ts";
import {
  assertClean,
  assertFolderClean,
  BASIC,
  BEARER,
  CANARY_FORMS,
  CANARY_SECRETS,
  canaryIn,
  canaryTransfer,
  HEADER,
  TOKEN,
} from "./canary_text.ts";
import { inFolder } from "./folder.ts";
import { quorus, startQuorus } from "./quorus.ts";

const SECRETS = { ...CANARY_SECRETS, QUORUS_DEBUG: "1" };

Deno.test("the search finds each canary in each form", () => {
  for (const form of CANARY_FORMS) assert.notEqual(canaryIn(`x ${form} y`), null, form);
  assert.equal(canaryIn("nothing of the kind"), null);
});

async function scene(
  test: (place: { folder: string; state: string; server: FileServer }) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    const files = new Map([
      ["/f", bytesFile(new Uint8Array(5_000))],
      ["/large", generatedFile(32 * 2 ** 20, 3, {})],
    ]);
    const server = startFileServer({ files });
    try {
      await test({ folder, state: `${folder}/state`, server });
    } finally {
      await server.close();
    }
  });
}

/** How a run tells of itself: report, NDJSON, every call. */
const WAYS: readonly string[][] = [[], ["--json"], ["--trace"]];

/** Runs a file in these ways and searches all that was said and kept. */
async function runClean(
  file: string,
  state: string,
  expected: number,
  ways: readonly string[][],
): Promise<void> {
  for (const way of ways) {
    const folder = `${state}${way.join("")}`;
    const args = ["run", file, "--data", folder, ...way];
    const { code, out, err } = await quorus(args, { env: SECRETS });
    assert.equal(code, expected, err);
    assertClean(out, `standard output of ${args.join(" ")}`);
    assertClean(err, `standard error of ${args.join(" ")}`);
    assert.ok(await assertFolderClean(folder) > 0, "something was kept");
  }
}

Deno.test("secrets of transfers that succeed are nowhere", () =>
  scene(async ({ folder, state, server }) => {
    for (const [name, auth] of [["bearer", BEARER], ["basic", BASIC]] as const) {
      const file = `${folder}/${name}.yaml`;
      const text = canaryTransfer(name, server.url("/f"), auth, `${folder}/${name}.out`);
      await Deno.writeTextFile(file, text);
      await runClean(file, `${state}-${name}`, 0, name === "basic" ? WAYS : WAYS.slice(2));
      const sent = server.requests().at(-1)!.headers;
      assert.equal(sent.get("x-api-key"), HEADER, "the secret was used");
      assert.match(sent.get("authorization")!, /^(Bearer CANARY|Basic )/);
    }
  }));

Deno.test("secrets of transfers that fail are nowhere, however the server fails", async () => {
  const hostile = startHostileServer();
  try {
    await scene(async ({ folder, state }) => {
      const paths = [
        "/status/401",
        "/status/500",
        "/truncates",
        "/garbage",
        "/redirects-with-user",
      ];
      for (const [index, path] of paths.entries()) {
        const file = `${folder}/${index}.yaml`;
        const text = canaryTransfer(
          `f${index}`,
          `${hostile.origin}${path}`,
          BEARER,
          `${folder}/out`,
        );
        await Deno.writeTextFile(file, text);
        await runClean(file, `${state}-${index}`, 1, [WAYS[index % WAYS.length]!]);
      }
    });
    assert.ok(hostile.requests.every(({ headers }) => headers.get("x-api-key") === HEADER));
  } finally {
    await hostile.close();
  }
});

Deno.test("secrets of a run that was killed are not in what it leaves, nor of the one that goes on", () =>
  scene(async ({ folder, state, server }) => {
    server.serve("/large", { throttleBytesPerSecond: 8 * 2 ** 20 });
    const file = `${folder}/large.yaml`;
    await Deno.writeTextFile(
      file,
      canaryTransfer("large", server.url("/large"), BASIC, `${folder}/big`),
    );
    const args = ["run", file, "--data", state, "--json"];
    const begun = Promise.withResolvers<void>();
    const onLine = (line: string) => line.includes('"running"') && begun.resolve();
    const running = startQuorus(args, { env: SECRETS, onLine });
    await Promise.race([begun.promise, running.ended]);
    running.kill("SIGKILL");
    const { code, out, err } = await running.ended;
    assert.equal(code, 137);
    assertClean(out + err, "what the killed run had said");
    assert.ok(await assertFolderClean(state) > 0);
    server.serve("/large", {});
    const again = await quorus(args, { env: SECRETS });
    assert.equal(again.code, 0, again.err);
    assertClean(again.out + again.err, "what the next run said");
    await assertFolderClean(state);
  }));

Deno.test("a secret that is missing, or wrong in its form, is named and not shown", () =>
  scene(async ({ folder, state, server }) => {
    const file = `${folder}/f.yaml`;
    await Deno.writeTextFile(file, canaryTransfer("f", server.url("/f"), BEARER, `${folder}/out`));
    const cases: [Record<string, string>, number, RegExp][] = [
      [{ ...SECRETS, QUORUS_SECRET_TOKEN: "" }, 1, /bearer token is empty/],
      [{ ...SECRETS, QUORUS_SECRET_TOKEN: `${TOKEN}\nX-Evil: 1` }, 1, /line break/],
      [{ ...SECRETS, QUORUS_SECRET_HEADER: `${HEADER}\r\nX-Evil: 1` }, 1, /line break/],
    ];
    for (const [index, [env, expected, message]] of cases.entries()) {
      const { code, out, err } = await quorus(["run", file, "--data", `${state}-${index}`], {
        env,
      });
      assert.equal(code, expected, err);
      assert.match(out + err, message);
      assertClean(out + err, "what was said");
      await assertFolderClean(`${state}-${index}`);
    }
    assert.equal(server.requests().length, 0, "nothing was sent");
  }));
