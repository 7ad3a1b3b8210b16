/** The simulated side of {@link HostMachine}: facts that are the same in every run. */

import type { HostMachine } from "../env/machine.ts";
import type { SimMachine } from "./machine.ts";

const CORES = 4;
const MEMORY_BYTES = 8 * 1_024 ** 3;
const RSS_BYTES = 100 * 1_024 ** 2;
/** The size of a disk without a bound. */
const DISK_BYTES = 1_024 ** 4;

/** Four idle cores, 8 GiB half free, and a disk of the machine's capacity. */
export function simHost(machine: SimMachine): HostMachine {
  return {
    facts: () => ({
      hostname: machine.name,
      cores: CORES,
      architecture: "simulated",
      interfaces: ["sim0"],
    }),
    load: () => ({
      cpuUsagePercent: 0,
      loadAverage: [0, 0, 0],
      memory: { totalBytes: MEMORY_BYTES, availableBytes: MEMORY_BYTES / 2 },
      rssBytes: RSS_BYTES,
    }),
    space: () => {
      const { capacityBytes } = machine.faults;
      const totalBytes = Number.isFinite(capacityBytes) ? capacityBytes : DISK_BYTES;
      const availableBytes = Math.max(0, totalBytes - machine.tree.usedBytes());
      return Promise.resolve({ totalBytes, availableBytes });
    },
  };
}
