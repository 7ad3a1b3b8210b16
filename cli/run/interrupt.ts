/** Ctrl-C: the first one lets go in order, the second one ends at once. */

import { EXIT } from "../exit.ts";
import type { Process } from "../process.ts";

/** A wish to stop that may come at any time. */
export interface Interrupt {
  /** The signal that came, `null` so far. */
  readonly signal: string | null;
  /** Resolves when the first signal comes. */
  readonly requested: Promise<string>;
  /** What the second signal leaves behind in order, such as the terminal. */
  onExit(restore: () => void): void;
  /** Signals end the process again, as they do by default. */
  dispose(): void;
}

/** Takes SIGINT and SIGTERM over. */
export function takeInterrupts(process: Process): Interrupt {
  const requested = Promise.withResolvers<string>();
  let signal: string | null = null;
  let restore = () => {};
  const dispose = process.onInterrupt((name) => {
    if (signal === null) {
      signal = name;
      requested.resolve(name);
      return;
    }
    restore();
    process.exit(EXIT.interrupted);
  });
  return {
    get signal() {
      return signal;
    },
    requested: requested.promise,
    onExit: (callback) => restore = callback,
    dispose,
  };
}
