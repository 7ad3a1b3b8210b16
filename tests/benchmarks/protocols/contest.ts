/** What is measured: files to be copied from or to a server, and who copies them. */

import type { QuorusAgent } from "./quorus_agent.ts";
import type { BenchSettings } from "./settings.ts";

/** Files at a time of those who speak by sessions, and of those who speak HTTP. */
export const SESSIONS = 4;
export const REQUESTS = 16;

/** One direction of one set of files. */
export interface Work {
  readonly size: "large" | "small";
  readonly direction: "get" | "put";
  readonly names: readonly string[];
  /** A folder of this machine: where they are read or written. */
  readonly near: string;
  /** A folder of the server, by its name there. */
  readonly far: string;
}

/** The server's side, past the protocol that is measured. */
export interface Far {
  /** Has the files of a local folder in a folder of its own. */
  fill(near: string, far: string): Promise<void>;
  /** An empty folder. */
  make(far: string): Promise<void>;
  /** What is in a folder. */
  count(far: string): Promise<{ readonly files: number; readonly bytes: number }>;
  remove(far: string, size: Work["size"]): Promise<void>;
}

/** Who copies. */
export interface Contestant {
  copy(work: Work): Promise<void>;
  /** Of how many rounds it takes part in; in all unless told. */
  readonly rounds?: number;
  /** CPU time of processes that outlive a copy, in ms. */
  readonly cpuMs?: () => number;
}

/** By the name of a peer. */
export type Aims = Readonly<Record<string, string | null>>;

/** Everybody on one server. */
export interface Contest {
  readonly bench: string;
  readonly far: Far;
  readonly directions: readonly Work["direction"][];
  /** By name; {@link AGENT} and {@link COMMAND} are ours. */
  readonly contestants: Readonly<Record<string, Contestant>>;
  /** What ours is to be of theirs, by their names; `null` where it is only shown. */
  readonly aims: (size: Work["size"]) => Aims;
}

/** Ours in a process that has run before, as an agent of a cluster has. */
export const AGENT = "agent";
/** Ours as `quorus run`, with the start of its process. */
export const COMMAND = "command";

/** What a protocol's contests stand on. */
export interface Stand {
  readonly settings: BenchSettings;
  readonly agent: QuorusAgent;
  /** A folder of this protocol alone. */
  readonly folder: string;
}

/** A protocol as it is measured. */
export interface Ground {
  readonly name: string;
  /** What has to be installed. */
  readonly programs: readonly string[];
  /** Starts its servers, has every contest held, and stops them. */
  hold(stand: Stand, compete: (contest: Contest) => Promise<void>): Promise<void>;
}
