/** The transfer protocol of Windows shares. */

import type { Endpoint, ProtocolContext, TransferProtocol } from "../contract.ts";
import { protocolLimits } from "../limits.ts";
import { reachOf } from "../reach.ts";
import { SessionPool } from "../sessions.ts";
import { SmbAccess, type SmbPools } from "./access.ts";
import { SMB_CREDENTIALS, SMB_OPTIONS, smbPlaceOf } from "./endpoint.ts";
import { DIRECTORY_CAPABILITIES, SmbDirectory } from "./entries.ts";
import { FileLimit, type SmbMachine } from "./program.ts";
import { SINK_CAPABILITIES, SmbSink } from "./sink.ts";
import { SmbSource, SOURCE_CAPABILITIES } from "./source.ts";

/** `smb:` URIs, as source, sink and directory, by Samba's `smbclient`; SMB 2 and 3. */
export function smbProtocol(machine: SmbMachine): TransferProtocol {
  let pools: SmbPools | null = null;
  const access = (endpoint: Endpoint, context: ProtocolContext): SmbAccess => {
    const { env } = context;
    pools ??= {
      sessions: new SessionPool(env.timers, {
        sessionsPerPlace: protocolLimits.smbSessionsPerUse,
      }),
      uploads: new SessionPool(env.timers, {
        sessionsPerPlace: protocolLimits.smbUploadsPerPlace,
      }),
      fileLimit: new FileLimit(),
    };
    return new SmbAccess(smbPlaceOf(endpoint), env, machine, reachOf(context), pools);
  };
  return {
    name: "smb",
    schemes: ["smb"],
    credentials: SMB_CREDENTIALS,
    description: {
      summary: "files of SMB shares (Windows, Samba), by Samba's smbclient",
      source: SOURCE_CAPABILITIES,
      sink: SINK_CAPABILITIES,
      directory: DIRECTORY_CAPABILITIES,
      options: SMB_OPTIONS,
    },
    source: (endpoint, context) => new SmbSource(access(endpoint, context)),
    sink: (endpoint, context) => new SmbSink(access(endpoint, context), endpoint),
    directory: (endpoint, context) => new SmbDirectory(access(endpoint, context)),
    close: async () => {
      await Promise.all([pools?.sessions.close(), pools?.uploads.close()]);
      pools = null;
    },
  };
}
