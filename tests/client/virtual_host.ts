/** What a client takes from its host, on virtual time. */

import type { HostOptions } from "../../client.ts";
import type { Env } from "../../runtime/env/env.ts";

/** Clock and timers of a simulated machine; UUIDs that are counted. */
export function virtualHost(env: Env): HostOptions {
  let uuids = 0;
  return {
    monotonic: () => env.clock.monotonic(),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const timer = env.timers.after(ms, resolve);
        signal.addEventListener("abort", () => {
          timer.cancel();
          resolve();
        }, { once: true });
      }),
    random: () => 1,
    uuid: () => `uuid-${uuids += 1}`,
  };
}
