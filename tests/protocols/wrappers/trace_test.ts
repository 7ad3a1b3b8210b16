import assert from "node:assert/strict";
import { type CallReport, redactedUri, traced } from "../../../protocols/wrappers/trace.ts";
import {
  assertFails,
  fetched,
  NEVER,
  patterned,
  sinkOf,
  sourceOf,
} from "../../conformance/case.ts";
import { memoryHarness } from "../memory/harness.ts";

Deno.test("redactedUri() drops user, password, query and fragment, and keeps the rest", () => {
  assert.equal(
    redactedUri("https://bob:s3cret@host:8443/a%20b/c?token=s3cret#s3cret"),
    "https://host:8443/a%20b/c",
  );
  assert.equal(redactedUri("https://a@s3cret@host/x"), "https://host/x");
  assert.equal(redactedUri("file:///data/a@b"), "file:///data/a@b");
  assert.equal(redactedUri("memory:/x"), "memory:/x");
  assert.equal(redactedUri("s3cret"), "(no URI)");
});

Deno.test("traced() reports each call with its duration, bytes and outcome", async () => {
  const inner = memoryHarness({ delayMs: () => [2, 3] });
  const reports: CallReport[] = [];
  const { env } = inner.context;
  const harness = { ...inner, protocol: traced(inner.protocol, env, (call) => reports.push(call)) };
  await harness.source!.put("a", patterned(100));
  await harness.run!(async () => {
    await fetched(sourceOf(harness, harness.source!, "a"));
    const absent = sourceOf(harness, harness.source!, "absent");
    await assertFails(() => absent.stat(NEVER), "notFound", "stat");
    const sink = sinkOf(harness, harness.sink!, "b");
    const file = await sink.create("t", NEVER);
    await file.write(patterned(40), 0);
    await sink.publish(file, { name: "b", replace: true, mtimeMs: null, mode: null });
  });
  const told = reports.map((r) => [r.side, r.operation, r.name, r.bytes, r.outcome]);
  assert.deepEqual(told, [
    ["source", "open", null, null, "ok"],
    ["source", "read", null, 100, "ok"],
    ["source", "read", null, 0, "ok"],
    ["source", "close", null, null, "ok"],
    ["source", "stat", null, null, "notFound"],
    ["sink", "create", "t", null, "ok"],
    ["sink", "write", "t", 40, "ok"],
    ["sink", "publish", "t", null, "ok"],
  ]);
  assert.ok(reports[0]!.durationMs >= 5 && reports[0]!.durationMs < 6);
  assert.equal(reports[0]!.target, "memory:///data/a");
  assert.equal(reports[0]!.protocol, "memory");
});
