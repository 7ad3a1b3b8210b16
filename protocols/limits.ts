/** The bounds of the transfer protocols. */

import { type LimitTable, limitValues } from "../runtime/base/limits.ts";

/** Every timeout, queue and bound of this room. */
export const PROTOCOL_LIMITS = {
  httpResponseTimeoutMs: {
    unit: "ms",
    value: 30_000,
    why: "from the request to the response's headers, connecting included",
  },
  httpIdleTimeoutMs: {
    unit: "ms",
    value: 60_000,
    why: "between two reads of a body that bring bytes",
  },
  httpRedirectsMax: {
    unit: "count",
    value: 10,
    why: "a chain that is longer is a mistake of the server's configuration",
  },
  httpRetryAfterMaxMs: {
    unit: "ms",
    value: 3_600_000,
    why: "a server may not park a job for longer than an hour",
  },
  httpDrainMaxBytes: {
    unit: "bytes",
    value: 16_384,
    why: "a redirect's or an error's body up to here is read, to keep its connection",
  },
  httpHeaderMaxBytes: {
    unit: "bytes",
    value: 65_536,
    why: "header fields of one response or one declared request, names and values together",
  },
  httpConfirmAboveBytes: {
    unit: "bytes",
    value: 1_048_576,
    why: "a body above it may have changed while it was read: one HEAD looks again",
  },
  httpConfirmAboveMs: {
    unit: "ms",
    value: 1_000,
    why: "a body that took longer may have changed while it was read: one HEAD looks again",
  },
  nameBytesMax: {
    unit: "bytes",
    value: 255,
    why: "one segment of a path; NAME_MAX of Linux file systems",
  },
  pathBytesMax: {
    unit: "bytes",
    value: 4096,
    why: "a whole path with its terminating NUL; PATH_MAX of Linux",
  },
  sessionsPerPlace: {
    unit: "count",
    value: 4,
    why:
      "sessions open at once towards one host and user; OpenSSH lets ten in before it drops some",
  },
  sessionIdleMs: {
    unit: "ms",
    value: 30_000,
    why: "a session that nobody uses is ended; the next file of a batch comes sooner",
  },
  sftpPacketMaxBytes: {
    unit: "bytes",
    value: 1_048_576,
    why:
      "one packet of an SFTP server; OpenSSH sends 256 KiB at most, and nobody may fill the memory",
  },
  sftpIdleTimeoutMs: {
    unit: "ms",
    value: 60_000,
    why: "a server that is silent while something is asked is given up",
  },
  sftpConnectTimeoutMs: {
    unit: "ms",
    value: 30_000,
    why: "until a session is open: connection, key exchange, authentication",
  },
  sftpKnownHostsMaxBytes: {
    unit: "bytes",
    value: 4_194_304,
    why: "a known_hosts file that is larger is some other file",
  },
  sftpUsersPerSession: {
    unit: "count",
    value: 32,
    why: "files open at once on one session; OpenSSH allows some hundred handles a session",
  },
  sftpFullBelowBytes: {
    unit: "bytes",
    value: 1_048_576,
    why: "a failed write to a file system with less free space is told as a full disk",
  },
  sftpWindowBytes: {
    unit: "bytes",
    value: 4_194_304,
    why:
      "asked for ahead of one reader, or sent ahead of one writer's answers; 16 requests of 255 KiB",
  },
  listPageEntries: {
    unit: "count",
    value: 1_000,
    why: "names of a listing that are handed on at once; what an object store gives in one answer",
  },
  fileHashReadBytes: {
    unit: "bytes",
    value: 1_048_576,
    why:
      "the buffer that a local file is read back through; above what the disk reads synchronously",
  },
  memoryHistoryEventsMax: {
    unit: "count",
    value: 5_000_000,
    why: "events that one memory store remembers for the oracles; beyond it the run is stopped",
  },
  memoryIdleTimeoutMs: {
    unit: "ms",
    value: 60_000,
    why: "a silent memory source fails after this, as a silent server does",
  },
  limitedWaitersMax: {
    unit: "count",
    value: 100_000,
    why: "opens that wait for one of the concurrent places of a limited protocol",
  },
  limitedBurstMs: {
    unit: "ms",
    value: 100,
    why: "unused bandwidth that a limited protocol keeps for later, and the grain of its reads",
  },
} as const satisfies LimitTable;

/** The defaults as plain numbers. */
export const protocolLimits = limitValues(PROTOCOL_LIMITS);
