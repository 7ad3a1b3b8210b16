/** The module of a member's Worker: its core and log, beside the thread that answers HTTP. */

import { startGroupWorker } from "@quorus/quorus";

await startGroupWorker({ logLevel: "warn" });
