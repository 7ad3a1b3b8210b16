/** Who is let in by the emulator, which checks signatures as the service does. */

import assert from "node:assert/strict";
import type { Credentials } from "../../../protocols/credentials.ts";
import {
  assertFails,
  fetched,
  NEVER,
  patterned,
  sinkOf,
  sourceOf,
} from "../../conformance/case.ts";
import { requirePrograms } from "../require.ts";
import { azuriteHarness } from "./harness.ts";
import { accountSignature } from "./rclone.ts";

const needs = requirePrograms(["azurite-blob"]);

Deno.test({
  name: "a wrong key and an expired signature are refused, a good signature reads and writes",
  ...needs,
  async fn() {
    const harness = await azuriteHarness();
    try {
      await harness.source!.put("f", patterned(1_000));
      const endpoint = harness.source!.endpoint!;
      const { account } = harness.azurite;
      const as = (auth: Credentials) => ({ ...harness.source!, endpoint: { ...endpoint, auth } });
      const wrong = as({ type: "sharedKey", account, accountKey: btoa("another key") });
      const source = sourceOf(harness, wrong, "f");
      const refused = ["unauthenticated", "denied"] as const;
      await assertFails(() => source.stat(NEVER), refused, "a wrong key");
      await assertFails(() => fetched(source), refused, "a wrong key");
      const token = accountSignature(harness.azurite);
      const expired = as({ type: "sas", token: accountSignature(harness.azurite, -60_000) });
      const late = sourceOf(harness, expired, "f");
      await assertFails(() => late.stat(NEVER), refused, "expired");
      const signed = as({ type: "sas", token });
      assert.deepEqual(await fetched(sourceOf(harness, signed, "f")), patterned(1_000));
      const sink = sinkOf(harness, { ...harness.sink!, endpoint: signed.endpoint }, "g");
      const file = await sink.create("t.part", NEVER);
      await file.write(patterned(10), 0);
      await sink.publish(file, { name: "g", replace: false, mtimeMs: null, mode: null });
      assert.deepEqual(await harness.sink!.published("g"), patterned(10));
    } finally {
      await harness.close();
    }
  },
});
