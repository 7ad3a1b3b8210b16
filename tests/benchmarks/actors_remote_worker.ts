/** The Worker of `bench actors-remote`. */

import { startWorkerNode } from "../../mod.ts";
import { spawnAll } from "./actors_remote_actors.ts";

await startWorkerNode(spawnAll, { logLevel: "error" });
