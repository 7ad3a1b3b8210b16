/** The module of the Workers of `raft_engine.ts`. */

import { startGroupWorker } from "../../mod.ts";

await startGroupWorker({ logLevel: "error" });
