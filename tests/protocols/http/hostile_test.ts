/** Each way in which a server can misbehave gives its class of error, or no harm at all. */

import assert from "node:assert/strict";
import type { Fingerprint, Source } from "../../../protocols/contract.ts";
import { UNKNOWN_FINGERPRINT } from "../../../protocols/fingerprint.ts";
import {
  HOSTILE_FILE,
  type HostileOptions,
  type HostileServer,
  startHostileServer,
} from "../../servers/hostile_server.ts";
import { bytesOf } from "../../servers/pattern.ts";
import { drain, failing, noAbort, readRange, WHOLE, withSources } from "./reading.ts";
import { ownBytes } from "../../servers/own_memory.ts";

const SIZE = HOSTILE_FILE.size;
const TEN = { start: 10, end: 20 };
const V1: Fingerprint = { ...UNKNOWN_FINGERPRINT, etag: '"v1"', size: SIZE };

interface Timeouts {
  readonly responseTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
}

interface Scene {
  readonly server: HostileServer;
  readonly source: (path: string, timeouts?: Timeouts) => Source;
}

function hostile(name: string, test: (scene: Scene) => Promise<void>, options?: HostileOptions) {
  Deno.test(`http: ${name}`, async () => {
    const server = startHostileServer(options);
    try {
      await withSources(async (source) => {
        await test({
          server,
          source: (path, timeouts) => source(server.origin + path, timeouts),
        });
      });
    } finally {
      await server.close();
    }
  });
}

