/** One real controller in this process, and a gateway that serves it on loopback. */

import { type ControllerRole, startController } from "../../actors/tree.ts";
import { sha256Of } from "../../gateway/keys.ts";
import { type RunningGateway, startGateway, type StartOptions } from "../../gateway/start.ts";
import { realEnv } from "../../runtime/env/real.ts";
import { realHttpServing } from "../../runtime/env/real/http_server.ts";
import { startLinkedNode } from "../../runtime/remote/linked_node.ts";
import { KEYS, PLACES } from "./rig.ts";

/** A gateway that serves, and how it is asked as an administrator. */
export interface RealGateway {
  readonly gateway: RunningGateway;
  readonly role: ControllerRole;
  readonly authorization: { readonly authorization: string };
  stop(): Promise<void>;
}

/** Starts both; `options` are those of the gateway. */
export async function startRealGateway(
  options: Partial<StartOptions> = {},
): Promise<RealGateway> {
  const folder = await Deno.makeTempDir({ prefix: "quorus-gateway-" });
  const env = realEnv({ logLevel: "error" });
  const node = startLinkedNode(env, { id: "c1", links: {} });
  const sha256 = sha256Of(env.hash, KEYS.admin);
  const key = { id: "admin", sha256, scope: "admin", tenants: null, label: "", expiresMs: null };
  const role = await startController(node, {
    folder,
    controllers: [{ node: "c1" }],
    join: false,
    bootstrapKeys: [key as Parameters<typeof startController>[1]["bootstrapKeys"][number]],
  });
  const gateway = await startGateway(node, {
    serving: realHttpServing,
    hostname: "127.0.0.1",
    port: 0,
    controllers: () => ["c1"],
    places: PLACES,
    ...options,
  });
  const authorization = { authorization: `Bearer ${KEYS.admin}` };
  const ready = async () => {
    const response = await fetch(`${gateway.url}/readyz`, { headers: authorization });
    await response.body?.cancel();
    return response.status === 200;
  };
  while (!await ready()) await new Promise((resolve) => setTimeout(resolve, 50));
  return {
    gateway,
    role,
    authorization,
    stop: async () => {
      await gateway.stop();
      await node.stop({ withinMs: 2_000 });
      env.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
