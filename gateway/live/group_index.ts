/**
 * Which clients an event may concern. Clients with equal filters are one group, and a group is looked at
 * only for events that have a value its filter asks for: a thousand dashboards of single runs cost an
 * event of another run nothing.
 */

import type { EventFacts } from "./cloud_event.ts";
import { filterKey, type LiveFilter } from "./filter.ts";
import type { Subscriber } from "./subscriber.ts";

/** Clients that want the same. */
export interface Group {
  readonly filter: LiveFilter;
  readonly members: Set<Subscriber>;
}

const ANYTHING = "*";

/** See the file's comment. */
export class GroupIndex {
  readonly #groups = new Map<string, Group>();
  /** By a value that an event has to have. */
  readonly #byValue = new Map<string, Set<Group>>();

  /** All groups. */
  all(): Iterable<Group> {
    return this.#groups.values();
  }

  /** The groups that may want an event, each once. */
  *of(facts: EventFacts): Iterable<Group> {
    for (const value of valuesOf(facts)) yield* this.#byValue.get(value) ?? [];
  }

  add(subscriber: Subscriber): void {
    const key = filterKey(subscriber.filter);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { filter: subscriber.filter, members: new Set() };
      this.#groups.set(key, group);
      for (const value of anchorsOf(group.filter)) {
        const groups = this.#byValue.get(value) ?? new Set();
        this.#byValue.set(value, groups.add(group));
      }
    }
    group.members.add(subscriber);
  }

  remove(subscriber: Subscriber): void {
    const key = filterKey(subscriber.filter);
    const group = this.#groups.get(key);
    if (group === undefined || !group.members.delete(subscriber) || group.members.size > 0) return;
    this.#groups.delete(key);
    for (const value of anchorsOf(group.filter)) {
      const groups = this.#byValue.get(value);
      groups?.delete(group);
      if (groups?.size === 0) this.#byValue.delete(value);
    }
  }
}

/** Every event that the filter wants has exactly one of these: they are values of one field. */
function anchorsOf({ jobs, runs, labels, tenants, allowed }: LiveFilter): string[] {
  if (jobs !== null) return [...jobs].map((value) => `job ${value}`);
  if (runs !== null) return [...runs].map((value) => `run ${value}`);
  for (const { name, values } of labels) {
    if (values !== null) return [...values].map((value) => `label ${name} ${value}`);
  }
  const all = tenants ?? allowed;
  return all === null ? [ANYTHING] : [...all].map((value) => `tenant ${value}`);
}

function valuesOf({ jobId, runId, tenant, labels }: EventFacts): string[] {
  const values = [ANYTHING];
  if (jobId !== null) values.push(`job ${jobId}`);
  if (runId !== null) values.push(`run ${runId}`);
  if (tenant !== null) values.push(`tenant ${tenant}`);
  for (const [name, value] of Object.entries(labels)) values.push(`label ${name} ${value}`);
  return values;
}
