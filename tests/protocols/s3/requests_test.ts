/** What happens to a request on its way: clocks, keys, busy and hostile servers. */

import assert from "node:assert/strict";
import type { ProtocolError, ProtocolErrorCode } from "../../../protocols/errors.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { xml } from "../../../protocols/s3/xml.ts";
import { assertBytes, assertFails, fetched, NEVER, patterned } from "../../conformance/case.ts";
import { AUTH, OPTIONS, type PaperHarness, paperHarness } from "./paper_harness.ts";
import { bodyOf, document, failed, KEY, type PaperQuirks } from "./paper_server.ts";

const WHOLE = patterned(200_000);

async function withStore(
  quirks: PaperQuirks,
  body: (harness: PaperHarness) => Promise<void>,
  ...more: Parameters<typeof paperHarness> extends [unknown?, ...infer Rest] ? Rest : never
): Promise<void> {
  const harness = paperHarness(quirks, ...more);
  harness.server.put("data/f", WHOLE);
  await harness.run!(() => body(harness));
  await harness.close();
}

Deno.test("a clock that is hours off is mended once, by the server's own", () =>
  withStore({ aheadMs: 5 * 3_600_000 }, async ({ sourceAt, server }) => {
    assertBytes(await fetched(sourceAt("f")), WHOLE, "the object");
    assert.equal(server.requests.length, 2, "refused once");
    assertBytes(await fetched(sourceAt("f")), WHOLE, "the object");
    assert.equal(server.requests.length, 3, "and never again");
  }));

Deno.test("a clock that is years off is not taken from a server", () =>
  withStore({ aheadMs: 400 * 86_400_000 }, async ({ sourceAt, server }) => {
    await assertFails(() => fetched(sourceAt("f")), "unauthenticated", "reading");
    assert.equal(server.requests.length, 1);
  }));

Deno.test("a busy server is asked again, after as long as it says", async () => {
  const at: number[] = [];
  let harness: PaperHarness | null = null;
  const quirks: PaperQuirks = {
    forge: (_, __, count) => {
      at.push(harness!.env.clock.monotonic());
      return count < 3 ? failed(503, "SlowDown", { "retry-after": "3" }) : null;
    },
  };
  await withStore(quirks, async (opened) => {
    harness = opened;
    assertBytes(await fetched(opened.sourceAt("f")), WHOLE, "the object");
    assert.equal(at.length, 3);
    assert.ok(at[1]! - at[0]! >= 3_000 && at[2]! - at[1]! >= 3_000);
  });
});

Deno.test("a server that stays busy is told to the job, with its Retry-After", () =>
  withStore({
    forge: () => failed(503, "SlowDown", { "retry-after": "120" }),
  }, async ({ sourceAt, server }) => {
    const error = await assertFails(() => fetched(sourceAt("f")), "rateLimited", "reading");
    assert.ok(error.retryable && error.definite);
    assert.equal(error.retryAfterMs, 120_000);
    assert.equal(server.requests.length, 1, "two minutes are the job's to wait");
  }));

Deno.test("a signature that is not accepted is not tried again, and no secret is told", () =>
  withStore(
    {},
    async ({ sourceAt, server }) => {
      const auth = { ...AUTH, secretAccessKey: "canary-of-a-wrong-key" };
      const error = await assertFails(
        () => fetched(sourceAt("f", { auth })),
        "unauthenticated",
        "reading",
      );
      assert.equal(error.retryable, false);
      assert.equal(server.requests.length, 1);
      const shown = JSON.stringify([error.message, error.details, String(error.cause)]);
      assert.ok(!shown.includes("canary"));
    },
  ));

