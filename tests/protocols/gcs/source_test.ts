/** Buckets that do not keep their word when they are read. */

import assert from "node:assert/strict";
import type { ProtocolErrorCode } from "../../../protocols/errors.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { assertFails, fetched, NEVER, patterned } from "../../conformance/case.ts";
import { failed, type Forge } from "./paper_server.ts";
import { type PaperHarness, paperHarness, paperSource } from "./harness.ts";

async function withBucket(body: (harness: PaperHarness) => Promise<void>): Promise<void> {
  const harness = paperHarness();
  try {
    harness.bucket.put("data/f", patterned(50_000));
    await body(harness);
  } finally {
    await harness.close();
  }
}

const isMedia = (url: URL) => url.searchParams.get("alt") === "media";
const json = (value: unknown) => Response.json(value);
const RESOURCE = {
  name: "data/f",
  size: "50000",
  generation: "7",
  timeCreated: "2026-02-03T00:00:00Z",
};

const HOSTILE: readonly [string, Forge, ProtocolErrorCode][] = [
  ["describes nothing", () => json({}), "badResponse"],
  ["answers no JSON", () => new Response("<html>"), "badResponse"],
  [
    "claims a size beyond all numbers",
    () => json({ ...RESOURCE, size: "9".repeat(30) }),
    "badResponse",
  ],
  ["claims a negative size", () => json({ ...RESOURCE, size: "-1" }), "badResponse"],
  [
    "describes without end",
    () => new Response(`{"name":"${"x".repeat(9_000_000)}"}`),
    "badResponse",
  ],
  [
    "redirects elsewhere",
    () => new Response(null, { status: 302, headers: { location: "http://x/" } }),
    "badResponse",
  ],
  ["wants to know who asks", () => failed(401), "unauthenticated"],
  ["forbids", () => failed(403), "denied"],
  ["is busy", () => failed(429, { "retry-after": "30" }), "rateLimited"],
  ["fails", () => failed(500), "serverError"],
  ["has lost the generation", (_, url) => isMedia(url) ? failed(404) : null, "changed"],
  [
    "sends bytes with another checksum",
    (_, url) => isMedia(url) ? new Response(patterned(50_000, 2)) : null,
    "badResponse",
  ],
  ["sends another size", (_, url) => isMedia(url) ? new Response(patterned(50)) : null, "changed"],
  [
    "decompresses on the way",
    (_, url) =>
      isMedia(url)
        ? new Response(patterned(50_000), { headers: { "content-encoding": "br" } })
        : null,
    "badResponse",
  ],
];

for (const [what, forge, code] of HOSTILE) {
  Deno.test(`gs source: a service that ${what} gets ${code}`, () =>
    withBucket(async (harness) => {
      harness.bucket.forge = forge;
      const source = paperSource(harness, "f");
      const error = await assertFails(() => fetched(source), code, what);
      if (what === "is busy") assert.equal(error.retryAfterMs, 30_000);
    }));
}

Deno.test("a range of a version that is known is one request, and of that generation", () =>
  withBucket(async (harness) => {
    const source = paperSource(harness, "f");
    const { fingerprint } = await source.stat(NEVER);
    const before = harness.bucket.requests.length;
    const bytes = await fetched(source, { start: 5, end: 15 }, fingerprint);
    assert.deepEqual(bytes, patterned(50_000).slice(5, 15));
    assert.equal(harness.bucket.requests.length, before + 1);
    harness.bucket.put("data/f", patterned(50_000, 2));
    await assertFails(() => fetched(source, { start: 5, end: 15 }, fingerprint), "changed", "gone");
  }));

Deno.test("gs directory: hostile names are shown and not passed on", () =>
  withBucket(async (harness) => {
    const names = ["ok", "..", "new\nline", "nul\0", "x".repeat(10_000)];
    for (const name of names) harness.bucket.put(`data/deep/${name}`, patterned(1));
    harness.bucket.put("data/deep//twice", patterned(1));
    harness.bucket.put("data/deep/../up", patterned(1));
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
    assert.ok(
      refused.length >= 5 && refused.every((text) => text.length < 300 && !/[\n\0]/.test(text)),
    );
  }));

Deno.test("gs directory: pages that go in a circle come to an end", () =>
  withBucket(async (harness) => {
    harness.bucket.forge = () => json({ nextPageToken: "again" });
    const directory = harness.protocol.directory!({
      ...plainEndpoint(harness.directory!.uri("")),
      ...harness.endpoint,
    }, harness.context);
    const listing = async () => {
      for await (const _ of directory.list(NEVER));
    };
    await assertFails(listing, "badResponse", "a circle");
  }));
