/** In some seeds the host of all sets refuses readers beyond a number, of each process that reads from it. */

import { ADAPTIVE_LIMITS } from "../../../actors/adaptive/limits.ts";
import type { TransferProtocol } from "../../../protocols/contract.ts";
import type { SimulatedEnv } from "../../../runtime/sim/env.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { CrowdedHost } from "../../actors/adaptive/crowded_host.ts";
import { pick } from "./remote_mesh.ts";

const LOOK_MS = ADAPTIVE_LIMITS.adaptMs.value;
/** Looks one after the other in which somebody may be refused: sets of one process share the host. */
const REFUSED_LOOKS = 12;

/** See the head of this file. */
export class CrowdedHosts {
  readonly #sim: Simulation;
  readonly #most: number | null;
  readonly #hosts: CrowdedHost[] = [];
  /** Refusals of each host that were looked at, and the stretch of looks that the last of them ends. */
  readonly #seen = new Map<CrowdedHost, Stretch>();

  constructor(sim: Simulation) {
    this.#sim = sim;
    // More than an agent has sets at a time: each of them needs one.
    this.#most = pick(sim.random("crowded host"), [null, 4, 6]);
    sim.invariant("a host that refuses is not asked for more for long", () => this.#look());
  }

  /** What a process reads with. */
  around(protocol: TransferProtocol, { clock }: SimulatedEnv): TransferProtocol {
    const most = this.#most;
    if (most === null) return protocol;
    const host = new CrowdedHost({ most: () => most, clock });
    this.#hosts.push(host);
    return host.around(protocol);
  }

  #look(): true | string {
    for (const host of this.#hosts) {
      const stretch = this.#seen.get(host) ?? { seen: 0, lastLook: -1, looks: 0 };
      this.#seen.set(host, stretch);
      for (; stretch.seen < host.refusedMs.length; stretch.seen++) {
        this.#sim.sometimes("a host refuses a set's file");
        const look = Math.floor(host.refusedMs[stretch.seen]! / LOOK_MS);
        if (look === stretch.lastLook) continue;
        stretch.looks = look === stretch.lastLook + 1 ? stretch.looks + 1 : 1;
        stretch.lastLook = look;
        if (stretch.looks > REFUSED_LOOKS) {
          return `refused in ${stretch.looks} looks one after the other`;
        }
      }
    }
    return true;
  }
}

interface Stretch {
  seen: number;
  lastLook: number;
  looks: number;
}
