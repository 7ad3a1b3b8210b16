/** What the protocol does with a real store, beyond the suite: parts, crashes, TLS, other clients. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { SinkFile } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { s3Protocol } from "../../../protocols/s3/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { assertFails, fetched, NEVER, patterned } from "../../conformance/case.ts";
import { startSwift, type Swift, SWIFT_PROGRAMS } from "../../servers/swift.ts";
import { requirePrograms } from "../require.ts";
import { endpointOf, request } from "./harness.ts";

const needs = requirePrograms([...SWIFT_PROGRAMS, "rclone"]);
const TLS = new URL("../../servers/tls/", import.meta.url).pathname;
const PART = 8_388_608;
const LONG = patterned(3 * PART + 12_345, 5);

let shared: Swift;
let buckets = 0;

if (!needs.ignore) {
  Deno.test.beforeAll(async () => {
    shared = await startSwift();
  });
  Deno.test.afterAll(() => shared.close());
}

/** A fresh bucket, a protocol, and ends of it. */
async function withBucket(
  body: (ends: Ends) => Promise<void>,
  swift: Swift = shared,
  tls: { readonly caCerts: readonly string[] } | null = null,
): Promise<void> {
  const env = realEnv();
  const protocol = s3Protocol();
  const bucket = `bucket-${buckets++}`;
  const endpoint = { ...endpointOf(swift), tls };
  const at = (key: string, more = {}) => ({
    ...plainEndpoint(`s3://${bucket}/${key}`),
    ...endpoint,
    options: { ...endpoint.options, ...more },
  });
  try {
    await swift.makeBucket(bucket);
    await body({
      ...{ swift, bucket },
      source: (key) => protocol.source!(at(key), { env }),
      sink: (key, more) =>
        protocol.sink!(
          { ...at(key, more), createDirectories: false, root: null, sync: true },
          { env },
        ),
      directory: (path) => protocol.directory!(at(path), { env }),
    });
  } finally {
    await protocol.close!();
    env.close();
  }
}

interface Ends {
  readonly swift: Swift;
  readonly bucket: string;
  source(key: string): ReturnType<NonNullable<ReturnType<typeof s3Protocol>["source"]>>;
  sink(
    key: string,
    more?: Readonly<Record<string, string>>,
  ): ReturnType<NonNullable<ReturnType<typeof s3Protocol>["sink"]>>;
  directory(path: string): ReturnType<NonNullable<ReturnType<typeof s3Protocol>["directory"]>>;
}

async function write(file: SinkFile, bytes: Uint8Array, from = 0): Promise<void> {
  for (let at = from; at < bytes.length; at += 1_048_576) {
    await file.write(bytes.subarray(at, at + 1_048_576), at);
  }
}

function replacing(name: string) {
  return { name, replace: true, mtimeMs: null, mode: null };
}

Deno.test({
  name: "the store is found to keep no If-Match, so the fence is none, and nothing is left of it",
  ...needs,
  fn: () =>
    withBucket(async ({ sink, directory }) => {
      const to = sink("d/f");
      assert.equal(to.capabilities.fence, "conditional");
      const file = await to.create("t", NEVER);
      assert.equal(to.capabilities.fence, "none");
      await write(file, patterned(10));
      await to.publish(file, replacing("f"));
      const names: string[] = [];
      for await (const { entries } of directory("d/").list(NEVER)) {
        names.push(...entries.map(({ name }) => name));
      }
      assert.deepEqual(names, ["f"]);
    }),
});

Deno.test({
  name: "an upload outlives its process and a crash of the server, and is completed once",
  ...needs,
  // The server of all tests starts anew within this one.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withBucket(async ({ swift, sink, source }) => {
      const first = sink("f");
      const begun = await first.create(".quorus-t.part", NEVER, LONG.length);
      await write(begun, LONG.subarray(0, 2 * PART + 1_000));
      await begun.sync();
      await first.close();
      await swift.crash();
      const later = sink("f");
      const file = (await later.reopen(".quorus-t.part", NEVER))!;
      assert.equal(await file.size(), 2 * PART);
      const expected = { name: "f", size: LONG.length, sha256: null, fileId: file.fileId };
      assert.equal(await sink("f").probe(".quorus-t.part", expected), "unpublished");
      await write(file, LONG, 2 * PART);
      await later.publish(file, replacing("f"));
      assert.deepEqual(await fetched(source("f")), LONG);
      assert.equal(await sink("f").probe(".quorus-t.part", expected), "published");
      const parts = await Promise.all(
        [0, 1, 2].map((n) => fetched(source("f"), { start: n * PART, end: (n + 1) * PART })),
      );
      for (const [n, part] of parts.entries()) {
        assert.deepEqual(part, LONG.slice(n * PART, (n + 1) * PART));
      }
    }),
});

Deno.test({
  name: "an upload that was aborted cannot be completed, and its parts are gone",
  ...needs,
  fn: () =>
    withBucket(async ({ sink, swift, bucket }) => {
      const stale = sink("f");
      const file = await stale.create("t", NEVER);
      await write(file, LONG);
      await stale.close(); // as if it were another process
      await sink("f").abort("t");
      const error = await assertFails(
        () => stale.publish(file, replacing("f")),
        "notFound",
        "publish",
      );
      assert.ok(error.definite);
      const { bytes } = await request(swift, "GET", `/${bucket}`);
      assert.ok(!new TextDecoder().decode(bytes).includes("<Key>"));
    }),
});

