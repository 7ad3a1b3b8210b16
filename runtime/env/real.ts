/**
 * The real side of Env: this file and its folder are the only place that touches `Deno.*`, clocks,
 * timers, random numbers, sockets and Workers.
 */

import { errorData } from "../base/errors.ts";
import type { Env, LogLevel, LogPort } from "./env.ts";
import { realClock, realRandom, RealTimers } from "./real/clock.ts";
import { realCodecs } from "./real/codecs.ts";
import { realDisk } from "./real/disk.ts";
import { realHashing } from "./real/hash.ts";
import { HashPool } from "./real/hash_pool.ts";
import { realKv } from "./real/kv.ts";
import { stderrLog } from "./real/log.ts";
import { realTracing } from "./real/tracing.ts";
import { realMachine } from "./real/machine.ts";
import { realPrograms } from "./real/programs.ts";
import { realNet } from "./real/net.ts";
import { realSockets } from "./real/sockets.ts";
import { onUnhandledRejection } from "./real/unhandled.ts";
import { RealWorkers } from "./real/workers.ts";

/** How a real Env logs: to `log`, or to standard error from `logLevel` (default `info`) on. */
export interface RealEnvOptions {
  readonly log?: LogPort;
  readonly logLevel?: LogLevel;
  /** Threads that hash large files, started when the first one comes; two unless given. */
  readonly hashThreads?: number;
  /**
   * Ends the node, and with it the process, when a promise was rejected and nobody handled it; the
   * reason has been logged. Without it Deno ends the process with status 1.
   */
  readonly onUnhandled?: (reason: unknown) => void;
}

/** An Env on this machine; `close` ends its hash workers, idle connections and pending turns. */
export function realEnv(options: RealEnvOptions = {}): Env & { close(): void } {
  const pool = new HashPool(options.hashThreads ?? 2);
  const net = realNet();
  const timers = new RealTimers();
  const log = options.log ?? stderrLog(options.logLevel ?? "info");
  const tracing = realTracing();
  const { onUnhandled } = options;
  const stopWatching = onUnhandled === undefined ? () => {} : onUnhandledRejection((reason) => {
    log.write("error", "nobody handled a rejection: the node ends", { error: errorData(reason) });
    onUnhandled(reason);
    return true;
  });
  return {
    clock: realClock,
    timers,
    random: realRandom,
    disk: realDisk,
    kv: realKv(realDisk),
    hash: realHashing(pool),
    codecs: realCodecs,
    net,
    sockets: realSockets,
    workers: new RealWorkers(log),
    host: realMachine(),
    programs: realPrograms,
    log,
    ...(tracing === null ? {} : { tracing }),
    close: () => {
      stopWatching();
      pool.close();
      net.close();
      timers.close();
    },
  };
}
