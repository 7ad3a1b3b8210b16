/** A run as a text sequence diagram: a column for each machine, an arrow for each frame. Pure. */

import { limitValues } from "../base/limits.ts";
import { decodeFrame } from "../remote/frames.ts";
import { REMOTE_LIMITS } from "../remote/limits.ts";
import { SIMULATION_LIMITS } from "./simulation_limits.ts";
import type { Recorded, RecordedFrame } from "./simulation_recorder.ts";

const LIMITS = limitValues(SIMULATION_LIMITS);
const FRAME_LIMITS = limitValues(REMOTE_LIMITS);
const TIME_WIDTH = 14;
const LEAST_WIDTH = 12;

/** What a frame carries, in short: `message chat/say -> room, +2`; null for routine, such as a ping. */
export type Summary = (bytes: Uint8Array) => string | null;

/** The last of `recorded` as text, `rows` at most; frames that are routine are counted and left out. */
export function diagram(
  nodes: readonly string[],
  recorded: readonly Recorded[],
  options: { readonly rows?: number; readonly summary?: Summary } = {},
): string {
  const { rows = LIMITS.diagramEvents, summary = frameSummary } = options;
  const columns = new Columns(nodes);
  const body: string[] = [];
  let routine = 0;
  const newestFirst = [...recorded].sort((a, b) => timeOf(b) - timeOf(a));
  for (const one of newestFirst) {
    if (body.length >= rows) break;
    const text = one.kind === "mark" ? one.text : summary(one.bytes);
    if (text === null) routine += 1;
    else if (one.kind === "frame") body.push(arrow(columns, one, cut(text)));
    else body.push(mark(columns, one.atMs, one.node, cut(text)));
  }
  const left = routine === 0 ? [] : [`(frames with nothing but pings, left out: ${routine})`];
  return [columns.header(), ...body.reverse(), ...left].map((row) => row.trimEnd()).join("\n");
}

/** Frames stand where they arrived, those that never did where they left. */
function timeOf(one: Recorded): number {
  return one.kind === "mark" ? one.atMs : one.arrivedMs ?? one.sentMs;
}

/** Columns of equal width, each with a lifeline in its middle. */
class Columns {
  readonly #nodes: readonly string[];
  readonly #width: number;

  constructor(nodes: readonly string[]) {
    this.#nodes = nodes;
    this.#width = Math.max(LEAST_WIDTH, ...nodes.map((node) => node.length + 2));
  }

  header(): string {
    const names = this.#nodes.map((node) => {
      const left = Math.floor((this.#width - node.length) / 2);
      return (" ".repeat(left) + node).padEnd(this.#width);
    });
    return "ms".padStart(TIME_WIDTH - 2) + "  " + names.join("");
  }

  /** Where the lifeline of a node stands; undefined for a stranger. */
  middle(node: string): number | undefined {
    const index = this.#nodes.indexOf(node);
    return index < 0 ? undefined : index * this.#width + Math.floor(this.#width / 2);
  }

  lifelines(): string[] {
    const row: string[] = new Array(this.#width * this.#nodes.length).fill(" ");
    for (const node of this.#nodes) row[this.middle(node)!] = "|";
    return row;
  }
}

function arrow(columns: Columns, frame: RecordedFrame, text: string): string {
  const row = columns.lifelines();
  const from = columns.middle(frame.from);
  const to = columns.middle(frame.to);
  const isLost = frame.arrivedMs === null;
  if (from !== undefined && to !== undefined && from !== to) {
    const step = to > from ? 1 : -1;
    row[from] = "o";
    for (let at = from + step; at !== to - step; at += step) row[at] = "-";
    row[to - step] = isLost ? "x" : step > 0 ? ">" : "<";
  } else if (from !== undefined) row[from] = "o";
  const sent = isLost ? "never arrived" : `sent ${frame.sentMs.toFixed(3)}`;
  const atMs = frame.arrivedMs ?? frame.sentMs;
  return `${stamp(atMs)}${row.join("")} ${text} (${sent})`;
}

function mark(columns: Columns, atMs: number, node: string | null, text: string): string {
  const row = columns.lifelines();
  const at = node === null ? undefined : columns.middle(node);
  if (at !== undefined) row[at] = text.startsWith("crash") ? "X" : "*";
  else row.fill("=");
  return `${stamp(atMs)}${row.join("")} ${text}`;
}

function stamp(atMs: number): string {
  return `${atMs.toFixed(3).padStart(TIME_WIDTH - 2)}  `;
}

function cut(text: string): string {
  const most = LIMITS.textCharacters;
  return text.length <= most ? text : `${text.slice(0, most - 3)}...`;
}

const ROUTINE: ReadonlySet<unknown> = new Set(["ping", "pong"]);

/** Frames of links by their records, null for pings; what is none by its text, or its length. */
export function frameSummary(bytes: Uint8Array): string | null {
  try {
    const frame = decodeFrame(bytes, FRAME_LIMITS);
    if (frame.kind === "handshake") return `handshake ${JSON.stringify(frame.message)}`;
    if (frame.kind === "fragment") return `fragment of ${bytes.length} bytes`;
    const [first, ...others] = frame.records.filter((record) => !isRoutine(record));
    if (first === undefined) return null;
    const more = others.length === 0 ? "" : `, +${others.length}`;
    return `${frame.lane} ${recordSummary(first)}${more}`;
  } catch {
    return textSummary(bytes);
  }
}

function isRoutine(record: unknown): boolean {
  return typeof record === "object" && record !== null && "c" in record && ROUTINE.has(record.c);
}

function recordSummary(record: unknown): string {
  const fields = record as Readonly<Record<string, unknown>>;
  if (typeof fields["type"] === "string") {
    return `${fields["type"]} -> ${fields["to"]} ${JSON.stringify(fields["body"])}`;
  }
  if ("re" in fields) {
    return `reply to ${fields["re"]} ${JSON.stringify(fields["body"] ?? fields["error"])}`;
  }
  const { c, ...rest } = fields;
  return typeof c === "string" ? `${c} ${JSON.stringify(rest)}` : JSON.stringify(record);
}

function textSummary(bytes: Uint8Array): string {
  const shown = bytes.subarray(0, LIMITS.textCharacters + 1); // one more: then it is cut
  const isText = shown.every((byte) => byte >= 32 && byte < 127);
  return isText && bytes.length > 0 ? new TextDecoder().decode(shown) : `${bytes.length} bytes`;
}
