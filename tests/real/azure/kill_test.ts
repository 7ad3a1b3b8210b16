/** `kill -9` of the program, and of the emulator with it, in the middle; then on to the end. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { patterned } from "../../conformance/case.ts";
import { eventsOf, startQuorus } from "../../scenario/quorus.ts";
import { type Azurite, startAzurite } from "../../servers/azurite.ts";
import { requirePrograms } from "../require.ts";
import { tap } from "../s3/tap.ts";
import { makeContainer } from "./harness.ts";
import { rclone } from "./rclone.ts";

const needs = requirePrograms(["azurite-blob", "rclone"]);
const BLOCK = 8 * 2 ** 20;
const BLOCKS = 16;
const BYTES = patterned(BLOCKS * BLOCK - 12_345, 9);

interface Killed {
  readonly requests: readonly string[];
  readonly keptBytes: number;
}

/** Runs a transfer, kills it when `isMoment` says so, and runs it again. */
async function killed(
  azurite: Azurite,
  ends: { readonly source: string; readonly destination: string },
  isMoment: (request: string, count: number) => boolean,
  alsoServer: boolean,
): Promise<Killed> {
  const moment = Promise.withResolvers<void>();
  const way = tap(azurite.port, (line, count) => isMoment(line, count) && moment.resolve());
  const { folder, account } = azurite;
  const endpoint = `http://127.0.0.1:${way.port}/${account}`;
  const access = `auth: {type: sharedKey, account: ${account}, ` +
    `accountKey: "\${secret:AZURE_KEY}"}, options: {endpoint: "${endpoint}"}`;
  const end = (uri: string) =>
    uri.startsWith("azblob:") ? `{uri: "${uri}", ${access}}` : `{path: "${uri}"}`;
  const file = `${folder}/killed.yaml`;
  await Deno.writeTextFile(
    file,
    `apiVersion: quorus.dev/v1
kind: Transfer
metadata: {name: killed}
spec:
  transfer: {parallelRanges: 3}
  source: ${end(ends.source)}
  destination: ${end(ends.destination)}
`,
  );
  const env = { QUORUS_SECRET_AZURE_KEY: azurite.accountKey };
  const start = () => startQuorus(["run", file, "--data", `${folder}/data`, "--json"], { env });
  try {
    const first = start();
    const early = first.ended.then(({ out, err }) => {
      throw new Error(`it ended before its moment: ${out}${err}`);
    });
    await Promise.race([moment.promise, early]);
    early.catch(() => {});
    first.kill("SIGKILL");
    await first.ended;
    if (alsoServer) await azurite.restart();
    const before = way.requests.length;
    const last = await start().ended;
    assert.equal(last.code, 0, last.out + last.err);
    const receipts = eventsOf(last.out).flatMap(({ receipt }) => receipt ?? []);
    return { requests: way.requests.slice(before), keptBytes: receipts.at(-1)!.keptBytes };
  } finally {
    await way.close();
  }
}

async function withAzurite(body: (azurite: Azurite) => Promise<void>): Promise<void> {
  const azurite = await startAzurite();
  try {
    await makeContainer(azurite);
    await body(azurite);
  } finally {
    await azurite.close();
  }
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const isBlock = (line: string) => line.startsWith("PUT") && line.includes("comp=block&");

async function upload(azurite: Azurite, alsoServer: boolean): Promise<Killed> {
  const source = `${azurite.folder}/source.bin`;
  await Deno.writeFile(source, BYTES);
  let blocks = 0;
  const ends = { source, destination: `azblob://${azurite.account}/box/up/f.bin` };
  const isMoment = (line: string) => isBlock(line) && ++blocks === 13;
  const outcome = await killed(azurite, ends, isMoment, alsoServer);
  await rclone(azurite, "copyto", "az:box/up/f.bin", `${azurite.folder}/got.bin`);
  assert.equal(sha256(await Deno.readFile(`${azurite.folder}/got.bin`)), sha256(BYTES));
  assert.equal(await rclone(azurite, "lsf", "-R", "--files-only", "az:box"), "up/f.bin\n");
  return outcome;
}

Deno.test({
  name: "an upload whose program was killed keeps the blocks that the service has",
  ...needs,
  fn: () =>
    withAzurite(async (azurite) => {
      const { requests, keptBytes } = await upload(azurite, false);
      assert.ok(keptBytes >= 4 * BLOCK, `${keptBytes} bytes kept`);
      const sent = requests.filter(isBlock).length;
      assert.ok(sent <= BLOCKS - keptBytes / BLOCK, `${sent} blocks sent`);
    }),
});

Deno.test({
  name: "an upload that was killed with its server goes on with what is left, and is the same file",
  ...needs,
  // The emulator writes what it knows of blocks every few seconds only: what is kept varies.
  fn: () =>
    withAzurite(async (azurite) => {
      // Asked to end, it writes down what it knows: that there is a container.
      await azurite.restart("SIGINT");
      await upload(azurite, true);
    }),
});

Deno.test({
  name: "a download that was killed, client and server, goes on and is the same file",
  ...needs,
  fn: () =>
    withAzurite(async (azurite) => {
      const { folder, account } = azurite;
      await Deno.writeFile(`${folder}/source.bin`, BYTES);
      await rclone(azurite, "copyto", `${folder}/source.bin`, "az:box/f.bin");
      // Asked to end, it writes down what it knows.
      await azurite.restart("SIGINT");
      let reads = 0;
      const isMoment = (line: string) => line.startsWith("GET") && ++reads === 14;
      const ends = { source: `azblob://${account}/box/f.bin`, destination: `${folder}/got.bin` };
      const { keptBytes } = await killed(azurite, ends, isMoment, true);
      assert.ok(keptBytes > 0, "something was kept");
      assert.equal(sha256(await Deno.readFile(`${folder}/got.bin`)), sha256(BYTES));
    }),
});