/** One test per row: what the server does, its path, how it is asked, the code, retryable. */
function fails(
  does: string,
  path: string,
  code: string,
  retryable: boolean,
  how: Timeouts & { range?: { start: number; end: number | null }; expected?: Fingerprint } = {},
): void {
  hostile(`a server that ${does} gives ${code}`, async ({ source }) => {
    const { range: _range, expected: _expected, ...timeouts } = how;
    const reading = readRange(source(path, timeouts), how.range ?? WHOLE, how.expected ?? null);
    const error = await failing(reading, code);
    assert.equal(error.retryable, retryable);
    assert.match(error.message, /^GET http:\/\/127\.0\.0\.1:\d+\//);
  });
}

fails("ends the body early", "/truncates", "truncated", true);
fails("ends between two chunks", "/truncates-chunks", "truncated", true);
fails("ends within a chunk", "/truncates-in-chunk", "truncated", true);
fails("sends more than a part's range", "/part-sends-more", "tooLong", false, { range: TEN });
fails("contradicts its Content-Range", "/wrong-length", "badResponse", true, { range: TEN });
fails("sends another start", "/wrong-range-start", "badResponse", true, { range: TEN });
fails("sends another end", "/wrong-range-end", "badResponse", true, { range: TEN });
fails("sends no byte range", "/wrong-range-syntax", "badResponse", true, { range: TEN });
fails("sends a part unasked", "/part-unasked", "badResponse", true);
fails("refuses ranges", "/refuses-ranges", "rangeNotSupported", false, { range: TEN });
fails("has another ETag", "/changed-etag", "changed", true, { range: TEN, expected: V1 });
fails("has another size", "/changed-size", "changed", true, { range: TEN, expected: V1 });
fails("sends another whole file", "/changed-whole", "changed", true, { range: TEN, expected: V1 });
fails("sends another file from the start", "/changed-whole", "changed", true, { expected: V1 });
fails("has become shorter", "/changed-unsatisfiable", "changed", true, {
  range: TEN,
  expected: V1,
});
fails("has no such range", "/unsatisfiable", "rangeNotSupported", false, { range: TEN });
fails("stalls before its headers", "/stalls-at-once", "timeout", true, { responseTimeoutMs: 150 });
fails("stalls in its headers", "/stalls-in-headers", "timeout", true, { responseTimeoutMs: 150 });
fails("stalls in its body", "/stalls-in-body", "timeout", true, { idleTimeoutMs: 150 });
fails("compresses", "/gzip", "badResponse", false);
fails("redirects to itself", "/redirects-to-itself", "redirectLoop", false);
fails("redirects in a circle", "/redirects-in-a-circle", "redirectLoop", false);
fails("redirects for ever", "/redirects-forever", "redirectLoop", false);
fails("redirects to a local file", "/redirects-to-file", "insecure", false);
fails("redirects with credentials", "/redirects-with-user", "insecure", false);
fails("redirects nowhere", "/redirects-nowhere", "badResponse", false);
fails("closes at once", "/closes", "unreachable", true);
fails("asks who we are", "/status/401", "unauthenticated", false);
fails("forbids", "/status/403", "denied", false);
fails("has no such file", "/status/404", "notFound", false);
fails("has lost the file", "/status/410", "notFound", false);
fails("answers 405", "/status/405", "badResponse", false);
fails("answers 418", "/status/418", "badResponse", false);
fails("answers 204", "/status/204", "badResponse", false);
fails("answers 500", "/status/500", "serverError", true);
fails("answers 502", "/status/502", "serverError", true);
fails("answers 501", "/status/501", "serverError", false);
fails("stalls after its refusal", "/error-body-stalls", "notFound", false, { idleTimeoutMs: 150 });

hostile("a server that does not speak HTTP gives badResponse", async ({ source }) => {
  await failing(readRange(source("/garbage")), "badResponse");
});

hostile("two contradicting lengths give badResponse", async ({ source }) => {
  await failing(readRange(source("/two-lengths")), "badResponse");
});

hostile("endless response headers end with an error, not with the memory", async ({ source }) => {
  const before = ownBytes();
  await failing(readRange(source("/endless-headers")), "badResponse");
  assert(ownBytes() - before < 64 * 2 ** 20);
});

hostile("bytes after the announced end do not reach the file", async ({ source }) => {
  const bytes = await readRange(source("/sends-more"));
  assert.deepEqual(bytes, bytesOf(HOSTILE_FILE, 0, SIZE - 1));
});

hostile(
  "a server that ignores a range from the start is cut off at its end",
  async ({ source }) => {
    const bytes = await readRange(source("/refuses-ranges"), { start: 0, end: 100 });
    assert.deepEqual(bytes, bytesOf(HOSTILE_FILE, 0, 100));
  },
);

hostile("a slow server is no stalled one", async ({ source }) => {
  const bytes = await readRange(source("/drips"));
  assert.deepEqual(bytes, bytesOf(HOSTILE_FILE, 0, 10));
});

hostile("a body without a length is read to its end", async ({ source }) => {
  const reader = await source("/chunked").open(WHOLE, null, noAbort());
  assert.equal(reader.facts.fingerprint.size, null);
  const bytes = await drain(reader);
  assert.equal(new TextDecoder().decode(bytes), "hello");
  assert.equal((await reader.confirm()).size, 5);
});

hostile("a truncated reader fails again rather than end", async ({ source }) => {
  const reader = await source("/truncates").open(WHOLE, null, noAbort());
  await failing(drain(reader), "truncated");
  await failing(reader.read(new Uint8Array(10)), "truncated");
});

hostile("Retry-After is honoured, in seconds and as a date, within a bound", async ({ source }) => {
  const waitOf = async (path: string, code: string) =>
    (await failing(readRange(source(path)), code)).retryAfterMs;
  assert.equal(await waitOf("/busy-seconds", "rateLimited"), 7_000);
  assert.equal(await waitOf("/busy-date", "rateLimited"), 13_000);
  assert.equal(await waitOf("/busy-forever", "rateLimited"), 3_600_000);
  assert.equal(await waitOf("/maintenance", "serverError"), 3_000);
});

hostile("a redirect within the origin is followed", async ({ source }) => {
  const bytes = await readRange(source("/redirects-here"));
  assert.equal(bytes.length, SIZE);
});

hostile("an abort ends a stalled read at once", async ({ source }) => {
  const controller = new AbortController();
  const reader = await source("/stalls-in-body").open(WHOLE, null, controller.signal);
  const buffer = new Uint8Array(100);
  assert.equal(await reader.read(buffer), 10);
  const pending = failing(reader.read(buffer), "aborted");
  controller.abort(new Error("enough"));
  assert.equal((await pending).retryable, false);
  await reader.close();
});

hostile("an abort ends the wait for an answer", async ({ source, server }) => {
  const controller = new AbortController();
  const pending = failing(
    source("/stalls-at-once").open(WHOLE, null, controller.signal),
    "aborted",
  );
  controller.abort();
  await pending;
  assert(server.requests.length <= 1);
});

hostile("a signal that fired before sends nothing", async ({ source, server }) => {
  await failing(source("/honest").open(WHOLE, null, AbortSignal.abort()), "aborted");
  assert.equal(server.requests.length, 0);
});

hostile("closing a reader in the middle ends its read", async ({ source }) => {
  const reader = await source("/stalls-in-body").open(WHOLE, null, noAbort());
  await reader.read(new Uint8Array(100));
  const pending = failing(reader.read(new Uint8Array(100)), "aborted");
  await reader.close();
  await pending;
  await reader.close();
});

Deno.test("http: a refused connection gives unreachable", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await withSources(async (source) => {
    const error = await failing(readRange(source(`http://127.0.0.1:${port}/x`)), "unreachable");
    assert.equal(error.retryable, true);
  });
});
