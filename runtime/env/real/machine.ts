/** The machine as Deno and the system tell it; without `--allow-sys` less is known. */

import { availableParallelism, cpus } from "node:os";
import { statfs } from "node:fs/promises";
import type { HostMachine, MachineFacts, MachineLoad } from "../machine.ts";

/** The machine of this process; each one remembers its own last look at the processors. */
export function realMachine(): HostMachine {
  let last: CpuTimes | null = null;
  return {
    facts,
    load: () => {
      const now = allowed(cpuTimes);
      const usage = last === null || now === null ? null : usagePercent(last, now);
      last = now;
      return { ...systemLoad(), cpuUsagePercent: usage };
    },
    space: async (path) => {
      try {
        const { bavail, blocks, bsize } = await statfs(path);
        return { totalBytes: blocks * bsize, availableBytes: bavail * bsize };
      } catch {
        // Not there, or not allowed: then nothing is known of it.
        return null;
      }
    },
  };
}

function facts(): MachineFacts {
  const interfaces = allowed(() => Deno.networkInterfaces().map(({ name }) => name)) ?? [];
  return {
    hostname: allowed(() => Deno.hostname()),
    cores: allowed(availableParallelism) ?? Math.max(1, navigator.hardwareConcurrency),
    architecture: Deno.build.arch,
    interfaces: [...new Set(interfaces)],
  };
}

function systemLoad(): Omit<MachineLoad, "cpuUsagePercent"> {
  const average = allowed(() => Deno.loadavg());
  const memory = allowed(() => Deno.systemMemoryInfo());
  const [one, five, fifteen] = average ?? [];
  return {
    loadAverage: one === undefined || five === undefined || fifteen === undefined
      ? null
      : [one, five, fifteen],
    memory: memory === null ? null : { totalBytes: memory.total, availableBytes: memory.available },
    rssBytes: Deno.memoryUsage().rss,
  };
}

interface CpuTimes {
  readonly idleMs: number;
  readonly allMs: number;
}

function cpuTimes(): CpuTimes {
  let [idleMs, allMs] = [0, 0];
  for (const { times } of cpus()) {
    idleMs += times.idle;
    allMs += times.user + times.nice + times.sys + times.idle + times.irq;
  }
  return { idleMs, allMs };
}

function usagePercent(before: CpuTimes, after: CpuTimes): number | null {
  const passedMs = after.allMs - before.allMs;
  if (passedMs <= 0) return null;
  const idle = (after.idleMs - before.idleMs) / passedMs;
  return Math.min(100, Math.max(0, (1 - idle) * 100));
}

/** Null where the process has no permission to know. */
function allowed<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return null;
    throw error;
  }
}
