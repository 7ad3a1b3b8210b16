/** The bounds of the transfer protocols. */

import { type LimitTable, limitValues } from "../runtime/base/limits.ts";
import { OBJECT_STORE_LIMITS } from "./limits_of_object_stores.ts";

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
  httpHoldBackBytes: {
    unit: "bytes",
    value: 65_536,
    why:
      "the end of an upload that waits for the grant; a file below it is one request of known size",
  },
  httpLoginsMax: {
    unit: "count",
    value: 256,
    why: "users at origins whose digest challenges are remembered; the oldest is asked again",
  },
  httpLoginFreshMs: {
    unit: "ms",
    value: 10_000,
    why:
      "a nonce that was taken so long ago may be stale: a body that is sent once only waits for a HEAD",
  },
  httpChallengesMax: {
    unit: "count",
    value: 3,
    why: "challenges that one request answers: the first, and nonces that came of age meanwhile",
  },
  httpCheckedPlaces: {
    unit: "count",
    value: 256,
    why: "directories of servers whose conditional writes were tried out; the oldest is forgotten",
  },
  davAnswerMaxCharacters: {
    unit: "count",
    value: 65_536,
    why:
      "what a server may say of one file; a name of 255 bytes and its properties take about 1,000",
  },
  davListEntriesMax: {
    unit: "count",
    value: 10_000_000,
    why: "names of one listing; a server that sends more never ends",
  },
  davListReadBytes: {
    unit: "bytes",
    value: 65_536,
    why: "the buffer that listings are read through",
  },
  davPieceBytes: {
    unit: "bytes",
    value: 4_194_304,
    why: "a part of a file that is sent with Content-Range, in memory until the server has it",
  },
  davDirectoriesMax: {
    unit: "count",
    value: 100,
    why: "directories above a destination that are made on the way to it",
  },
  tusPieceBytes: {
    unit: "bytes",
    value: 8_388_608,
    why:
      "what one PATCH carries, and is sent again when it was lost; two are in memory for each upload",
  },
  tusRetries: {
    unit: "count",
    value: 5,
    why: "times that a piece is sent again before the upload fails and the job decides",
  },
  tusRetryMs: {
    unit: "ms",
    value: 500,
    why: "before a piece is sent again; twice as long each time",
  },
  tusUploadsKnown: {
    unit: "count",
    value: 10_000,
    why: "addresses of uploads that a process remembers; the oldest is forgotten",
  },
  tusUploadsKeptMs: {
    unit: "ms",
    value: 604_800_000,
    why: "a file that names an upload is removed a week later: servers drop theirs sooner",
  },
  tusRecordMaxBytes: {
    unit: "bytes",
    value: 16_777_216,
    why: "the record of an upload; 200,000 pieces of 8 MiB, beyond which it begins anew",
  },
  tusServersKnown: {
    unit: "count",
    value: 256,
    why: "servers whose extensions are remembered; the oldest is asked again",
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
  reachNameMs: {
    unit: "ms",
    value: 30_000,
    why: "the addresses of a name are used for so long before it is resolved again",
  },
  reachNamesMax: {
    unit: "count",
    value: 1_000,
    why: "names whose addresses are remembered; the oldest goes first",
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
  sftpHashBytesPerMs: {
    unit: "bytes",
    value: 10_000,
    why: "what a server that hashes a file has to read in a millisecond; a slow disk does 10 MB/s",
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
  ...OBJECT_STORE_LIMITS,
  smbIdleTimeoutMs: {
    unit: "ms",
    value: 60_000,
    why: "an SMB server that is silent while something is asked of it is given up",
  },
  smbConnectTimeoutMs: {
    unit: "ms",
    value: 30_000,
    why: "until a share is open: connection, authentication, tree connect",
  },
  smbSessionsPerUse: {
    unit: "count",
    value: 4,
    why: "connections to one share for calls, and as many again that read; each is a process",
  },
  smbUploadsPerPlace: {
    unit: "count",
    value: 4,
    why: "large files sent to one share at once, each by a process of its own",
  },
  smbAnswerMaxBytes: {
    unit: "bytes",
    value: 65_536,
    why: "what smbclient says about one call, and one line of a listing; more is some other thing",
  },
  smbCommandMaxBytes: {
    unit: "bytes",
    value: 8_000,
    why: "one line to smbclient, which reads no more than 8,191 bytes as one (BUFSIZ of glibc)",
  },
  smbPathMaxUnits: {
    unit: "count",
    value: 1_024,
    why: "UTF-16 units of a path in a share; two of them fit into one command in UTF-8",
  },
  smbSpoolBytes: {
    unit: "bytes",
    value: 1_048_576,
    why: "a file up to here waits in memory and is sent over a session that is open already",
  },
  smbPairMs: {
    unit: "ms",
    value: 1_000,
    why: "a second line that smbclient does not look at by then is sent alone from there on",
  },
  smbConfirmAboveBytes: {
    unit: "bytes",
    value: 1_048_576,
    why: "a file above it may have changed while it was read: it is looked at once more",
  },
  smbConfirmAboveMs: {
    unit: "ms",
    value: 1_000,
    why: "a file that took longer may have changed while it was read: it is looked at once more",
  },
  smbRangeBytes: {
    unit: "bytes",
    value: 67_108_864,
    why:
      "of a file that is read from its middle, what lies on the local disk at once; sparse before it",
  },
  smbTailMs: {
    unit: "ms",
    value: 2_000,
    why: "bytes that smbclient says it has written and that have not come by then never will",
  },
  nfsCallTimeoutMs: {
    unit: "ms",
    value: 30_000,
    why: "a call to a mounted path that takes longer is given up: its server does not answer",
  },
  nfsCallsMax: {
    unit: "count",
    value: 8,
    why: "calls to one mount at once; Deno's pool has 32 threads for all files of the process",
  },
  nfsStuckCallsMax: {
    unit: "count",
    value: 4,
    why:
      "calls on one mount that do not return: each may hold a thread for ever, so no more are made",
  },
  nfsConnectionsMax: {
    unit: "count",
    value: 4,
    why: "connections to one server through a library; each does one call at a time, on a thread",
  },
  nfsFilesPerConnection: {
    unit: "count",
    value: 16,
    why: "files open on one connection; they take turns, and more would wait too long for theirs",
  },
  nfsReadBytes: {
    unit: "bytes",
    value: 1_048_576,
    why: "one read through a library; what servers give at most by default",
  },
  nfsProofMs: {
    unit: "ms",
    value: 1_000,
    why: "a path was found to be the mount it should be; opened files are compared with it anyway",
  },
  nfsMountInfoMaxBytes: {
    unit: "bytes",
    value: 4_194_304,
    why: "the kernel's list of mounts; a machine with more has tens of thousands",
  },
  ftpConnectTimeoutMs: {
    unit: "ms",
    value: 30_000,
    why: "until an FTP session is open: connection, greeting, TLS, login, what the server can do",
  },
  ftpReplyTimeoutMs: {
    unit: "ms",
    value: 30_000,
    why: "from a command to the last byte of its reply; it does not start anew with each byte",
  },
  ftpIdleTimeoutMs: {
    unit: "ms",
    value: 60_000,
    why: "a data connection on which nothing moves while somebody waits for it",
  },
  ftpAbortTimeoutMs: {
    unit: "ms",
    value: 2_000,
    why: "for the reply to a transfer that was broken off; without it the session is ended",
  },
  ftpHashTimeoutMs: {
    unit: "ms",
    value: 600_000,
    why: "a server that hashes a file says nothing until it has read all of it",
  },
  ftpKeepAliveMs: {
    unit: "ms",
    value: 20_000,
    why: "a session that is held and not used says NOOP; servers end silent ones after a minute",
  },
  ftpReplyMaxBytes: {
    unit: "bytes",
    value: 65_536,
    why: "one reply of an FTP server, all of its lines; a longer banner ends the session",
  },
  ftpPreliminaryMax: {
    unit: "count",
    value: 16,
    why: "replies that announce another one, to one command",
  },
  ftpSessions: {
    unit: "count",
    value: 4,
    why: "sessions that read, that write and that read back at once, each, for one host and user",
  },
  ftpSessionsMax: {
    unit: "count",
    value: 64,
    why: "sessions of any kind at once for one host and user, listings included",
  },
  ftpCallSessions: {
    unit: "count",
    value: 2,
    why: "sessions for short calls at once for one host and user",
  },
  ftpReceiveMaxBytes: {
    unit: "bytes",
    value: 1_048_576,
    why: "received of one connection and not read yet; above it nothing is taken off the network",
  },
  ftpListingLineMaxBytes: {
    unit: "bytes",
    value: 65_536,
    why: "one line of a listing; a name has 255 bytes at most",
  },
  ftpListingMaxBytes: {
    unit: "bytes",
    value: 1_073_741_824,
    why: "one listing: some million names, and a server that never ends is found out",
  },
  ftpServersMax: {
    unit: "count",
    value: 1_000,
    why: "servers whose features are remembered; the oldest ones are asked again",
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
  sftpCopyPieceBytes: {
    unit: "bytes",
    value: 67_108_864,
    why: "what a server copies by itself in one call: its session does nothing else meanwhile",
  },
  davCopyBytesPerSecond: {
    unit: "perSecond",
    value: 8_388_608,
    why: "a server that copies a file more slowly, beyond its response timeout, is given up",
  },
  memoryCopyPieceBytes: {
    unit: "bytes",
    value: 65_536,
    why: "what a memory store copies by itself in one call, unless a store says otherwise",
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
  throttleNames: {
    unit: "count",
    value: 10_000,
    why: "hosts, tenants and jobs whose debts are remembered though nobody of them reads any more",
  },
  decompressedFreeBytes: {
    unit: "bytes",
    value: 16_777_216,
    why: "what a compressed source may become before its ratio is looked at",
  },
  decompressedRatioMax: {
    unit: "count",
    value: 250,
    why:
      "plain bytes of each compressed one, unless source.decompress says more: beyond it is a bomb",
  },
  limitedBurstMs: {
    unit: "ms",
    value: 100,
    why: "unused bandwidth that a limited protocol keeps for later, and the grain of its reads",
  },
} as const satisfies LimitTable;

/** The defaults as plain numbers. */
export const protocolLimits = limitValues(PROTOCOL_LIMITS);
