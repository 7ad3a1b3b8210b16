/**
 * What a member and the Worker with its core and log say to each other. Both are parts of one process and
 * of one version: nothing here is checked, or kept.
 */

import type { ErrorData } from "../base/errors.ts";
import type { ListenTls } from "../env/sockets.ts";
import type { HubOptions } from "../remote/hub_options.ts";
import type { SnapshotMeta } from "./core/entry.ts";
import type { Input, Proposal } from "./core/input.ts";
import type { RaftOptions } from "./core/options.ts";
import type { Answer, RaftEvent, ReadAnswer } from "./core/outputs.ts";
import type { RaftStatus } from "./core/status.ts";
import type { StoredSnapshot } from "./storage.ts";
import type { StoresOptions } from "./stores.ts";

/** How the Worker of a member links with those of the others. Plain data: it crosses to the Worker. */
export type EngineLinks = Omit<HubOptions, "detector" | "onQuarantined">;

/** What a Worker needs to know. */
export interface EnginePlan {
  readonly group: string;
  readonly stores: StoresOptions;
  readonly options: RaftOptions;
  readonly links: EngineLinks;
}

/** An error on its way between threads. */
export interface EngineError extends ErrorData {
  readonly name: string;
}

/** What the member's side tells of; messages of other members reach the Worker by itself. */
export type EngineInput = Extract<Input, { type: "change" | "read" | "transfer" | "applied" }>;

/** To the Worker. */
export type EngineOrder =
  | { readonly do: "open"; readonly plan: EnginePlan }
  | { readonly do: "start" }
  | { readonly do: "input"; readonly input: EngineInput }
  /** With the data of each, in order. */
  | { readonly do: "propose"; readonly proposals: readonly Omit<Proposal, "data">[] }
  | { readonly do: "snapshot"; readonly id: number; readonly index: number }
  /** With a piece of the snapshot that is being taken. */
  | { readonly do: "piece"; readonly id: number }
  | { readonly do: "pieces end"; readonly id: number; readonly error: EngineError | null }
  /** A piece of a snapshot that is being restored was taken: one more may come. */
  | { readonly do: "taken"; readonly id: number }
  /** Nobody wants the pieces of that restore. */
  | { readonly do: "drop"; readonly id: number }
  /** Other certificates, for new links. */
  | { readonly do: "secure"; readonly tls: ListenTls }
  /** The answer to each status: somebody is there. */
  | { readonly do: "beat" }
  | { readonly do: "stop" };

/** From the Worker. */
export type EngineReport =
  | { readonly say: "opened"; readonly status: RaftStatus }
  | { readonly say: "refused"; readonly error: EngineError }
  /** With one block of entries. */
  | { readonly say: "apply" }
  | { readonly say: "restore"; readonly id: number; readonly stored: StoredSnapshot }
  /** With a piece of the snapshot that is being restored. */
  | { readonly say: "piece"; readonly id: number }
  | { readonly say: "pieces end"; readonly id: number; readonly error: EngineError | null }
  /** A piece of the snapshot that is being taken was written: one more may come. */
  | { readonly say: "taken"; readonly id: number }
  | {
    readonly say: "snapshot";
    readonly id: number;
    readonly snapshot: SnapshotMeta | null;
    readonly error: EngineError | null;
  }
  | { readonly say: "answered"; readonly answer: Answer }
  | { readonly say: "read answered"; readonly answer: ReadAnswer }
  | { readonly say: "happened"; readonly event: RaftEvent }
  /** A request for a vote was sent or has come: the member counts them. */
  | { readonly say: "vote"; readonly way: "sent" | "received" }
  | { readonly say: "vote reply"; readonly granted: boolean }
  | { readonly say: "status"; readonly status: RaftStatus; readonly isDiskFull: boolean }
  | { readonly say: "failed"; readonly error: EngineError }
  | { readonly say: "stopped" };

const ENGINE = ".raft";

/** The id of the node that a member's Worker is: it links with those of the other members. */
export function engineNodeId(member: string): string {
  return `${member}${ENGINE}`;
}

/** Whether such an id is that of a Worker: nobody else is let in there. */
export function isEngineNodeId(node: string): boolean {
  return node.endsWith(ENGINE);
}
