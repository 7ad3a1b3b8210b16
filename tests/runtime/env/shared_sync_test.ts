import assert from "node:assert/strict";
import { SharedSync } from "../../../runtime/env/real/shared_sync.ts";

/** Syncs that end when they are told to. */
function manual() {
  const begun: { path: string; end: PromiseWithResolvers<void> }[] = [];
  const shared = new SharedSync((path) => {
    const end = Promise.withResolvers<void>();
    begun.push({ path, end });
    return end.promise;
  });
  return { begun, shared };
}

Deno.test("SharedSync serves all who came during a sync by one that begins after them", async () => {
  const { begun, shared } = manual();
  const first = shared.run("/a");
  const late = [shared.run("/a"), shared.run("/a"), shared.run("/a")];
  assert.equal(begun.length, 1);
  begun[0]!.end.resolve();
  await first;
  await Promise.resolve();
  assert.equal(begun.length, 2);
  begun[1]!.end.resolve();
  await Promise.all(late);
  const again = shared.run("/a");
  assert.equal(begun.length, 3);
  begun[2]!.end.resolve();
  await again;
});

Deno.test("SharedSync fails those whose own sync failed, and no others", async () => {
  const { begun, shared } = manual();
  const first = shared.run("/a");
  const second = shared.run("/a");
  begun[0]!.end.reject(new Error("no"));
  await assert.rejects(first, /no/);
  await Promise.resolve();
  begun[1]!.end.resolve();
  await second;
});

Deno.test("SharedSync keeps directories apart", async () => {
  const { begun, shared } = manual();
  const both = [shared.run("/a"), shared.run("/b")];
  assert.deepEqual(begun.map((one) => one.path), ["/a", "/b"]);
  for (const { end } of begun) end.resolve();
  await Promise.all(both);
});
