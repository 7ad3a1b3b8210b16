/**
 * The Prometheus text format, version 0.0.4, read as strictly as `promtool check metrics` does and a
 * little more: what Prometheus would drop or complain of is an error with its line.
 */

/** One line with a number. */
export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric: its head, and what stands below it. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: ReadSample[];
}

const HELP = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/;
const TYPE = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)/;
const NUMBER = /^(?:[+-]Inf|NaN|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;
/** Base units only, spelled out: promtool's lint. */
const BAD_UNITS = /_(?:milliseconds|seconds_total_total|minutes|hours|kilobytes|megabytes)(?:_|$)/;

/** The metrics of a text by name; throws with the line that is wrong. */
export function readExposition(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  let current: Family | null = null;
  let help: [string, string] | null = null;
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line has no end");
  for (const line of text.split("\n").slice(0, -1)) {
    const [helped, typed] = [HELP.exec(line), TYPE.exec(line)];
    if (helped !== null) help = [helped[1]!, helped[2]!];
    else if (typed !== null) {
      const [, name = "", type = ""] = typed;
      if (help?.[0] !== name) throw new Error(`no help before: ${line}`);
      if (families.has(name)) throw new Error(`told twice: ${line}`);
      current = { name, help: help[1], type, samples: [] };
      families.set(name, current);
    } else {
      if (current === null) throw new Error(`no head before: ${line}`);
      current.samples.push(sampleOf(line));
    }
  }
  for (const family of families.values()) check(family);
  return families;
}

function sampleOf(line: string): ReadSample {
  const match = SAMPLE.exec(line);
  if (match === null || !NUMBER.test(match[3]!)) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  for (let rest = match[2] ?? ""; rest !== "";) {
    const label = LABEL.exec(rest);
    if (label === null) throw new Error(`no label: ${rest} in ${line}`);
    if (Object.hasOwn(labels, label[1]!)) throw new Error(`a label twice: ${line}`);
    labels[label[1]!] = label[2]!;
    rest = rest.slice(label[0].length);
  }
  return { name: match[1]!, labels, value: Number(match[3]!.replace("Inf", "Infinity")) };
}

function check({ name, type, help, samples }: Family): void {
  if (!/^[A-Z1].*\.$/.test(help)) throw new Error(`${name}: its help is no sentence: ${help}`);
  if (BAD_UNITS.test(name)) throw new Error(`${name}: not in base units`);
  if ((type === "counter") !== name.endsWith("_total")) throw new Error(`${name}: ${type} by name`);
  if (type !== "histogram" && /_(?:bucket|count|sum)$/.test(name)) {
    // The names of the papers come first.
    if (name !== "raft_election_count_total") throw new Error(`${name}: reads like a histogram's`);
  }
  const seen = new Set<string>();
  for (const sample of samples) {
    const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
    if (seen.has(key)) throw new Error(`told twice: ${key}`);
    seen.add(key);
    const known = type === "histogram"
      ? [`${name}_bucket`, `${name}_sum`, `${name}_count`].includes(sample.name)
      : sample.name === name;
    if (!known) throw new Error(`${sample.name} stands below ${name}`);
    if (type === "counter" && !(sample.value >= 0)) throw new Error(`${name} is ${sample.value}`);
  }
  if (type === "histogram") checkHistogram(name, samples);
}

/** Buckets grow, the last one is that of everything, and is the count. */
function checkHistogram(name: string, samples: readonly ReadSample[]): void {
  const groups = Map.groupBy(samples, ({ labels }) => {
    const { le: _, ...rest } = labels;
    return JSON.stringify(Object.entries(rest).sort());
  });
  for (const [key, group] of groups) {
    const buckets = group.filter((sample) => sample.name.endsWith("_bucket"));
    const count = group.find((sample) => sample.name === `${name}_count`);
    const sum = group.find((sample) => sample.name === `${name}_sum`);
    if (count === undefined || sum === undefined) throw new Error(`${name}${key}: no sum or count`);
    let [le, value] = [-Infinity, 0];
    for (const bucket of buckets) {
      const bound = Number((bucket.labels["le"] ?? "").replace("Inf", "Infinity"));
      if (!(bound > le) || bucket.value < value) throw new Error(`${name}${key}: buckets`);
      [le, value] = [bound, bucket.value];
    }
    if (le !== Infinity || value !== count.value) throw new Error(`${name}${key}: no +Inf bucket`);
  }
}
