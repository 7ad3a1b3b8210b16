/** What a shared suite runs against: an Env of one side, a directory of its own, a way to wait. */

import type { Env } from "../../../runtime/env/env.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";

export interface Subject {
  readonly env: Env;
  readonly directory: string;
  /** Waits for `work`, on whatever time the Env runs on. */
  readonly complete: <T>(work: Promise<T>) => Promise<T>;
  readonly symlink: (target: string, path: string) => void;
  readonly close: () => void;
}

export interface Side {
  readonly name: string;
  readonly open: () => Subject;
}

export const REAL: Side = {
  name: "real",
  open: () => {
    const env = realEnv({ log: { write: () => {} } });
    const directory = Deno.makeTempDirSync({ prefix: "quorus-env-" });
    return {
      env,
      directory,
      complete: (work) => work,
      symlink: (target, path) => Deno.symlinkSync(target, path),
      close: () => {
        env.close();
        Deno.removeSync(directory, { recursive: true });
      },
    };
  },
};

export const SIMULATED: Side = {
  name: "simulated",
  open: () => {
    const env = simulatedEnv({ seed: 1 });
    return {
      env,
      directory: "",
      complete: (work) => env.world.complete(work),
      symlink: (target, path) => env.machine.symlink(target, path),
      close: () => {},
    };
  },
};

/** Registers a test of a side. */
export function suiteTest(
  side: Side,
  name: string,
  body: (subject: Subject) => Promise<void>,
): void {
  Deno.test(`${side.name}: ${name}`, async () => {
    const subject = side.open();
    try {
      await subject.complete(body(subject));
    } finally {
      subject.close();
    }
  });
}
