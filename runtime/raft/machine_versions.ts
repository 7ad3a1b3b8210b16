/** The versions of a machine: which there are, which one a command needs, and how older ones are read. */

import { assert } from "../base/assert.ts";
import { RaftError } from "./errors.ts";
import type { Machine } from "./machine.ts";
import type { SessionCommand } from "./session_state.ts";

/** With which groups begin whose machine says nothing of versions. */
const FIRST = 1;

/** See the head of this file. */
export class KnownVersions<Command> {
  readonly first: number;
  readonly current: number;
  readonly #machine: Pick<Machine<never, Command, unknown>, "versions">;

  constructor(machine: Pick<Machine<never, Command, unknown>, "versions">) {
    const { first = FIRST, current = first } = machine.versions ?? {};
    for (const version of [first, current]) {
      assert(
        Number.isSafeInteger(version) && version >= 1,
        "a machine's version is a whole number",
      );
    }
    assert(first <= current, "a machine can apply the version with which its group began");
    this.first = first;
    this.current = current;
    this.#machine = machine;
  }

  /** The version that must be in force before the command may be written. */
  neededBy(command: SessionCommand<Command>): number {
    if (!("command" in command)) return this.first;
    const needed = this.#machine.versions?.of?.(command.command) ?? this.first;
    assert(needed >= this.first && needed <= this.current, "a command is one of a known version");
    return needed;
  }

  /** What `version` wrote as a command of this program. */
  decode(written: Command, version: number): Command {
    const decoders = this.#machine.versions?.decoders;
    if (decoders === undefined) return written;
    let command: unknown = written;
    for (let from = version; from < this.current; from += 1) {
      const decoder = decoders[from];
      if (decoder !== undefined) command = decoder(command);
    }
    return command as Command;
  }

  /** RaftError `MachineVersion` where this program cannot go on with what is in force. */
  check(version: number, doing: string): void {
    if (version <= this.current) return;
    throw new RaftError(
      "MachineVersion",
      `${doing}: its group is at version ${version} of its machine, this program knows ` +
        `${this.current}; the member stops as it was, run a version of the program that knows it`,
      { definite: true },
    );
  }
}
