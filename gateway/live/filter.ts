/** Which events a client wants, and may see: pure. */

import { EVENT_TYPES, type EventFacts } from "./cloud_event.ts";
import { LiveError } from "./errors.ts";
import type { LiveLimits } from "./limits.ts";

/** All that are given must hold; null: whatever it is. */
export interface LiveFilter {
  /** The tenants that the key may see; null: all, and the events of the cluster. */
  readonly allowed: ReadonlySet<string> | null;
  readonly tenants: ReadonlySet<string> | null;
  readonly runs: ReadonlySet<string> | null;
  readonly jobs: ReadonlySet<string> | null;
  readonly types: ReadonlySet<string> | null;
  /** By the label's name: one of the values; null: it is there. */
  readonly labels: ReadonlyMap<string, ReadonlySet<string> | null>;
}

/** The parameters of a stream. */
const PARAMETERS: ReadonlySet<string> = new Set([
  "tenant",
  "run",
  "job",
  "type",
  "label",
  "after",
]);

/**
 * The filter of a request: `tenant`, `run`, `job`, `type` and `label` (`NAME` or `NAME=VALUE`), each as
 * often as wanted; several values of one are alternatives. LiveError `invalidFilter`.
 */
export function filterOf(
  query: URLSearchParams,
  tenants: readonly string[] | null,
  limits: LiveLimits,
): LiveFilter {
  for (const name of query.keys()) {
    if (!PARAMETERS.has(name)) {
      throw invalid(name, `there is no parameter ${name}; use ${[...PARAMETERS].join(", ")}`);
    }
  }
  const values = (name: string) => valuesOf(query, name, limits);
  return {
    allowed: tenants === null ? null : new Set(tenants),
    tenants: values("tenant"),
    runs: values("run"),
    jobs: values("job"),
    types: typesOf(values("type")),
    labels: labelsOf(values("label")),
  };
}

/** Whether a client with this filter gets the event. */
export function wants(filter: LiveFilter, facts: EventFacts): boolean {
  const { allowed, tenants, runs, jobs, types, labels } = filter;
  if (allowed !== null && (facts.tenant === null || !allowed.has(facts.tenant))) return false;
  if (runs !== null && (facts.runId === null || !runs.has(facts.runId))) return false;
  if (jobs !== null && (facts.jobId === null || !jobs.has(facts.jobId))) return false;
  if (tenants !== null && (facts.tenant === null || !tenants.has(facts.tenant))) return false;
  if (types !== null && !types.has(facts.type)) return false;
  for (const [name, values] of labels) {
    const value = Object.hasOwn(facts.labels, name) ? facts.labels[name] : undefined;
    if (value === undefined || (values !== null && !values.has(value))) return false;
  }
  return true;
}

/** Equal for filters that want the same: their clients share one look at each event. */
export function filterKey(filter: LiveFilter): string {
  const list = (set: ReadonlySet<string> | null) => set === null ? null : [...set].sort();
  const { allowed, tenants, runs, jobs, types, labels } = filter;
  const byName = [...labels].map(([name, values]) => [name, list(values)] as const)
    .sort(([a], [b]) => a < b ? -1 : 1);
  return JSON.stringify([
    list(allowed),
    list(tenants),
    list(runs),
    list(jobs),
    list(types),
    byName,
  ]);
}

function valuesOf(
  query: URLSearchParams,
  name: string,
  limits: LiveLimits,
): ReadonlySet<string> | null {
  const values = query.getAll(name);
  if (values.length === 0) return null;
  if (values.length > limits.filterValues) {
    throw invalid(name, `${values.length} values, at most ${limits.filterValues} are taken`);
  }
  for (const value of values) {
    if (value === "") throw invalid(name, "it is empty; leave it out, or name something");
    if (value.length > limits.filterValueCharacters) {
      throw invalid(name, `longer than ${limits.filterValueCharacters} characters`);
    }
  }
  return new Set(values);
}

function typesOf(values: ReadonlySet<string> | null): ReadonlySet<string> | null {
  const known: ReadonlySet<string> = new Set(Object.values(EVENT_TYPES));
  for (const value of values ?? []) {
    if (!known.has(value)) {
      throw invalid("type", `there is no type ${value}; use ${[...known].join(", ")}`);
    }
  }
  return values;
}

function labelsOf(
  values: ReadonlySet<string> | null,
): ReadonlyMap<string, ReadonlySet<string> | null> {
  const labels = new Map<string, Set<string> | null>();
  for (const text of values ?? []) {
    const at = text.indexOf("=");
    const name = at < 0 ? text : text.slice(0, at);
    if (name === "") throw invalid("label", `${text} has no name; write NAME or NAME=VALUE`);
    const earlier = labels.get(name);
    if (at < 0) labels.set(name, null);
    else if (earlier !== null) labels.set(name, (earlier ?? new Set()).add(text.slice(at + 1)));
  }
  return labels;
}

function invalid(name: string, why: string): LiveError {
  return new LiveError("invalidFilter", `cannot follow events with this ${name}: ${why}`, {
    details: { pointer: name },
  });
}