Deno.test({
  name: "a wrong key and a bucket that is not there are told apart, without a secret",
  ...needs,
  fn: () =>
    withBucket(async ({ swift, bucket }) => {
      const env = realEnv();
      const protocol = s3Protocol();
      const auth = {
        type: "accessKey",
        accessKeyId: swift.key.accessKeyId,
        secretAccessKey: "canary-of-a-wrong-key",
      } as const;
      const source = (uri: string, more: object) =>
        protocol.source!({ ...plainEndpoint(uri), ...endpointOf(swift), ...more }, { env });
      try {
        const wrong = source(`s3://${bucket}/x`, { auth });
        const error = await assertFails(
          () => fetched(wrong),
          ["unauthenticated", "denied"],
          "a wrong key",
        );
        assert.ok(!JSON.stringify([error.message, error.details]).includes("canary"));
        const missing = source("s3://nowhere/x", {});
        await assertFails(() => fetched(missing), "notFound", "another bucket");
        const listing = protocol.directory!(
          { ...plainEndpoint("s3://nowhere/"), ...endpointOf(swift) },
          { env },
        );
        const read = async () => {
          for await (const page of listing.list(NEVER)) void page;
        };
        await assertFails(read, "notFound", "listing another bucket");
      } finally {
        env.close();
      }
    }),
});

Deno.test({
  name: "over TLS by a CA of our own, payloads unsigned; without the CA nothing is sent",
  ...needs,
  fn: async () => {
    const caCerts = [await Deno.readTextFile(`${TLS}ca.pem`)];
    const files = { certFile: `${TLS}server.pem`, keyFile: `${TLS}server.key.pem` };
    const secure = await startSwift({ tls: files });
    await withBucket(
      async ({ sink, source, swift, bucket }) => {
        const to = sink("f", { checksum: "crc32" });
        const file = await to.create("t", NEVER);
        await write(file, LONG);
        await to.publish(file, replacing("f"));
        assert.deepEqual(await fetched(source("f")), LONG);
        const env = realEnv();
        const strange = s3Protocol().source!(
          { ...plainEndpoint(`s3://${bucket}/f`), ...endpointOf(swift) },
          { env },
        );
        await assertFails(() => fetched(strange), "tls", "an unknown CA");
        env.close();
      },
      secure,
      { caCerts },
    );
    await secure.close();
  },
});

async function rclone(swift: Swift, ...words: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("rclone", {
    args: [
      ...["--config", "/dev/null", "--s3-provider", "Other", "--s3-endpoint", swift.origin],
      ...["--s3-access-key-id", swift.key.accessKeyId, "--s3-region", "us-east-1"],
      ...["--s3-secret-access-key", swift.key.secretAccessKey, "--retries", "1"],
      ...words,
    ],
    stdin: "null",
    // Variables of this machine (AWS_CA_BUNDLE) must not reach it.
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "", HOME: swift.folder },
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.ok(success, text);
  return text;
}

Deno.test({
  name: "what rclone wrote is read, and what was written is what rclone reads, names and all",
  ...needs,
  fn: () =>
    withBucket(async ({ swift, bucket, sink, source, directory }) => {
      const folder = `${swift.folder}/work`;
      await Deno.mkdir(`${folder}/in`, { recursive: true });
      const files = new Map([
        ["plain", patterned(100)],
        ["two words + ünï 🙂 100%", patterned(5_000)],
        ["long", LONG],
      ]);
      for (const [name, bytes] of files) await Deno.writeFile(`${folder}/in/${name}`, bytes);
      await rclone(swift, "copy", `${folder}/in`, `:s3:${bucket}/theirs`, "--s3-chunk-size", "8M");
      const listed = new Map<string, number | null>();
      for await (const { entries } of directory("theirs/").list(NEVER)) {
        for (const { name, fingerprint } of entries) listed.set(name, fingerprint.size);
      }
      assert.deepEqual(
        [...listed].sort(),
        [...files].map(([name, { length }]) => [name, length]).sort(),
      );
      for (const [name, bytes] of files) {
        const key = `theirs/${encodeURIComponent(name)}`;
        assert.deepEqual(await fetched(source(key)), bytes);
        const to = sink(`ours/${encodeURIComponent(name)}`);
        const file = await to.create(`t-${bytes.length}`, NEVER);
        await write(file, bytes);
        await to.publish(file, replacing(name));
      }
      await rclone(swift, "check", "--download", `${folder}/in`, `:s3:${bucket}/ours`);
      const text = await rclone(swift, "cat", `:s3:${bucket}/ours/long`);
      assert.ok(text.length > 0);
      const sum = createHash("sha256").update(LONG).digest("hex");
      assert.equal(
        createHash("sha256").update(await fetched(source("ours/long"))).digest("hex"),
        sum,
      );
    }),
});
