/** What a process can learn of the machine it runs on. What the system does not give is null, never made up. */

/** What does not change while the process lives. */
export interface MachineFacts {
  readonly hostname: string | null;
  /** Processors that this process may use. */
  readonly cores: number;
  /** `x86_64`, `aarch64` ... */
  readonly architecture: string;
  /** Names of network interfaces; empty where the system does not tell them. */
  readonly interfaces: readonly string[];
}

/** How busy the machine is now. */
export interface MachineLoad {
  /** Of all processors, since the last look; null at the first one. */
  readonly cpuUsagePercent: number | null;
  /** Over 1, 5 and 15 minutes. */
  readonly loadAverage: readonly [number, number, number] | null;
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number } | null;
  /** Memory of this process. */
  readonly rssBytes: number;
}

/** The room of one file system. */
export interface DiskSpace {
  readonly totalBytes: number;
  /** Bytes that this user may still write. */
  readonly availableBytes: number;
}

/** The machine under a process. */
export interface HostMachine {
  facts(): MachineFacts;
  load(): MachineLoad;
  /** Of the file system that holds `path`; null where it cannot be told. */
  space(path: string): Promise<DiskSpace | null>;
}
