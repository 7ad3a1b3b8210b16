/** The transfer protocol of SSH servers. */

import type { Endpoint, ProtocolContext, TransferProtocol } from "../contract.ts";
import { protocolLimits } from "../limits.ts";
import { SessionPool } from "../sessions.ts";
import { type Carrier, SftpAccess } from "./access.ts";
import { type SftpMachine, sshCarrier } from "./carrier.ts";
import { SFTP_CREDENTIALS, SFTP_OPTIONS, sftpPlaceOf } from "./endpoint.ts";
import { DIRECTORY_CAPABILITIES, SftpDirectory } from "./entries.ts";
import type { SftpSession } from "./session.ts";
import { SftpSink, sinkCapabilities } from "./sink.ts";
import { SftpSource, SOURCE_CAPABILITIES } from "./source.ts";

/**
 * `sftp:` URIs, as source, sink and directory; version 3 of the protocol, with OpenSSH's extensions.
 * `carrier` replaces SSH, for servers that are reached otherwise.
 */
export function sftpProtocol(machine: SftpMachine, carrier?: Carrier): TransferProtocol {
  let pool: SessionPool<SftpSession> | null = null;
  const access = (endpoint: Endpoint, context: ProtocolContext): SftpAccess => {
    const { env } = context;
    pool ??= new SessionPool(env.timers, { usersPerSession: protocolLimits.sftpUsersPerSession });
    const carried = carrier ?? sshCarrier(context, machine);
    return new SftpAccess(sftpPlaceOf(endpoint), env, carried, pool);
  };
  return {
    name: "sftp",
    schemes: ["sftp"],
    credentials: SFTP_CREDENTIALS,
    description: {
      summary: "files of SSH servers",
      source: SOURCE_CAPABILITIES,
      sink: sinkCapabilities({ sync: true }),
      directory: DIRECTORY_CAPABILITIES,
      options: SFTP_OPTIONS,
    },
    source: (endpoint, context) => new SftpSource(access(endpoint, context)),
    sink: (endpoint, context) =>
      new SftpSink(access(endpoint, context), endpoint, (source) => access(source, context)),
    directory: (endpoint, context) => new SftpDirectory(access(endpoint, context)),
    close: async () => {
      await pool?.close();
      pool = null;
    },
  };
}