Deno.test("a web identity is exchanged once for all, and again before its keys end", async () => {
  const exchanged: string[] = [];
  const harness = paperHarness({ sessionToken: "session" }, {
    auth: { type: "webIdentity", roleArn: "arn:aws:iam::1:role/r", file: "/token" },
    options: { ...OPTIONS, stsEndpoint: "https://sts" },
  });
  const { world, env, server } = harness;
  world.hosts.set("sts", (request) => {
    const form = new URLSearchParams(new TextDecoder().decode(bodyOf(request)));
    exchanged.push(`${form.get("RoleArn")} ${form.get("WebIdentityToken")}`);
    return document("AssumeRoleWithWebIdentityResponse", [
      xml("AssumeRoleWithWebIdentityResult", [
        xml("Credentials", [
          xml("AccessKeyId", KEY.accessKeyId),
          xml("SecretAccessKey", KEY.secretAccessKey),
          xml("SessionToken", "session"),
          xml("Expiration", new Date(env.clock.now() + 3_600_000).toISOString()),
        ]),
      ]),
    ]);
  });
  server.put("data/f", WHOLE);
  await harness.run!(async () => {
    const file = await env.disk.open("/token", { write: true, create: true });
    await file.write(new TextEncoder().encode("jwt\n"), 0);
    await file.close();
    await Promise.all([1, 2, 3].map(() => fetched(harness.sourceAt("f"))));
    assert.deepEqual(exchanged, ["arn:aws:iam::1:role/r jwt"]);
    await new Promise<void>((resolve) => env.timers.after(56 * 60_000, resolve));
    await fetched(harness.sourceAt("f"));
    assert.equal(exchanged.length, 2, "four minutes before the end");
  });
  await harness.close();
});

Deno.test("keys come from the environment, or from a file of profiles", async () => {
  const variables: Record<string, string> = {
    AWS_ACCESS_KEY_ID: KEY.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey,
    HOME: "/home",
  };
  const machine = { variable: (name: string) => variables[name] };
  await withStore(
    {},
    async ({ sourceAt, env }) => {
      const environment = { auth: { type: "environment" } } as const;
      assertBytes(await fetched(sourceAt("f", environment)), WHOLE, "by the environment");
      await env.disk.makeDirectory("/home/.aws", { recursive: true });
      const file = await env.disk.open("/home/.aws/credentials", { write: true, create: true });
      const text = `# canary\n[default]\naws_access_key_id = wrong\n[profile other]\n` +
        `aws_access_key_id=${KEY.accessKeyId}\n aws_secret_access_key = ${KEY.secretAccessKey} \n`;
      await file.write(new TextEncoder().encode(text), 0);
      await file.close();
      const profile = { auth: { type: "profile", profile: "other" } } as const;
      assertBytes(await fetched(sourceAt("f", profile)), WHOLE, "by the profile");
      const missing = { auth: { type: "profile", profile: "none" } } as const;
      const error = await assertFails(
        () => fetched(sourceAt("f", missing)),
        "unauthenticated",
        "a profile that is not there",
      );
      assert.ok(!error.message.includes("canary"));
    },
    {},
    machine,
  );
});

Deno.test("an older version is read by its id, and each version is told from the next", () =>
  withStore({}, async ({ sourceAt, server }) => {
    const old = server.objects.get("data/f")!.versionId;
    server.put("data/f", patterned(10));
    const options = { ...OPTIONS, versionId: old };
    assertBytes(await fetched(sourceAt("f", { options })), WHOLE, "the older version");
    const { fingerprint } = await sourceAt("f").stat(NEVER);
    assert.equal(fingerprint.version, server.objects.get("data/f")!.versionId);
  }));

Deno.test("a hash that the server vouches for is a fact of the source", () =>
  withStore({
    alter: (reply) => ({
      ...reply,
      headers: { ...reply.headers, "x-amz-checksum-sha256": new Uint8Array(32).toBase64() },
    }),
  }, async ({ sourceAt }) => {
    assert.equal((await sourceAt("f").stat(NEVER)).sha256, "00".repeat(32));
  }));

Deno.test("virtual-host style puts the bucket into the name of the host", async () => {
  const options = { ...OPTIONS, addressing: "virtual" };
  await withStore({}, async ({ world, sourceAt }) => {
    let asked = "";
    world.hosts.set("b.paper", ({ url }) => {
      asked = url;
      return failed(404, "NoSuchKey");
    });
    await assertFails(() => fetched(sourceAt("f")), "notFound", "reading");
    assert.equal(asked, "https://b.paper/data/f");
  }, { options });
});

