import assert from "node:assert/strict";
import { AssertionError } from "../../../runtime/base/assert.ts";
import { remoteLimits } from "../../../runtime/remote/limits.ts";

Deno.test("the limits of links agree with each other, and shrunk ones may too", () => {
  remoteLimits();
  remoteLimits({ targetWindowMessages: 1, messageWindowMessages: 1, messageWindowBytes: 1 });
});

Deno.test("limits that contradict each other are refused by name", () => {
  for (
    const [overrides, name] of [
      [{ packBytes: 2 ** 30 }, /packBytes is at most frameBytes/],
      [{ lowBytes: 512 * 1024 }, /something to drain/],
      [{ bulkQuantumBytes: 1 }, /frameBytes is at most bulkQuantumBytes/],
      [{ controlMessages: 100 }, /control lane/],
      [{ inboundBytes: 1 }, /windows/],
      [{ creditDelayMs: 0 }, /creditDelayMs/],
      [{ backoffMinMs: 10_000 }, /backoffMinMs is at most backoffMaxMs/],
    ] as const
  ) {
    assert.throws(
      () => remoteLimits(overrides),
      (error) => error instanceof AssertionError && name.test(error.message),
    );
  }
});
