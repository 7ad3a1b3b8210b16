/**
 * The format of histories, version 1, frozen: one line of JSON for each operation, written by runs of
 * real processes and by simulations alike. Times are of one clock that all clients share, in ms
 * (`callMs`, `returnMs`) or ns (`callNs`, `returnNs`), one unit in a file. Equal times overlap, so a
 * clock that stands still hides mistakes: where turns are instantaneous, count events instead.
 */

import { z } from "zod";
import type { Operation } from "./model.ts";

const version = z.int().nonnegative();

/** A value that is not there is `null`, its version 0. A write gives its key the version of its log index. */
const resultSchema = z.strictObject({
  /** get: the value; add: the total. */
  value: z.json().optional(),
  /** Of the key after a write that took effect (delete: 0 or that of its log index), else as it was found. */
  version: version.optional(),
  /** cas, acquire, release: whether it was done; delete: whether there was something. */
  applied: z.boolean().optional(),
  /** list: all keys that begin with `key`. */
  entries: z.array(z.strictObject({
    key: z.string(),
    value: z.json(),
    version: version.optional(),
  })).optional(),
});

const lineSchema = z.strictObject({
  client: z.string().min(1),
  /** Unique within its client. */
  id: z.union([z.string().min(1), z.int()]),
  op: z.enum(["get", "put", "delete", "cas", "append", "list", "acquire", "release", "add"]),
  /** list: a prefix. */
  key: z.string(),
  value: z.json().optional(),
  /** cas: what must be there; version 0 or value null mean nothing. */
  expect: z.union([z.strictObject({ version }), z.strictObject({ value: z.json() })]).optional(),
  callMs: z.number().optional(),
  callNs: z.int().optional(),
  returnMs: z.number().nullable().optional(),
  returnNs: z.int().nullable().optional(),
  result: resultSchema.nullable(),
  /** `failed` is certain not to have been done, now or ever; a timeout is `unknown`. */
  outcome: z.enum(["ok", "failed", "unknown"]),
}).check(({ value: line, issues }) => {
  for (const message of contradictions(line)) {
    issues.push({ code: "custom", message, input: line });
  }
});

/** One line of a history. */
export type HistoryLine = z.infer<typeof lineSchema>;

/** What was asked, as the models see it. */
export type HistoryOp = Pick<HistoryLine, "client" | "op" | "key" | "value" | "expect">;

/** What was answered. */
export type HistoryResult = z.infer<typeof resultSchema>;

/** An operation of a history. */
export type HistoryOperation = Operation<HistoryOp, HistoryResult>;

function contradictions(line: {
  readonly callMs?: number | undefined;
  readonly callNs?: number | undefined;
  readonly returnMs?: number | null | undefined;
  readonly returnNs?: number | null | undefined;
  readonly result: unknown;
  readonly outcome: string;
  readonly op: string;
  readonly expect?: unknown;
}): string[] {
  const found: string[] = [];
  const isMs = line.callMs !== undefined;
  const callAt = line.callMs ?? line.callNs;
  const returnAt = isMs ? line.returnMs : line.returnNs;
  if (isMs === (line.callNs !== undefined)) found.push("one of callMs and callNs is needed");
  if ((isMs ? line.returnNs : line.returnMs) !== undefined) found.push("call and return: one unit");
  if (returnAt === undefined) found.push("the return (null if there was none) is missing");
  else if (returnAt !== null && returnAt < (callAt ?? 0)) found.push("it returned before its call");
  if (line.outcome === "ok" && typeof returnAt !== "number") found.push("ok, but never returned");
  if (line.outcome === "ok" && line.result === null) found.push("ok, but without a result");
  if (line.outcome !== "ok" && line.result !== null) found.push("a result, but not ok");
  if ((line.op === "cas") !== (line.expect !== undefined)) found.push("cas, and only it, expects");
  return found;
}

/** A line as it stands in a file, newline included. */
export function historyLine(line: HistoryLine): string {
  return `${JSON.stringify(line)}\n`;
}

/** The lines of a file; an Error that names the line if one is not of the format. */
export function parseHistory(text: string): readonly HistoryLine[] {
  const lines: HistoryLine[] = [];
  const ids = new Set<string>();
  for (const [index, each] of text.split("\n").entries()) {
    if (each.trim() === "") continue;
    const line = parseLine(each, index + 1);
    const id = JSON.stringify([line.client, line.id]);
    if (ids.has(id)) throw new Error(`read a history: line ${index + 1}: ${id} was used before`);
    ids.add(id);
    if ((line.callMs === undefined) !== ((lines[0] ?? line).callMs === undefined)) {
      throw new Error(`read a history: line ${index + 1}: another unit than in the first line`);
    }
    lines.push(line);
  }
  return lines;
}

function parseLine(text: string, number: number): HistoryLine {
  try {
    return lineSchema.parse(JSON.parse(text));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new Error(`read a history: line ${number} is not of the format: ${reason}`, { cause });
  }
}

/** When the operation was called. */
export function callAtOf(line: HistoryLine): number {
  return line.callMs ?? line.callNs ?? 0;
}

/** When it returned; Infinity unless its answer is known. */
export function returnAtOf(line: HistoryLine): number {
  if (line.outcome !== "ok") return Infinity;
  return line.returnMs ?? line.returnNs ?? Infinity;
}

/** What is to be judged: all but those that definitely failed. */
export function operationsOf(lines: readonly HistoryLine[]): readonly HistoryOperation[] {
  return lines.filter(({ outcome }) => outcome !== "failed").map((line) => ({
    client: line.client,
    id: String(line.id),
    op: line,
    callAt: callAtOf(line),
    returnAt: returnAtOf(line),
    result: line.result ?? undefined,
  }));
}
