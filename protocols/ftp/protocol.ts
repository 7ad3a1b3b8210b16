/** The transfer protocol of FTP servers. */

import type {
  Endpoint,
  ProtocolContext,
  ProtocolDescription,
  TransferProtocol,
} from "../contract.ts";
import { protocolLimits } from "../limits.ts";
import { reachOf } from "../reach.ts";
import { SessionPool } from "../sessions.ts";
import { FtpAccess, type FtpShared, KnownServers, Seats } from "./access.ts";
import { tcpDial } from "./dial.ts";
import { FTP_CREDENTIALS, FTP_OPTIONS, FTP_SCHEMES, ftpPlaceOf } from "./endpoint.ts";
import { DIRECTORY_CAPABILITIES, FtpDirectory } from "./entries.ts";
import type { Dial } from "./line.ts";
import { FtpSink, SINK_CAPABILITIES } from "./sink.ts";
import { FtpSource, SOURCE_CAPABILITIES } from "./source.ts";

const DESCRIPTION: ProtocolDescription = {
  summary: "files of FTP servers, in clear or by TLS",
  source: SOURCE_CAPABILITIES,
  sink: SINK_CAPABILITIES,
  directory: DIRECTORY_CAPABILITIES,
  options: FTP_OPTIONS,
};

/**
 * `ftp:` and `ftps:` URIs, as source, sink and directory. `dial` replaces the connections of this machine,
 * for servers that are reached otherwise.
 */
export function ftpProtocol(dial?: Dial): TransferProtocol {
  let shared: FtpShared | null = null;
  const access = (endpoint: Endpoint, context: ProtocolContext): FtpAccess => {
    const { env } = context;
    shared ??= {
      pool: new SessionPool(env.timers, { sessionsPerPlace: protocolLimits.ftpSessionsMax }),
      seats: new Seats(),
      servers: new KnownServers(),
    };
    const connect = dial ?? tcpDial(env);
    return new FtpAccess(ftpPlaceOf(endpoint), env, connect, reachOf(context), shared);
  };
  return {
    name: "ftp",
    schemes: FTP_SCHEMES,
    credentials: FTP_CREDENTIALS,
    description: DESCRIPTION,
    source: (endpoint, context) => new FtpSource(access(endpoint, context)),
    sink: (endpoint, context) => new FtpSink(access(endpoint, context), endpoint),
    directory: (endpoint, context) => new FtpDirectory(access(endpoint, context)),
    close: async () => {
      await shared?.pool.close();
      shared = null;
    },
  };
}
