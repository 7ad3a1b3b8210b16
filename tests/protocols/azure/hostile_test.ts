/** Accounts that do not keep their word, and what becomes of it. */

import assert from "node:assert/strict";
import type { ProtocolErrorCode } from "../../../protocols/errors.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { ProtocolError } from "../../../protocols/errors.ts";
import { assertFails, fetched, NEVER, patterned } from "../../conformance/case.ts";
import { type PaperHarness, paperHarness, paperSink, paperSource, SHARED_KEY } from "./harness.ts";
import { ACCOUNT, failed, type Forge } from "./paper_server.ts";

const REPLACE = { name: "f", replace: true, mtimeMs: null, mode: null };

async function withAccount(
  body: (harness: PaperHarness) => Promise<void>,
  more: Parameters<typeof paperHarness>[0] = {},
): Promise<void> {
  const harness = paperHarness(more);
  try {
    harness.account.put("box/data/f", patterned(50_000));
    await body(harness);
  } finally {
    await harness.close();
  }
}

const ok = (body: BodyInit | null, headers: Record<string, string> = {}, status = 200) =>
  new Response(body, { status, headers: { etag: '"0x1"', ...headers } });

const READS: readonly [string, Forge, ProtocolErrorCode | readonly ProtocolErrorCode[]][] = [
  [
    "redirects elsewhere",
    () => ok(null, { location: "http://169.254.169.254/" }, 302),
    "badResponse",
  ],
  ["announces no length", () =>
    ok(
      new ReadableStream({
        start(controller) {
          controller.enqueue(patterned(10));
          controller.close();
        },
      }),
    ), "badResponse"],
  ["sends headers without end", () => ok("x", { "x-ms-meta-a": "y".repeat(70_000) }), [
    "badResponse",
    "unreachable",
  ]],
  ["is busy", () => failed(503, "ServerBusy", { "retry-after": "7" }), "rateLimited"],
  ["fails", () => failed(500, "InternalError"), "serverError"],
  ["forbids", () => failed(403, "AuthorizationPermissionMismatch"), "denied"],
  ["has archived it", () => failed(409, "BlobArchived"), "denied"],
  ["answers nonsense", () => ok("?", {}, 418), "badResponse"],
  [
    "lies about the MD5",
    () => ok(patterned(50_000), { "content-md5": btoa("0123456789abcdef") }),
    "badResponse",
  ],
];

for (const [what, forge, code] of READS) {
  Deno.test(`azblob source: an account that ${what} gets ${code}`, () =>
    withAccount(async (harness) => {
      harness.account.forge = forge;
      const source = paperSource(harness, "f");
      const error = await assertFails(() => fetched(source), code, what);
      if (what === "is busy") assert.equal(error.retryAfterMs, 7_000);
      assert.ok(!error.message.includes(SHARED_KEY.accountKey));
    }));
}

Deno.test("azblob: a blob of any size is looked at, and one of no size of ours is not trusted", () =>
  withAccount(async (harness) => {
    const source = paperSource(harness, "f");
    for (const [told, size] of [["9000000000", 9_000_000_000], ["9".repeat(18), null]] as const) {
      harness.account.forge = () => ok(null, { "content-length": told });
      assert.equal((await source.stat(NEVER)).fingerprint.size, size);
    }
  }));

Deno.test("azblob source: a part that was not asked for is not read", () =>
  withAccount(async (harness) => {
    harness.account.forge = () =>
      ok(patterned(10), { "content-range": "bytes 5-14/50000", "content-length": "10" }, 206);
    const source = paperSource(harness, "f");
    await assertFails(() => fetched(source, { start: 0, end: 10 }), "badResponse", "another part");
  }));

