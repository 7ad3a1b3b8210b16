import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { conformance } from "../../conformance/suite.ts";
import { fileHarness } from "./harness.ts";

conformance("file on the simulated disk", async () => {
  const env = simulatedEnv({ seed: 11 });
  await env.world.complete(env.disk.makeDirectory("/data"));
  return {
    ...fileHarness(env, "/data"),
    run: (body) => env.world.complete(body()),
    close: () => Promise.resolve(),
  };
});
