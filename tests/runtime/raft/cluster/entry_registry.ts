/**
 * Every entry that a leader ever made, by index and term. As each knows the term before it, two logs
 * that are equal at an index are equal up to it if every single entry agrees with this record.
 */

import type { Configuration } from "../../../../runtime/raft/core/configuration.ts";
import type { Entry, MemberId } from "../../../../runtime/raft/core/entry.ts";
import { parsedConfiguration } from "./machine.ts";
import { holds } from "./violation.ts";

interface KnownEntry {
  readonly entry: Entry;
  readonly previousTerm: number;
  readonly configuration: Configuration | null;
}

function isSameData(left: Uint8Array, right: Uint8Array): boolean {
  if (left === right) return true;
  return left.length === right.length && left.every((byte, place) => byte === right[place]);
}

/** The record of entries. */
export class EntryRegistry {
  readonly #byIndex: KnownEntry[][] = [];

  #find(index: number, term: number): KnownEntry | undefined {
    const known = this.#byIndex[index];
    if (known === undefined) return undefined;
    for (const one of known) if (one.entry.term === term) return one;
    return undefined;
  }

  /** True if `entry` has been seen before, and then it is the same as before. */
  isKnown(id: MemberId, isWitness: boolean, entry: Entry, previousTerm: number): boolean {
    const known = this.#find(entry.index, entry.term);
    if (known === undefined) return false;
    const where = () => `${id} holds at ${entry.index}/t${entry.term}`;
    holds(known.previousTerm === previousTerm, "log matching", () => {
      return `${where()} after term ${previousTerm}, others after term ${known.previousTerm}`;
    });
    const { kind, data, stampMs } = known.entry;
    holds(entry.kind === kind && entry.stampMs === stampMs, "log matching", () => {
      return `${where()} ${entry.kind} of ${entry.stampMs}, others ${kind} of ${stampMs}`;
    });
    const isEmpty = isWitness && kind !== "config" && entry.data.length === 0;
    holds(isEmpty || isSameData(entry.data, data), "log matching", () => {
      return `${where()} ${entry.data.length} bytes that differ from ${data.length} of others`;
    });
    return true;
  }

  /** A leader has made `entry`. */
  add(id: MemberId, entry: Entry, previousTerm: number): void {
    const before = this.#find(entry.index - 1, previousTerm)?.entry;
    holds(before === undefined || entry.stampMs >= before.stampMs, "stamps never fall", () => {
      return `${id} stamps ${entry.index}/t${entry.term} with ${entry.stampMs}, ` +
        `${entry.index - 1}/t${previousTerm} has ${before!.stampMs}`;
    });
    const configuration = entry.kind === "config" ? parsedConfiguration(entry.data) : null;
    const known = { entry, previousTerm, configuration };
    const atIndex = this.#byIndex[entry.index];
    if (atIndex === undefined) this.#byIndex[entry.index] = [known];
    else atIndex.push(known);
  }

  /** The configuration that a known entry holds. */
  configurationOf(entry: Entry): Configuration {
    const known = this.#find(entry.index, entry.term);
    return known?.configuration ?? parsedConfiguration(entry.data);
  }
}