Deno.test("azblob: wrong keys are unauthenticated, and no error, cause or detail holds a secret", () =>
  withAccount(async (harness) => {
    const secrets = ["d3JvbmcgY2FuYXJ5IGtleQ==", "CANARYsig", "canary-token"];
    const auths = [
      { type: "sharedKey", account: ACCOUNT, accountKey: secrets[0]! },
      { type: "sas", token: `sv=2023&sig=${secrets[1]}` },
      { type: "bearer", token: secrets[2]! },
    ] as const;
    for (const auth of auths) {
      const source = harness.protocol.source!({
        ...plainEndpoint(harness.source!.uri("f")),
        ...harness.endpoint,
        auth,
      }, harness.context);
      const error = await assertFails(() => source.stat(NEVER), "unauthenticated", auth.type);
      const all = [error, error.cause].map((each) =>
        Deno.inspect(each, { depth: 10 }) + JSON.stringify(each)
      ).join();
      for (const secret of secrets) assert.ok(!all.includes(secret), auth.type);
    }
  }));

Deno.test("azblob: a connection that is refused shows no signature of its URL", async () => {
  const harness = paperHarness();
  const { endpoint } = harness.account;
  await harness.account.close();
  const source = harness.protocol.source!({
    ...plainEndpoint(harness.source!.uri("f")),
    auth: { type: "sas", token: "sv=2023&sig=CANARY" },
    options: { endpoint },
  }, harness.context);
  const error = await assertFails(() => source.stat(NEVER), "unreachable", "nobody listens");
  assert.ok(!Deno.inspect(error, { depth: 10 }).includes("CANARY"));
  harness.context.env.net.close();
});

Deno.test("azblob: a shared access signature and a token are let in", () =>
  withAccount(async (harness) => {
    const auths = [
      { type: "sas", token: "?sv=2023&sig=good" },
      { type: "bearer", token: "good" },
    ] as const;
    for (const auth of auths) {
      const source = harness.protocol.source!({
        ...plainEndpoint(harness.source!.uri("f")),
        ...harness.endpoint,
        auth,
      }, harness.context);
      assert.equal((await source.stat(NEVER)).fingerprint.size, 50_000);
    }
  }));

Deno.test("azblob: a silent account times out", () =>
  withAccount(async (harness) => {
    harness.account.forge = () => new Promise<Response>(() => {});
    const source = paperSource(harness, "f");
    await assertFails(() => source.stat(NEVER), "timeout", "silence");
  }, { responseTimeoutMs: 50 }));

Deno.test("azblob: a body that stops dripping times out, however much of it came", () =>
  withAccount(async (harness) => {
    await harness.source!.stall!("f", 10_000);
    const source = paperSource(harness, "f");
    const reader = await source.open({ start: 0, end: null }, null, NEVER);
    const reading = async () => {
      while (await reader.read(new Uint8Array(4_096)) > 0);
    };
    await assertFails(reading, "timeout", "a silent body");
    await reader.close();
  }, { idleTimeoutMs: 50 }));

/** Spaces, one after the other, for ever. */
function drips(): ReadableStream<Uint8Array> {
  let timer: ReturnType<typeof setInterval> | undefined;
  return new ReadableStream({
    start: (controller) => {
      timer = setInterval(() => controller.enqueue(new Uint8Array([32])), 5);
    },
    cancel: () => clearInterval(timer),
  });
}

Deno.test("azblob: a listing that comes in drips is given up, although it is never silent", () =>
  withAccount(async (harness) => {
    harness.account.forge = () => new Response(drips());
    const directory = harness.protocol.directory!({
      ...plainEndpoint(harness.directory!.uri("")),
      ...harness.endpoint,
    }, harness.context);
    const listing = async () => {
      for await (const _ of directory.list(NEVER));
    };
    const error = await assertFails(listing, "timeout", "drips");
    assert.match(error.message, /not complete/);
  }, { responseTimeoutMs: 60, idleTimeoutMs: 5_000 }));

