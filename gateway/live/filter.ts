/** Which events a client wants, and may see: pure. */

import { EVENT_TYPES, type EventFacts } from "./cloud_event.ts";
import { gatewayLimits } from "../limits.ts";
import { Problem } from "../problem.ts";
import { labelSelector } from "../selector.ts";
import type { LiveLimits } from "./limits.ts";

interface LabelTerm {
  readonly name: string;
  readonly values: ReadonlySet<string> | null;
}

/** All that are given must hold; null: whatever it is. */
export interface LiveFilter {
  /** The tenants that the key may see; null: all, and the events of the cluster. */
  readonly allowed: ReadonlySet<string> | null;
  readonly tenants: ReadonlySet<string> | null;
  readonly runs: ReadonlySet<string> | null;
  readonly jobs: ReadonlySet<string> | null;
  readonly types: ReadonlySet<string> | null;
  /** One of the values; null: the label is there. */
  readonly labels: readonly LabelTerm[];
}

/** The parameters of a stream. */
const PARAMETERS: ReadonlySet<string> = new Set([
  "tenant",
  "run",
  "job",
  "type",
  "labels",
  "after",
]);

/**
 * The filter of a request: `tenant`, `run`, `job` and `type`, each as often as wanted, several values of
 * one being alternatives; `labels`, a selector as in lists. Problem `malformedRequest`.
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
    labels: labelSelector(query.get("labels") ?? undefined, gatewayLimits())
      .map(({ name, values }) => ({ name, values: values === null ? null : new Set(values) })),
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
  for (const { name, values } of labels) {
    const value = Object.hasOwn(facts.labels, name) ? facts.labels[name] : undefined;
    if (value === undefined || (values !== null && !values.has(value))) return false;
  }
  return true;
}

/** Equal for filters that want the same: their clients share one look at each event. */
export function filterKey(filter: LiveFilter): string {
  const list = (set: ReadonlySet<string> | null) => set === null ? null : [...set].sort();
  const { allowed, tenants, runs, jobs, types, labels } = filter;
  const terms = labels.map((term) => JSON.stringify([term.name, list(term.values)])).sort();
  return JSON.stringify([
    list(allowed),
    list(tenants),
    list(runs),
    list(jobs),
    list(types),
    terms,
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

function invalid(name: string, why: string): Problem {
  return new Problem("malformedRequest", `cannot follow events with this ${name}: ${why}`, {
    errors: [{ detail: why, parameter: name }],
  });
}
