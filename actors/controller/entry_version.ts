/** Which version of the controllers' machine a command needs: controllers of two versions may work together. */

import type { PlannedTransfer } from "../../workflows/plan.ts";
import type { JobEvent } from "../job/lifecycle.ts";
import type { Command, ENTRY_VERSION } from "./commands.ts";

/** With which every group of controllers has begun, and will for ever. */
export const FIRST_VERSION = 3;

/** By type, the version that brought a command, where it was not the first. */
const SINCE: Readonly<Partial<Record<Command["type"], LogVersion>>> = {
  startRun: 4,
  jobEvents: 4,
  noteCluster: 5,
  putLedger: 5,
  putRate: 5,
};

/** The version that brought runs that go on with what others have left. */
export const GOING_ON = 5;

/** The version that brought sets of files: earlier controllers would take them for single files. */
const SETS = 5;
const OF_SETS: ReadonlySet<JobEvent["type"]> = new Set(["files", "recall"]);

/** The version that brought relays: agents that say what they reach, and read for each other. */
export const RELAYS = 6;

/** Whether an event speaks of many files: it is as long as others are together. */
export function isOfMany({ type }: Pick<JobEvent, "type">): boolean {
  return OF_SETS.has(type);
}

/** Versions of what groups of controllers write. */
export type LogVersion = typeof FIRST_VERSION | 4 | 5 | typeof ENTRY_VERSION;

/** The version that brought commands of a type. */
export function versionOf(type: Command["type"]): LogVersion {
  return SINCE[type] ?? FIRST_VERSION;
}

/** The lowest version that can read the command: it is written as such, once that is in force. */
export function versionFor(command: Command): LogVersion {
  if (command.type === "createRuns" && command.runs.some(({ goesOn }) => goesOn === true)) {
    return GOING_ON;
  }
  if (speaksOfRelays(command)) return RELAYS;
  return speaksOfSets(command) ? SETS : versionOf(command.type);
}

function speaksOfRelays(command: Command): boolean {
  if (command.type === "assignJobs") {
    return command.assignments.some(({ reader }) => reader !== undefined);
  }
  if (command.type !== "agentEvent" || command.event.type !== "register") return false;
  const { reach, relay } = command.event.registration;
  return reach !== undefined || relay !== undefined;
}

function speaksOfSets(command: Command): boolean {
  switch (command.type) {
    case "jobEvent":
      return OF_SETS.has(command.event.type);
    case "jobEvents":
      return command.events.some(({ event }) => OF_SETS.has(event.type));
    case "createRun":
    case "startRun":
      return holdsSets(command.plan.transfers);
    case "createRuns":
      return command.runs.some(({ plan }) => holdsSets(plan.transfers));
    case "stageRun":
      return holdsSets(command.transfers);
    case "submitJobs":
      return command.jobs.some((job) => "spec" in job && job.spec.set !== undefined);
    default:
      return false;
  }
}

function holdsSets(transfers: readonly PlannedTransfer[]): boolean {
  // Frozen samples of old logs have transfers without a template.
  return transfers.some(({ template }) => template?.set !== undefined);
}
