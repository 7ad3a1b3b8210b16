/** Copies that a real object store makes itself, between its buckets; killed in the middle, too. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { patterned } from "../../conformance/case.ts";
import { eventsOf, startQuorus } from "../../scenario/quorus.ts";
import { startSwift, type Swift, SWIFT_PROGRAMS } from "../../servers/swift.ts";
import { requirePrograms } from "../require.ts";
import { request } from "./harness.ts";
import { tap } from "./tap.ts";

const needs = requirePrograms(SWIFT_PROGRAMS);
const PART = 5_242_880;
const PARTS = 24;
const SIZE = PARTS * PART - 12_345;

function workflow(port: number, more: string, bucket = "other"): string {
  const access = `auth: {type: environment},
    options: {endpoint: "http://127.0.0.1:${port}", partSize: ${PART}}`;
  return `apiVersion: quorus.dev/v1
kind: Transfer
metadata: {name: copied}
spec:
  source: {uri: "s3://bucket/from.bin", ${access}}
  destination: {uri: "s3://${bucket}/to/f.bin", ${access}}
  ${more}
`;
}

async function withSwift(body: (swift: Swift) => Promise<void>): Promise<void> {
  const swift = await startSwift();
  try {
    for (const bucket of ["bucket", "other"]) await swift.makeBucket(bucket);
    await body(swift);
  } finally {
    await swift.close();
  }
}

function environment({ key }: Swift): Record<string, string> {
  return { AWS_ACCESS_KEY_ID: key.accessKeyId, AWS_SECRET_ACCESS_KEY: key.secretAccessKey };
}

async function keysOf(swift: Swift, bucket: string): Promise<string[]> {
  const text = new TextDecoder().decode((await request(swift, "GET", `/${bucket}`)).bytes);
  return [...text.matchAll(/<Key>([^<]*)/g)].map(([, key]) => key!);
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function receiptOf(out: string) {
  return eventsOf(out).flatMap((event) => event.receipt ?? []).at(-1);
}

Deno.test({
  name: "a copy between buckets reads no object, and is gone on with after kills of both ends",
  ...needs,
  fn: () =>
    withSwift(async (swift) => {
      const bytes = patterned(SIZE, 9);
      await request(swift, "PUT", "/bucket/from.bin", bytes);
      const moment = Promise.withResolvers<void>();
      const way = tap(swift.port, (line) => {
        if (line.includes("partNumber=18")) moment.resolve();
      });
      try {
        const file = `${swift.folder}/w.yaml`;
        await Deno.writeTextFile(file, workflow(way.port, "transfer: {serverCopy: require}"));
        const args = ["run", file, "--data", `${swift.folder}/state`, "--json"];
        const first = startQuorus(args, { env: environment(swift) });
        await Promise.race([moment.promise, first.ended]);
        first.kill("SIGKILL");
        await first.ended;
        await swift.crash();
        const before = way.requests.length;
        const { code, out, err } = await startQuorus(args, { env: environment(swift) }).ended;
        assert.equal(code, 0, out + err);
        const receipt = receiptOf(out)!;
        assert.ok(receipt.keptBytes >= 32 * 2 ** 20, `${receipt.keptBytes} bytes kept`);
        assert.equal(receipt.keptBytes + receipt.copiedBytes!, SIZE);
        assert.equal(receipt.fetchedBytes, 0);
        const later = way.requests.slice(before);
        const parts = later.filter((line) => line.includes("partNumber=")).length;
        assert.equal(parts, Math.ceil(receipt.copiedBytes! / PART), "only what is missing");
        const reads = way.requests.filter((line) => line.startsWith("GET /bucket/from.bin"));
        assert.deepEqual(reads, [], "the object is never read");
      } finally {
        await way.close();
      }
      const { bytes: published } = await request(swift, "GET", "/other/to/f.bin");
      assert.equal(sha256(published), sha256(bytes));
      assert.deepEqual(await keysOf(swift, "other"), ["to/f.bin"]);
    }),
});

Deno.test({
  name: "an object that was uploaded in parts, whose tag Swift knows in no condition, is copied",
  ...needs,
  fn: () =>
    withSwift(async (swift) => {
      const bytes = patterned(3 * PART + 17, 2);
      const local = `${swift.folder}/local.bin`;
      await Deno.writeFile(local, bytes);
      const copied = workflow(swift.port, "transfer: {serverCopy: require}");
      const uploaded = copied.replace(/source: [\s\S]*?\}\}/, `source: {path: "${local}"}`)
        .replace("s3://other/to/f.bin", "s3://bucket/from.bin").replace("require", "never");
      for (const [name, text] of Object.entries({ uploaded, copied })) {
        const file = `${swift.folder}/${name}.yaml`;
        await Deno.writeTextFile(file, text);
        const args = ["run", file, "--data", `${swift.folder}/${name}`, "--json"];
        const { code, out, err } = await startQuorus(args, { env: environment(swift) }).ended;
        assert.equal(code, 0, out + err);
        assert.equal(receiptOf(out)?.copiedBytes, name === "copied" ? bytes.length : undefined);
      }
      const { bytes: published } = await request(swift, "GET", "/other/to/f.bin");
      assert.equal(sha256(published), sha256(bytes));
    }),
});
