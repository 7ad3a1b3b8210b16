import { conformance } from "../../conformance/suite.ts";
import { startAzurite } from "../../servers/azurite.ts";
import { requirePrograms } from "../require.ts";
import { azuriteHarness, makeContainer } from "./harness.ts";

if (!requirePrograms(["azurite-blob"]).ignore) {
  // One emulator for all: it takes seconds to start. Each case has a folder of its own.
  const azurite = await startAzurite();
  await makeContainer(azurite);
  conformance("azurite", () => azuriteHarness(azurite));
  Deno.test.afterAll(() => azurite.close());
}
