/** Every bound of this room; a file beyond one of them is answered, never swallowed. */

import { type LimitTable, type LimitValues, limitValues } from "../runtime/base/limits.ts";

export const WORKFLOW_LIMITS = {
  fileBytes: {
    unit: "bytes",
    value: 4 * 2 ** 20,
    why: "a workflow file is read into memory whole",
  },
  lines: {
    unit: "count",
    value: 300_000,
    why: "the YAML lexer needs 2.6 us even for an empty line",
  },
  documents: { unit: "count", value: 100, why: "documents of one file, `---` between them" },
  nesting: { unit: "count", value: 32, why: "depth of maps and lists; the schema needs 7" },
  nodes: {
    unit: "count",
    value: 2_000_000,
    why: "values once aliases are followed: an alias bomb",
  },
  transfers: { unit: "count", value: 50_000, why: "transfers of one group" },
  dependencies: {
    unit: "count",
    value: 500_000,
    why: "dependsOn entries of one group, all together",
  },
  variables: { unit: "count", value: 1_000, why: "variables of one group" },
  expressionCharacters: { unit: "count", value: 1_024, why: "one ${...} expression" },
  expandedCharacters: { unit: "count", value: 65_536, why: "one text after variables were put in" },
  expandedParts: {
    unit: "count",
    value: 1_024,
    why: "parts of one text: variables that double each other",
  },
  conditionCharacters: { unit: "count", value: 4_096, why: "one condition" },
  conditionNodes: { unit: "count", value: 500, why: "syntax nodes of one condition" },
  conditionNesting: { unit: "count", value: 24, why: "parentheses and calls within each other" },
  conditionMacros: { unit: "count", value: 2, why: "all, exists, map, filter within each other" },
  conditionListElements: {
    unit: "count",
    value: 50,
    why: "elements of a list or map in a condition",
  },
  durationMs: { unit: "ms", value: 31_536_000_000, why: "timeouts and delays at most: 365 days" },
  leastPipelineBytes: { unit: "bytes", value: 4 * 2 ** 10, why: "chunkSize and window at least" },
  mostPipelineBytes: { unit: "bytes", value: 2 ** 30, why: "chunkSize and window at most" },
  concurrency: { unit: "count", value: 1_000, why: "transfers of one run at the same time" },
  defaultConcurrency: { unit: "count", value: 4, why: "maxConcurrency where none is declared" },
  globCharacters: { unit: "count", value: 1_024, why: "one glob of a set" },
  globAlternatives: { unit: "count", value: 64, why: "patterns that the braces of one glob make" },
  globs: { unit: "count", value: 100, why: "entries of include or exclude of one set" },
  concurrentFiles: { unit: "count", value: 256, why: "files of one set at the same time" },
  defaultConcurrentFiles: {
    unit: "count",
    value: 16,
    why: "concurrentFiles where none is declared: hides the round trips of small files",
  },
  stableObservations: { unit: "count", value: 10, why: "looks at one file before it is taken" },
  maxFailures: {
    unit: "count",
    value: 1_000,
    why: "files of a set that may fail before the rest is given up, where nothing is declared",
  },
  diagnostics: { unit: "count", value: 200, why: "findings reported per file" },
} as const satisfies LimitTable;

/** The numbers of {@link WORKFLOW_LIMITS}. */
export type WorkflowLimits = LimitValues<typeof WORKFLOW_LIMITS>;

/** The defaults as plain numbers. */
export const LIMITS: WorkflowLimits = limitValues(WORKFLOW_LIMITS);