/** What the server says to a GET, and what comes of it. */
const HOSTILE: readonly [string, PaperQuirks, ProtocolErrorCode][] = [
  ["announces more than it sends", {
    alter: (reply, { method }) =>
      method === "GET" ? { ...reply, body: reply.body!.slice(0, 1_000) } : reply,
  }, "truncated"],
  ["sends more than it announces", {
    alter: (reply, { method }) =>
      method === "GET"
        ? { ...reply, headers: { ...reply.headers, "content-length": "199999" } }
        : reply,
  }, "tooLong"],
  ["breaks off", { alter: (reply) => ({ ...reply, cutAfterBytes: 500 }) }, "truncated"],
  ["falls silent", { alter: (reply) => ({ ...reply, delayMs: 10_000_000 }) }, "timeout"],
  ["does not tell its length", {
    alter: ({ body, status }) => ({ status, ...(body === undefined ? {} : { body }) }),
  }, "badResponse"],
  ["redirects elsewhere", {
    forge: () => ({ status: 307, headers: { location: "http://169.254.169.254/" } }),
  }, "badEndpoint"],
  ["sends headers without end", {
    alter: (reply) => ({ ...reply, headers: { ...reply.headers, "x-filler": "x".repeat(70_000) } }),
  }, "badResponse"],
  ["refuses with a gigantic page", {
    forge: () => ({ status: 403, body: new Uint8Array(3_000_000).fill(60) }),
  }, "denied"],
  ["refuses with entities", {
    forge: () => ({
      status: 404,
      body: new TextEncoder().encode(
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Error><Code>&x;</Code></Error>',
      ),
    }),
  }, "notFound"],
];

for (const [what, quirks, code] of HOSTILE) {
  Deno.test(`s3: a server that ${what} gets ${code}`, () =>
    withStore(quirks, async ({ sourceAt }) => {
      await assertFails(() => fetched(sourceAt("f")), code, what);
    }));
}

async function namesIn(harness: PaperHarness): Promise<{ names: string[]; refused: string[] }> {
  const directory = harness.protocol.directory!(
    { ...plainEndpoint("s3://b/data/"), ...harness.directory!.endpoint },
    harness.context,
  );
  const found = { names: [] as string[], refused: [] as string[] };
  for await (const { entries, refused } of directory.list(NEVER)) {
    found.names.push(...entries.map(({ name }) => name));
    found.refused.push(...refused);
  }
  await directory.close();
  return found;
}

Deno.test("s3: names of a hostile listing are shown and not passed on", () =>
  withStore({}, async (harness) => {
    const odd = ["..", ".", "a\nb", "nul\0", "x".repeat(300), "/up", "../up", "d\u0085"];
    for (const name of [...odd, "ok ünï 🙂 %41+"]) harness.server.put(`data/${name}`, WHOLE);
    const { names, refused } = await namesIn(harness);
    assert.deepEqual(names.sort(), ["f", "ok ünï 🙂 %41+"]);
    assert.ok(refused.length >= 6, refused.join());
    assert.ok(refused.every((shown) => !/[\n\0\u0085]/.test(shown) && shown.length < 300));
  }));

Deno.test("s3: a listing that comes in drips gets timeout", () => {
  const keys = Array.from({ length: 300 }, (_, n) => xml("Contents", [xml("Key", `data/${n}`)]));
  const quirks = { forge: () => ({ ...document("ListBucketResult", keys), pieceBytes: 1 }) };
  return withStore(quirks, async (harness) => {
    const start = harness.env.clock.monotonic();
    await assertFails(() => namesIn(harness), "timeout", "drips");
    assert.ok(harness.env.clock.monotonic() - start < 10_000);
  }, { idleTimeoutMs: 200 });
});

const LISTINGS: readonly [string, PaperQuirks][] = [
  ["a listing that never moves on", {
    forge: () =>
      document("ListBucketResult", [
        xml("IsTruncated", "true"),
        xml("NextContinuationToken", "again"),
      ]),
  }],
  ["a listing of empty pages without end", {
    forge: (_, __, count) =>
      document("ListBucketResult", [
        xml("IsTruncated", "true"),
        xml("NextContinuationToken", `t${count}`),
      ]),
  }],
  ["a listing of one gigantic page", {
    forge: () => ({ status: 200, body: new Uint8Array(9_000_000).fill(32) }),
  }],
  ["a page of something else", { forge: () => document("html", "<hello>") }],
  ["a listing with a name that is encoded wrongly", {
    forge: () =>
      document("ListBucketResult", [
        xml("EncodingType", "url"),
        xml("Contents", [xml("Key", "data/%zz")]),
      ]),
  }],
];

for (const [what, quirks] of LISTINGS) {
  Deno.test(`s3: ${what} is refused, and ends`, () =>
    withStore(quirks, async (harness) => {
      const error = await namesIn(harness).then(
        ({ names }) => names,
        (thrown: unknown) => thrown as ProtocolError,
      );
      if (Array.isArray(error)) assert.deepEqual(error, []);
      else assert.match(error.code, /badResponse|notFound/);
      assert.ok(harness.server.requests.length <= 101, `${harness.server.requests.length} pages`);
    }));
}