Deno.test("azblob directory: hostile names are shown and not passed on, whatever they spell", () =>
  withAccount(async (harness) => {
    const names = [
      "ok",
      "..",
      "up\\down",
      "dots.",
      "new\nline",
      "nul\0",
      "x".repeat(10_000),
      "\u0000",
    ];
    for (const name of names) harness.account.put(`box/data/deep/${name}`, patterned(1));
    harness.account.put("box/data/deep//twice", patterned(1));
    const directory = harness.protocol.directory!({
      ...plainEndpoint(harness.directory!.uri("deep/")),
      ...harness.endpoint,
    }, harness.context);
    const seen: string[] = [];
    const refused: string[] = [];
    for await (const page of directory.list(NEVER)) {
      seen.push(...page.entries.map(({ name }) => name));
      refused.push(...page.refused);
    }
    assert.deepEqual(seen, ["ok"]);
    assert.equal(refused.length, names.length - 1 + 1 - 1 + 1);
    assert.ok(refused.every((text) => text.length < 300 && !/[\n\0]/.test(text)));
  }));

const LISTINGS: readonly [string, string][] = [
  ["is no XML", "not xml"],
  ["is another document", "<Other/>"],
  ["has entities of its own", '<!DOCTYPE x [<!ENTITY a "b">]><EnumerationResults/>'],
  ["is deep", `${"<a>".repeat(1_000)}`],
  [
    "goes in a circle",
    "<EnumerationResults><Blobs/><NextMarker>again</NextMarker></EnumerationResults>",
  ],
  ["is larger than any page", `<EnumerationResults><Blobs>${" ".repeat(9_000_000)}`],
];

for (const [what, text] of LISTINGS) {
  Deno.test(`azblob directory: a listing that ${what} is a badResponse`, () =>
    withAccount(async (harness) => {
      harness.account.forge = () => new Response(text);
      const directory = harness.protocol.directory!({
        ...plainEndpoint(harness.directory!.uri("")),
        ...harness.endpoint,
      }, harness.context);
      const listing = async () => {
        for await (const _ of directory.list(NEVER));
      };
      await assertFails(listing, "badResponse", what);
    }));
}

Deno.test("azblob sink: an answer that is lost leaves it open whether it was published", () =>
  withAccount(async (harness) => {
    const sink = paperSink(harness, "f");
    const file = await sink.create("t.part", NEVER);
    await file.write(patterned(10), 0);
    harness.account.forge = (request) =>
      request.method === "PUT" ? failed(500, "InternalError") : null;
    const error = await assertFails(() => sink.publish(file, REPLACE), "serverError", "publish");
    assert.ok(!error.definite);
    harness.account.forge = () => null;
    const expected = { name: "f", size: 10, sha256: null, fileId: file.fileId };
    assert.equal(await sink.probe("t.part", expected), "unpublished");
    const again = await sink.reopen("t.part", NEVER);
    await sink.publish(again!, REPLACE);
    assert.equal(await sink.probe("t.part", expected), "published");
  }));

Deno.test("azblob sink: a block that is refused fails the file, and nothing is published", () =>
  withAccount(async (harness) => {
    const sink = paperSink(harness, "g");
    const file = await sink.create("t.part", NEVER);
    harness.account.forge = (_, url) =>
      url.searchParams.get("comp") === "block"
        ? failed(403, "InsufficientAccountPermissions")
        : null;
    const writing = async () => {
      await file.write(patterned(1_048_576), 0);
      await file.write(patterned(1_048_576), 1_048_576);
      await file.sync();
    };
    await assertFails(writing, "denied", "a refused block");
    await assert.rejects(sink.publish(file, { ...REPLACE, name: "g" }));
    assert.equal(harness.account.blobs.get("box/data/g"), undefined);
  }, { options: { blockMiB: 1 } }));

Deno.test("azblob: 'definite' is said only of what certainly did not happen", () =>
  withAccount(async (harness) => {
    harness.account.forge = () => failed(412, "ConditionNotMet");
    const sink = paperSink(harness, "f");
    const error = await sink.create("t", NEVER).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof ProtocolError && error.definite);
  }));
