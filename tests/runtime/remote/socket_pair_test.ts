import { realEnv } from "../../../runtime/env/real.ts";
import { socketSuite } from "../env/socket_suite.ts";
import { socketPair } from "./socket_pair.ts";

socketSuite("memory pair", async () => {
  const env = realEnv({ log: { write: () => {} } });
  return {
    pair: async (bounds) => socketPair(env, bounds),
    settle: (work) => work,
    close: async () => env.close(),
  };
});
