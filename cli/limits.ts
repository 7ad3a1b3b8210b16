/** The bounds of the command line: what it reads and how much it shows. */

import { type LimitTable, limitValues } from "../runtime/base/limits.ts";

export const CLI_LIMITS = {
  workflowFileBytes: {
    unit: "bytes",
    value: 4 * 2 ** 20,
    why: "a workflow file is read whole; its parser refuses more",
  },
  keyFileBytes: {
    unit: "bytes",
    value: 1_024,
    why: "a key of 32 bytes as text, and what an editor leaves around it",
  },
  valueFileBytes: {
    unit: "bytes",
    value: 2 ** 20,
    why: "a file of --vars, ${file:...} or a secret becomes text in memory",
  },
  configFileBytes: {
    unit: "bytes",
    value: 2 ** 20,
    why: "a configuration file is read whole",
  },
  certificateLookMs: {
    unit: "ms",
    value: 2_000,
    why: "how often a node looks whether its certificates have changed",
  },
  certificateSoonMs: {
    unit: "ms",
    value: 14 * 86_400_000,
    why: "a certificate that ends sooner is told of: two weeks are enough to issue another one",
  },
  clusterLagEntries: {
    unit: "count",
    value: 1_000,
    why: "a controller that lacks more has not caught up: the next node is not restarted yet",
  },
  certificateWarnMs: {
    unit: "ms",
    value: 86_400_000,
    why: "how often the log tells of a certificate that ends soon",
  },
  nodeStopMs: {
    unit: "ms",
    value: 2_000,
    why: "how long queued messages are still handled once the roles of a node have drained",
  },
  joinFrameBytes: {
    unit: "bytes",
    value: 65_536,
    why: "the longest word between a new node and the authority: some certificates as PEM",
  },
  joinLockMs: {
    unit: "ms",
    value: 5_000,
    why:
      "how long a change of the join tokens waits for another one: less than a joining node waits",
  },
  joinLockPauseMs: { unit: "ms", value: 20, why: "pause before the lock is tried again" },
  joinMs: {
    unit: "ms",
    value: 10_000,
    why: "how long a new node and the authority wait for each other",
  },
  joinVisitors: {
    unit: "count",
    value: 64,
    why: "new nodes at the authority's door at a time; the next one is sent away",
  },
  clusterNodes: {
    unit: "count",
    value: 64,
    why: "processes that cluster up starts: more belong on more machines",
  },
  clusterReadyMs: {
    unit: "ms",
    value: 90_000,
    why: "a node that cluster up has started and that is not ready by then has failed",
  },
  clusterLockMs: {
    unit: "ms",
    value: 15_000,
    why: "a process that was started takes its folder within this, or has ended",
  },
  clusterStopMs: {
    unit: "ms",
    value: 40_000,
    why: "a node that was told to end is killed after this: its drain and 10 s",
  },
  clusterGoneMs: {
    unit: "ms",
    value: 2_000,
    why: "how long a process that has freed its folder is waited for; it may stay on as a zombie",
  },
  clusterPollMs: {
    unit: "ms",
    value: 100,
    why: "how often a starting or ending node is looked at",
  },
  logTailBytes: { unit: "bytes", value: 4_096, why: "of a node's log, shown when it fails" },
  redrawMs: { unit: "ms", value: 100, why: "the live block is drawn at most this often" },
  reportRows: {
    unit: "count",
    value: 100,
    why: "rows of the table at the end; those that did not succeed come first",
  },
  plainLines: {
    unit: "count",
    value: 5_000,
    why: "lines about the changes of one run; more are counted, the report names failures",
  },
  startedTransfers: {
    unit: "count",
    value: 100,
    why: "runs of more transfers have no line for each begin, only for ends and trouble",
  },
  releaseMs: {
    unit: "ms",
    value: 10_000,
    why: "after Ctrl-C attempts have so long to keep their checkpoints",
  },
  remoteCallMs: {
    unit: "ms",
    value: 15_000,
    why: "a call to a gateway is repeated so long unless --timeout says otherwise: three elections",
  },
  listItems: {
    unit: "count",
    value: 500,
    why:
      "jobs or runs that get shows unless --limit says how many: their lists go on into the archive",
  },
  listItemsMost: {
    unit: "count",
    value: 1_000_000,
    why: "the most that --limit of get may ask for: all of them are held in memory, 1 KiB each",
  },
  logsQuietMs: {
    unit: "ms",
    value: 1_500,
    why: "logs without --follow ends once nothing was told for so long: what is kept comes at once",
  },
  doctorTimeoutMs: {
    unit: "ms",
    value: 15_000,
    why: "what does not answer by then is unreachable",
  },
} as const satisfies LimitTable;

/** The defaults as plain numbers. */
export const cliLimits = limitValues(CLI_LIMITS);
