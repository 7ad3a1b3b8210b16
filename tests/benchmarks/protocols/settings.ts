/** What `bench protocols` is asked for. */

import { parseArgs } from "node:util";
import { parseBytes } from "../../../runtime/base/units.ts";

/** See the file's comment. */
export interface BenchSettings {
  /** Names of protocols; all of them if `null`. */
  readonly only: readonly string[] | null;
  readonly largeBytes: number;
  readonly smallFiles: number;
  /** Of the large file; the command is started once only. */
  readonly rounds: number;
  /** Of the small files, which are many by themselves. */
  readonly smallRounds: number;
  /** Rounds but the first begin before this moment (`performance.now`), so that the whole ends in time. */
  readonly roundsUntilMs: number;
  /** Who has failed at what, told in the end: the others go on. */
  readonly failures: string[];
  /** Where everything lies: memory, unless the disk is to be measured too. */
  readonly folder: string;
}

/** Of `--name value` or `--name=value`; throws where one is unknown or no number. */
export function settingsOf(args: readonly string[]): BenchSettings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      "only": { type: "string" },
      "large-bytes": { type: "string", default: "1GiB" },
      "small-files": { type: "string", default: "5000" },
      "rounds": { type: "string", default: "3" },
      "small-rounds": { type: "string", default: "1" },
      "minutes": { type: "string", default: "15" },
      "disk": { type: "boolean", default: false },
    },
  });
  return {
    only: values.only?.split(",") ?? null,
    largeBytes: positive("large-bytes", parseBytes(values["large-bytes"])),
    smallFiles: positive("small-files", Number(values["small-files"])),
    rounds: positive("rounds", Number(values.rounds)),
    smallRounds: positive("small-rounds", Number(values["small-rounds"])),
    roundsUntilMs: performance.now() + positive("minutes", Number(values.minutes)) * 60_000,
    failures: [],
    folder: values.disk ? "/var/tmp" : "/dev/shm",
  };
}

function positive(name: string, value: number | null): number {
  if (value !== null && Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`read --${name}: a number above 0 was expected`);
}
