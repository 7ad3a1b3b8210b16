/**
 * Metrics as text in the Prometheus exposition format, version 0.0.4.
 *
 * There is no registry: who has numbers makes metrics of them when asked, and one function writes them.
 */

import { QuorusError } from "../base/errors.ts";
import type { HistogramData } from "./histogram.ts";

/** The `content-type` of {@link prometheusText}. */
export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Label values by name; the same set of names for all samples of a metric reads best. */
export type Labels = Readonly<Record<string, string>>;

/** One number of a counter or gauge. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** One distribution of a histogram. */
export interface HistogramSample extends HistogramData {
  readonly labels?: Labels;
}

/** One metric: counters end in `_total`, units are seconds and bytes and stand in the name. */
export type Metric =
  & { readonly name: string; readonly help: string }
  & (
    | { readonly type: "counter" | "gauge"; readonly samples: readonly Sample[] }
    | { readonly type: "histogram"; readonly samples: readonly HistogramSample[] }
  );

/** A metric that Prometheus would not take. */
export class TelemetryError extends QuorusError<"BadMetric"> {
  override readonly name = "TelemetryError";
}

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * Writes metrics; those of the same name (from several nodes, say) share one head.
 *
 * @throws TelemetryError `BadMetric` for a name, label or type that Prometheus would refuse.
 */
export function prometheusText(metrics: readonly Metric[]): string {
  const byName = new Map<string, Metric[]>();
  for (const metric of metrics) {
    const known = byName.get(metric.name);
    if (known === undefined) byName.set(metric.name, [metric]);
    else known.push(metric);
  }
  let text = "";
  for (const same of byName.values()) text += family(same);
  return text;
}

function family(same: readonly Metric[]): string {
  const { name, help, type } = same[0]!;
  if (!METRIC_NAME.test(name)) throw bad(name, "letters, digits, _ and : only");
  if (same.some((metric) => metric.type !== type)) throw bad(name, "it has two types");
  if (type === "counter" && !name.endsWith("_total")) throw bad(name, "a counter ends in _total");
  let text = `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
  for (const metric of same) {
    if (metric.type === "histogram") {
      for (const sample of metric.samples) text += histogram(name, sample);
    } else {
      for (const { labels = {}, value } of metric.samples) text += line(name, labels, value);
    }
  }
  return text;
}

/** Buckets are cumulative on the wire. */
function histogram(name: string, { labels = {}, bounds, counts, sum }: HistogramSample): string {
  let text = "";
  let total = 0;
  for (const [index, count] of counts.entries()) {
    total += count;
    const le = index < bounds.length ? formatValue(bounds[index]!) : "+Inf";
    text += line(`${name}_bucket`, { ...labels, le }, total);
  }
  return text + line(`${name}_sum`, labels, sum) + line(`${name}_count`, labels, total);
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => {
    if (!LABEL_NAME.test(label)) throw bad(name, `label "${label}" is no name`);
    return `${label}="${escapeLabel(text)}"`;
  });
  const braces = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
  return `${name}${braces} ${formatValue(value)}\n`;
}

function formatValue(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}

function bad(name: string, reason: string): TelemetryError {
  return new TelemetryError("BadMetric", `write metric "${name}": ${reason}; rename it`);
}
