/** The module of the Workers of these tests. It dies when it is told to, as a bug would have it die. */

import { realEnv } from "../../../../runtime/env/real.ts";
import { serveGroupMember } from "../../../../runtime/raft/engine_worker.ts";
import { DEATH_CHANNEL } from "./death_channel.ts";

const env = realEnv({ log: { write: () => {} } });
const channel = new BroadcastChannel(DEATH_CHANNEL);
channel.onmessage = ({ data }) => {
  if (data === env.workers.name) void Promise.reject(new Error("nobody handles this"));
};
await serveGroupMember(env);
channel.close();
env.close();
