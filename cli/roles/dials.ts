/** Whom a controller calls. */

import type { PeerAddress } from "../../runtime/remote/hub_options.ts";
import type { ControllerSettings } from "../config/roles.ts";
import { controllerAddresses } from "./node.ts";

/**
 * The controllers that this one dials: of two that know each other one is enough, so those of lower ids;
 * all of them where they may not know this one yet.
 */
export function dialledControllers(
  node: string,
  { controllers, join }: Pick<ControllerSettings, "controllers" | "join">,
): readonly PeerAddress[] {
  return controllerAddresses(controllers)
    .filter((other) => join ? other.node !== node : other.node < node);
}
