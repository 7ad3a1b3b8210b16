/** `kill -9` of the program and of the server in the middle, in both directions; then on to the end. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { patterned } from "../../conformance/case.ts";
import { eventsOf, type Quorus, startQuorus } from "../../scenario/quorus.ts";
import { startSwift, type Swift, SWIFT_PROGRAMS } from "../../servers/swift.ts";
import { requirePrograms } from "../require.ts";
import { request } from "./harness.ts";
import { tap } from "./tap.ts";

const needs = requirePrograms(SWIFT_PROGRAMS);
const PART = 8 * 2 ** 20;
const PARTS = 24;
const SIZE = PARTS * PART - 12_345;

function workflow(port: number, source: string, destination: string): string {
  const access = `auth: {type: environment}, options: {endpoint: "http://127.0.0.1:${port}"}`;
  const end = (uri: string) =>
    uri.startsWith("s3:") ? `{uri: "${uri}", ${access}}` : `{path: "${uri}"}`;
  return `apiVersion: quorus.dev/v1
kind: Transfer
metadata: {name: killed}
spec:
  transfer: {parallelRanges: 3}
  source: ${end(source)}
  destination: ${end(destination)}
`;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

interface Killed {
  /** Of each run, in order. */
  readonly requests: readonly (readonly string[])[];
  readonly keptBytes: number;
}

/** Runs a transfer, kills it and the server when `isMoment` says so, and runs it again. */
async function killed(
  swift: Swift,
  source: string,
  destination: string,
  isMoment: (request: string, count: number) => boolean,
): Promise<Killed> {
  const moment = Promise.withResolvers<void>();
  const way = tap(swift.port, (line, count) => isMoment(line, count) && moment.resolve());
  const file = `${swift.folder}/killed.yaml`;
  await Deno.writeTextFile(file, workflow(way.port, source, destination));
  const data = await Deno.makeTempDir({ dir: swift.folder });
  const env = {
    AWS_ACCESS_KEY_ID: swift.key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: swift.key.secretAccessKey,
  };
  const start = (): Quorus => startQuorus(["run", file, "--data", data, "--json"], { env });
  try {
    const first = start();
    await Promise.race([moment.promise, first.ended.then(ended)]);
    first.kill("SIGKILL");
    await first.ended;
    await swift.crash();
    const before = way.requests.length;
    const last = await start().ended;
    assert.equal(last.code, 0, last.out + last.err);
    const receipts = eventsOf(last.out).flatMap(({ receipt }) => receipt ?? []);
    return {
      requests: [way.requests.slice(0, before), way.requests.slice(before)],
      keptBytes: receipts.at(-1)!.keptBytes,
    };
  } finally {
    await way.close();
  }
}

function ended({ out, err }: { out: string; err: string }): never {
  throw new Error(`it ended before its moment: ${out}${err}`);
}

Deno.test({
  name: "an upload that was killed, client and server, goes on and is the same file",
  ...needs,
  async fn() {
    const swift = await startSwift();
    try {
      await swift.makeBucket("bucket");
      const bytes = patterned(SIZE, 9);
      const source = `${swift.folder}/source.bin`;
      await Deno.writeFile(source, bytes);
      const isMoment = (line: string) => line.includes("partNumber=18");
      const { requests, keptBytes } = await killed(
        swift,
        source,
        "s3://bucket/up/f.bin",
        isMoment,
      );
      const sent = requests[1]!.filter((line) => line.includes("partNumber=")).length;
      assert.ok(keptBytes >= 32 * 2 ** 20, `${keptBytes} bytes kept`);
      assert.ok(sent <= PARTS - keptBytes / PART, `${sent} parts sent again or for the first time`);
      const published = await request(swift, "GET", "/bucket/up/f.bin");
      assert.equal(sha256(published.bytes), sha256(bytes));
      const listing = new TextDecoder().decode((await request(swift, "GET", "/bucket")).bytes);
      assert.deepEqual([...listing.matchAll(/<Key>([^<]*)/g)].map(([, key]) => key), ["up/f.bin"]);
    } finally {
      await swift.close();
    }
  },
});

Deno.test({
  name: "a download that was killed, client and server, goes on and is the same file",
  ...needs,
  async fn() {
    const swift = await startSwift();
    try {
      await swift.makeBucket("bucket");
      const bytes = patterned(SIZE, 3);
      await request(swift, "PUT", "/bucket/f.bin", bytes);
      const destination = `${swift.folder}/got.bin`;
      let reads = 0;
      // Ranges of one chunk each: by the twentieth some of them are kept.
      const isMoment = (line: string) => line.startsWith("GET /bucket/f.bin") && ++reads === 20;
      const { keptBytes } = await killed(swift, "s3://bucket/f.bin", destination, isMoment);
      assert.ok(keptBytes > 0, "something was kept");
      assert.equal(sha256(await Deno.readFile(destination)), sha256(bytes));
    } finally {
      await swift.close();
    }
  },
});
