/** The Worker of a controller: Raft's core, log and links. Started by `roles/raft_worker.ts`, ended by its node. */

import { realEnv } from "../runtime/env/real.ts";
import { serveGroupMember } from "../runtime/raft/engine_worker.ts";

const env = realEnv({ logLevel: "warn" });
try {
  await serveGroupMember(env);
} finally {
  env.close();
}
