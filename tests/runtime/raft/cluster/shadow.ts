/** What the checker knows of one member, from its outputs alone. */

import type { Configuration } from "../../../../runtime/raft/core/configuration.ts";
import type { Entry, MemberId } from "../../../../runtime/raft/core/entry.ts";
import type { Restored } from "../../../../runtime/raft/core/options.ts";
import type { Role } from "../../../../runtime/raft/core/outputs.ts";
import { LogShadow } from "./log_shadow.ts";

/** A configuration and where it stands in a log. */
export interface PlacedConfiguration {
  readonly index: number;
  readonly configuration: Configuration;
}

/** One incarnation of a member. */
export class Shadow {
  /** Everything it has ordered to be written, durable or not. */
  readonly log = new LogShadow();
  /** The configurations of `log`, the oldest first; never empty. */
  configurations: PlacedConfiguration[];
  role: Role = "follower";
  term: number;
  /** Term and vote that were ordered to be written last. */
  lastOrdered: { readonly term: number; readonly vote: MemberId | null };
  commit = 0;
  /** How far entries were handed to the machine. */
  handedOver: number;
  orders = 0;

  constructor(
    { hardState, snapshot, entries }: Restored,
    configurationOf: (entry: Entry) => Configuration,
  ) {
    this.term = hardState.term;
    this.lastOrdered = hardState;
    this.handedOver = snapshot.index;
    this.log.reset(snapshot);
    const { configuration, configurationIndex } = snapshot;
    this.configurations = [{ index: configurationIndex, configuration }];
    const first = entries[0];
    if (first === undefined) return;
    const covered = entries[snapshot.index - first.index];
    // A snapshot came whole and the member crashed before its log was reset.
    if (first.index <= snapshot.index && covered?.term !== snapshot.term) return;
    this.log.base = first.index - 1;
    if (this.log.base !== snapshot.index) this.log.baseTerm = 0;
    this.log.entries = entries.slice();
    for (const entry of entries) {
      if (entry.kind !== "config" || entry.index <= snapshot.index) continue;
      this.configurations.push({ index: entry.index, configuration: configurationOf(entry) });
    }
  }

  /** The configuration in force. */
  get configuration(): PlacedConfiguration {
    return this.configurations[this.configurations.length - 1]!;
  }

  /** The configuration in force, and the one that comes back if it is not committed. */
  get possibleConfigurations(): Configuration[] {
    const { configurations, configuration, commit } = this;
    const count = configuration.index > commit ? 2 : 1;
    return configurations.slice(-count).map((placed) => placed.configuration);
  }

  /** Forgets the configurations after `index`. */
  truncateConfigurations(index: number): void {
    const { configurations } = this;
    while (configurations.length > 1 && configurations[configurations.length - 1]!.index > index) {
      configurations.pop();
    }
  }
}
