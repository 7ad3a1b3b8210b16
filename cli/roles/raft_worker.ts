/**
 * Raft's core and log of a controller in a Worker with links of its own, so that a busy event loop elects
 * nobody. All controllers of a cluster have it, or none.
 */

import { engineNodeId } from "../../runtime/raft/engine_messages.ts";
import type { WorkerEngineOptions } from "../../runtime/raft/group.ts";
import type { ControllerSettings } from "../config/roles.ts";
import { CliError } from "../exit.ts";
import type { Session } from "../session.ts";
import type { Certificates } from "./certificates.ts";
import { dialledControllers } from "./dials.ts";
import { linksOf } from "./node.ts";
import { keepLinks } from "./tls.ts";

const MODULE = new URL("../raft_worker.ts", import.meta.url);

/** What it takes of a controller's settings. */
export type RaftWorkerSettings =
  & Pick<
    ControllerSettings,
    | "node"
    | "controllers"
    | "join"
    | "raftWorker"
    | "raftListen"
    | "raftControllers"
    | "tls"
    | "token"
    | "allowPlain"
  >
  & { readonly limits: Pick<ControllerSettings["limits"], "remote"> };

/** The Worker for this controller; `null` where the settings name none. */
export async function raftWorker(
  session: Session,
  settings: RaftWorkerSettings,
  certificates: Certificates,
): Promise<WorkerEngineOptions | null> {
  const { node, raftWorker, raftListen, raftControllers, tls } = settings;
  if (!raftWorker || Object.keys(raftControllers).length === 0) return null;
  if (raftListen === undefined) {
    throw unusable(node, "raftControllers is set, raftListen is not; say where this one listens");
  }
  checkControllers(settings);
  const dials = dialledControllers(node, { ...settings, controllers: raftControllers });
  const peers = dials.map(({ node: id, url }) => ({ node: engineNodeId(id!), url }));
  const links = await linksOf(session, { ...settings, listen: raftListen, peers });
  const engine = { module: MODULE, links };
  if (tls === undefined) return engine;
  return {
    ...engine,
    follow: (secure) => {
      keepLinks(certificates, session.env, tls, { secure }, "Raft links");
      // They end with the node's others.
      return () => {};
    },
  };
}

function checkControllers({ node, controllers, raftControllers }: RaftWorkerSettings): void {
  const missing = Object.keys(controllers).filter((id) => !Object.hasOwn(raftControllers, id));
  if (missing.length === 0) return;
  throw unusable(node, `raftControllers lacks ${missing.join(", ")}; name every controller there`);
}

function unusable(node: string, why: string): CliError {
  return new CliError("invalidInput", `cannot start controller ${node}: ${why}`);
}
