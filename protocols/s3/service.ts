/** What was learned of a service while it was used: the same for all who ask it. */

/** What one server keeps of the conditions of writes (RFC 9110, 13.1); `null`: nobody has tried. */
export interface Abilities {
  /** `If-None-Match: *` on PUT. */
  createsOnly: boolean | null;
  /** `If-Match` on PUT. */
  replacesOnly: boolean | null;
  /** Both when an upload is completed. */
  completesOnly: boolean | null;
  /** Bodies whose checksum is another one are refused. */
  checksSums: boolean | null;
  /** The CRC of an object of parts is that of its bytes (`FULL_OBJECT`). */
  sumsWholes: boolean | null;
}

/** What is known of a service at one moment; whoever learns more writes it here. */
export interface ServiceState {
  /** What has to be added to this machine's clock to have the server's. */
  clockOffsetMs: number;
  /** The time in the server's last refusal. */
  serverTimeMs: number | null;
  readonly abilities: Abilities;
  /** The trial that finds them out, while it is under way. */
  learning: Promise<void> | null;
}

/** Nothing is known yet, or, where it was declared, everything. */
export function freshService(conditional: boolean | null): ServiceState {
  return {
    clockOffsetMs: 0,
    serverTimeMs: null,
    abilities: {
      createsOnly: conditional,
      replacesOnly: conditional,
      completesOnly: conditional,
      checksSums: null,
      sumsWholes: null,
    },
    learning: null,
  };
}
