import { realEnv } from "../../../runtime/env/real.ts";
import { conformance } from "../../conformance/suite.ts";
import { fileHarness } from "./harness.ts";

conformance("file on the real disk", async () => {
  const directory = await Deno.makeTempDir();
  const env = realEnv();
  return {
    ...fileHarness(env, directory),
    close: async () => {
      env.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
});
