/** What every benchmark reports, and how: one line per figure, medians, never a bare single run. */

import { cpus, totalmem } from "node:os";
import process from "node:process";

/** One figure. `values` are the runs; `null` says that a peer is missing, and `peer` which package. */
export interface Figure {
  readonly bench: string;
  readonly measure: string;
  /** `msg/s`, `MB/s`, `ratio`, `bytes`, `s` ... */
  readonly unit: string;
  readonly values: readonly number[] | null;
  /** `>=1.3`, `<=900`; left out where the figure is only shown. */
  readonly aim?: string;
  /** The package or program that would have to be installed. */
  readonly peer?: string;
}

/** A figure as it is printed. */
export interface Line {
  readonly bench: string;
  readonly measure: string;
  readonly unit: string;
  readonly value: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly runs: number;
  readonly aim: string | null;
  readonly ok: boolean | null;
  readonly peer?: string;
}

/** Takes a figure and prints it. */
export type Report = (figure: Figure) => void;

/** The middle value; of an even number the lower of the two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? NaN;
}

/** Whether a value reaches an aim such as `>=1.3`. */
export function reaches(value: number, aim: string): boolean {
  const match = /^(>=|<=|>|<)\s*([\d.]+)$/.exec(aim);
  if (match === null) throw new Error(`read aim "${aim}": expected >=, <=, > or < and a number`);
  const bound = Number(match[2]);
  switch (match[1]) {
    case ">=":
      return value >= bound;
    case "<=":
      return value <= bound;
    case ">":
      return value > bound;
    default:
      return value < bound;
  }
}

/** The line of a figure: the median of its runs, their spread, and whether the aim is reached. */
export function lineOf(figure: Figure): Line {
  const { bench, measure, unit, values, aim = null, peer } = figure;
  const rest = peer === undefined ? {} : { peer };
  if (values === null || values.length === 0) {
    return {
      bench,
      measure,
      unit,
      value: null,
      min: null,
      max: null,
      runs: 0,
      aim,
      ok: null,
      ...rest,
    };
  }
  const value = rounded(median(values));
  const [min, max] = [rounded(Math.min(...values)), rounded(Math.max(...values))];
  const ok = aim === null ? null : reaches(value, aim);
  return { bench, measure, unit, value, min, max, runs: values.length, aim, ok, ...rest };
}

/** The machine and the versions that the figures belong to. */
export function hardware(): Readonly<Record<string, unknown>> {
  const processors = cpus();
  return {
    hardware: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${Deno.build.os} ${Deno.osRelease()}`,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    date: new Date().toISOString(),
  };
}

/** A reporter that prints JSON lines, or rows of a table. */
export function reporter(asJson: boolean): Report {
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  if (asJson) {
    print(JSON.stringify(hardware()));
    return (figure) => print(JSON.stringify(lineOf(figure)));
  }
  print(Object.entries(hardware()).map(([name, value]) => `${name}: ${value}`).join("  "));
  print(row(["bench", "measure", "median", "min", "max", "unit", "runs", "aim", "ok"]));
  return (figure) => print(tableRow(lineOf(figure)));
}

/** Runs `body` `rounds` times with the contestants in turn, so that drift meets all of them alike. */
export async function alternate<Name extends string>(
  rounds: number,
  contestants: Readonly<Record<Name, () => Promise<number> | number>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contestants) as Name[];
  const values = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    number[]
  >;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) values[name].push(await contestants[name]());
  }
  return values;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

function shown(value: number | null): string {
  if (value === null) return "-";
  return value.toLocaleString("en-US", { maximumSignificantDigits: 4 });
}

function tableRow(line: Line): string {
  const ok = line.ok === null ? "" : line.ok ? "yes" : "NO";
  const value = line.value === null ? `missing: ${line.peer ?? "?"}` : shown(line.value);
  const cells = [line.bench, line.measure, value, shown(line.min), shown(line.max), line.unit];
  return row([...cells, String(line.runs), line.aim ?? "", ok]);
}

function row(cells: readonly string[]): string {
  const widths = [18, 28, 14, 14, 14, 8, 5, 12, 3];
  return cells.map((cell, index) =>
    index < 2 ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!)
  ).join(" ");
}
