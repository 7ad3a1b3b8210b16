/** The bounds of the command line: what it reads and how much it shows. */

import { type LimitTable, limitValues } from "../runtime/base/limits.ts";

export const CLI_LIMITS = {
  workflowFileBytes: {
    unit: "bytes",
    value: 4 * 2 ** 20,
    why: "a workflow file is read whole; its parser refuses more",
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
  doctorTimeoutMs: {
    unit: "ms",
    value: 15_000,
    why: "what does not answer by then is unreachable",
  },
} as const satisfies LimitTable;

/** The defaults as plain numbers. */
export const cliLimits = limitValues(CLI_LIMITS);
