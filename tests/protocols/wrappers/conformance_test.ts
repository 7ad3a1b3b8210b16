import { limited } from "../../../protocols/wrappers/limit.ts";
import { traced } from "../../../protocols/wrappers/trace.ts";
import { conformance } from "../../conformance/suite.ts";
import { memoryHarness } from "../memory/harness.ts";

conformance("memory, traced and limited", () => {
  const harness = memoryHarness({});
  const { env } = harness.context;
  const bounds = { bytesPerSecond: 100_000_000, maxConcurrent: 8 };
  const protocol = traced(limited(harness.protocol, bounds, env), env, () => {});
  return Promise.resolve({ ...harness, protocol });
});
