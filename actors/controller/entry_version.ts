/** Which version of the controllers' machine a command needs: controllers of two versions may work together. */

import type { Command, ENTRY_VERSION } from "./commands.ts";

/** With which every group of controllers has begun, and will for ever. */
export const FIRST_VERSION = 3;

/** By type, the version that brought a command, where it was not the first. */
const SINCE: Readonly<Partial<Record<Command["type"], LogVersion>>> = {
  startRun: 4,
  jobEvents: 4,
};

/** Versions of what groups of controllers write. */
export type LogVersion = typeof FIRST_VERSION | typeof ENTRY_VERSION;

/** The version that brought commands of a type. */
export function versionOf(type: Command["type"]): LogVersion {
  return SINCE[type] ?? FIRST_VERSION;
}

/** The lowest version that can read the command: it is written as such, once that is in force. */
export function versionFor({ type }: Command): LogVersion {
  return versionOf(type);
}
