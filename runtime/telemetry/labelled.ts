/** Metrics of many like things, each with its labels. */

import type { HistogramData } from "./histogram.ts";
import type { Labels, Metric, Sample } from "./prometheus.ts";

/** A thing that is measured, and its labels. */
export interface Labelled<T> {
  readonly labels: Labels;
  readonly of: T;
}

/** Reads one number; `null` where there is none. */
export type Reading<T> = (of: T) => number | null;

/** What is measured now, one sample for each of `all`. */
export function gauge<T>(
  name: string,
  help: string,
  all: readonly Labelled<T>[],
  read: Reading<T>,
): Metric {
  return { name, help, type: "gauge", samples: samples(all, read) };
}

/** What is counted; the name gets its `_total` here. */
export function counter<T>(
  name: string,
  help: string,
  all: readonly Labelled<T>[],
  read: Reading<T>,
): Metric {
  return { name: `${name}_total`, help, type: "counter", samples: samples(all, read) };
}

/** What is distributed: one distribution for each of `all`, in a unit that stands in the name. */
export function histogram<T>(
  name: string,
  help: string,
  all: readonly Labelled<T>[],
  read: (of: T) => HistogramData,
): Metric {
  const samples = all.map(({ labels, of }) => ({ labels, ...read(of) }));
  return { name, help, type: "histogram", samples };
}

function samples<T>(all: readonly Labelled<T>[], read: Reading<T>): Sample[] {
  return all.flatMap(({ labels, of }) => {
    const value = read(of);
    return value === null ? [] : [{ labels, value }];
  });
}
