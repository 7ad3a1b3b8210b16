/** Commands of a version that is not in force yet: they wait, unwritten, until every member can apply them. */

import type { Env } from "../env/env.ts";
import { RaftError } from "./errors.ts";
import type { KnownVersions } from "./machine_versions.ts";
import type { SessionCommand } from "./session_state.ts";

/** What they need of a member. */
export interface HeldCommandsParts<Command> {
  readonly timers: Env["timers"];
  readonly versions: Pick<KnownVersions<Command>, "first" | "neededBy">;
  /** How many may wait. */
  readonly limit: number;
  readonly inForce: () => number;
  /** Resolves when the state has changed. */
  readonly changed: () => Promise<void>;
}

interface Held {
  readonly version: number;
  settle(error: RaftError | null): void;
}

/** See the head of this file. */
export class HeldCommands<Command> {
  readonly #parts: HeldCommandsParts<Command>;
  readonly #held = new Set<Held>();
  #isWatching = false;
  #stopped: RaftError | null = null;

  constructor(parts: HeldCommandsParts<Command>) {
    this.#parts = parts;
  }

  /**
   * The command with its version, as it may be written: now, or when the version is in force. RaftError
   * `VersionHeld` or `Overloaded`: nothing was done.
   */
  ready(
    command: SessionCommand<Command>,
    withinMs: number,
  ): SessionCommand<Command> | Promise<SessionCommand<Command>> {
    const { versions, inForce } = this.#parts;
    const version = versions.neededBy(command);
    if (version === versions.first) return command;
    const written = { ...command, version };
    return version <= inForce() ? written : this.#wait(version, withinMs).then(() => written);
  }

  #wait(version: number, withinMs: number): Promise<void> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped);
    if (this.#held.size >= this.#parts.limit) return Promise.reject(tooMany(this.#held.size));
    return new Promise((resolve, reject) => {
      const held: Held = {
        version,
        settle: (error) => {
          timer.cancel();
          this.#held.delete(held);
          if (error === null) resolve();
          else reject(error);
        },
      };
      const timer = this.#parts.timers.after(
        withinMs,
        () => held.settle(isHeld(version, this.#parts.inForce(), withinMs)),
      );
      this.#held.add(held);
      void this.#watch();
    });
  }

  /** The member has stopped, or failed. */
  stop(error: RaftError): void {
    this.#stopped ??= error;
    for (const held of [...this.#held]) held.settle(error);
  }

  async #watch(): Promise<void> {
    if (this.#isWatching) return;
    this.#isWatching = true;
    while (this.#held.size > 0) {
      await this.#parts.changed();
      const inForce = this.#parts.inForce();
      for (const held of [...this.#held]) if (held.version <= inForce) held.settle(null);
    }
    this.#isWatching = false;
  }
}

function isHeld(version: number, inForce: number, withinMs: number): RaftError {
  return new RaftError(
    "VersionHeld",
    `propose a command of version ${version}: after ${withinMs} ms its group is at ${inForce} still, ` +
      "since some member runs an earlier program, or does not answer; nothing was done, upgrade it " +
      "or remove it",
    { retryable: true, definite: true },
  );
}

function tooMany(count: number): RaftError {
  return new RaftError(
    "Overloaded",
    `propose a command: ${count} wait for the members to be upgraded; nothing was done, try later`,
    { retryable: true, definite: true },
  );
}
