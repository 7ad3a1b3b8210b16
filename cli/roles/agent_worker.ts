/** The module of an agent's Workers: protocols, secrets and log are made as those of its own thread are. */

import { z } from "zod";
import { serveAttempts } from "../../actors/agent/workers/serve.ts";
import { realEnv } from "../../runtime/env/real.ts";
import { reachFields, reachPolicyOf } from "../config/reach.ts";
import { nfsField, sharesOfSettings, smbFields } from "../config/shares.ts";
import { secretSources } from "../input/secrets.ts";
import { startLogging } from "../log/logging.ts";
import { loadPlugIns } from "../plug_ins.ts";
import { realProcess } from "../process.ts";
import { protocolsFor, s3Of } from "../protocols.ts";
import { LogRouter, usesColours } from "../session.ts";

/** What the agent tells each Worker. Secrets are looked up where they are used, so none is told. */
const own = z.object({
  node: z.string(),
  /** The directory of secrets, if there is one. */
  secrets: z.string().nullable(),
  /** Where relative references start. */
  directory: z.string(),
  /** Of the node: files on their way. */
  folder: z.string(),
  logLevel: z.enum(["debug", "info", "warn", "error"]),
  logFormat: z.enum(["auto", "json", "text"]),
  protocols: z.array(z.string()),
  reach: reachFields,
  nfs: nfsField,
  smb: smbFields,
  ssh: z.object({ knownHosts: z.string().nullable(), agentSocket: z.string().nullable() }),
});
export type WorkerSettings = z.infer<typeof own>;

/** The Worker itself brings its own parallelism: one more thread for the hashes of large files is enough. */
const HASH_THREADS = 1;

async function serve(): Promise<void> {
  const process = realProcess();
  const log = new LogRouter((level, message, facts) => {
    if (level === "error") process.err(`quorus: ${message} ${JSON.stringify(facts)}\n`);
  });
  const env = realEnv({ log, hashThreads: HASH_THREADS });
  await serveAttempts(env, async (given) => {
    const { node, secrets, directory, protocols, reach, ssh, ...settings } = own.parse(given);
    const shares = sharesOfSettings(settings, settings.folder);
    const isColoured = usesColours(process, process.errIsTerminal);
    const place = { process, clock: env.clock, usesColours: isColoured };
    const logging = startLogging(place, settings, { node, role: "agent" });
    log.route((level, message, facts) => logging.write(level, message, facts));
    return {
      protocols: protocolsFor(env, {
        ...{ maxRate: null, trace: false, ssh, shares },
        s3: s3Of(process),
        reach: reachPolicyOf(reach, directory),
        plugIns: await loadPlugIns(protocols, directory),
      }),
      secrets: secretSources({ disk: env.disk, process, secretsDirectory: secrets, directory }),
    };
  });
}

await serve();
