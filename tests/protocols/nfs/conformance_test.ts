import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { conformance } from "../../conformance/suite.ts";
import { mountHarness, mountLine, setMounts } from "./harness.ts";

conformance("nfs on the simulated disk", async () => {
  const env = simulatedEnv({ seed: 11 });
  await env.world.complete((async () => {
    await env.disk.makeDirectory("/mnt/x", { recursive: true });
    await setMounts(env, mountLine("/mnt/x"));
  })());
  return {
    ...mountHarness(env, "/mnt/x"),
    run: (body) => env.world.complete(body()),
    close: () => Promise.resolve(),
  };
});
