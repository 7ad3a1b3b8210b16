/** The way of clients and operators into a cluster: through one of its gateways, to any controller. */

import {
  type Answer,
  Desk,
  DESK_PATH,
  type Principal,
  type Query,
  type WriteRequest,
  type Written,
} from "../../../actors/desk/messages.ts";
import type { Ref } from "../../../runtime/actor/ref.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { CONTROLLERS, GATEWAYS, type Machines } from "./cluster_jobs_machines.ts";

const ADMIN: Principal = { keyId: "admin", scope: "admin", tenants: null };
const TRY_MS = 3_000;
const PAUSE_MS = 200;
/** A client that was never answered in this time has found something. */
const TRIES = 300;

/** See the head of this file. */
export class Door {
  readonly #sim: Simulation;
  readonly #machines: Machines;
  #keys = 0;

  constructor(sim: Simulation, machines: Machines) {
    this.#sim = sim;
    this.#machines = machines;
  }

  /** A key that nobody has used. */
  key(): string {
    return `k${this.#keys += 1}`;
  }

  /** Asks until it is answered, as a client behind a gateway does: the same key each time. */
  async write(
    request: WriteRequest,
    key = this.key(),
    gateway: string = GATEWAYS[0]!,
  ): Promise<Written> {
    let last: Written | null = null;
    for (let turn = 0; turn < TRIES; turn++) {
      const controller = this.#controller(turn);
      const written = await this.#try(
        gateway,
        controller,
        (desk) => desk.ask("write", { key, principal: ADMIN, request }, { withinMs: TRY_MS }),
      );
      if (written !== null && (written.ok || !isPassing(written.code))) return written;
      last = written ?? last;
      await this.#pause();
    }
    throw new Error(`nobody did ${JSON.stringify(request)}: ${JSON.stringify(last)}`);
  }

  /** What a query finds, as fresh as can be. */
  async read(query: Query): Promise<Answer["found"]> {
    for (let turn = 0; turn < TRIES; turn++) {
      const controller = this.#controller(turn);
      const answer = await this.#try(
        GATEWAYS[turn % 2]!,
        controller,
        (desk) =>
          desk.ask("read", { consistency: "linearizable", principal: ADMIN, query }, {
            withinMs: TRY_MS,
          }),
      );
      if (answer !== null && !(answer.found.type === "none" && isPassing(answer.found.code))) {
        return answer.found;
      }
      await this.#pause();
    }
    throw new Error(`nobody has answered ${JSON.stringify(query)}`);
  }

  /** In a turn of the gateway's own process; null where nobody has answered. */
  #try<T>(
    gateway: string,
    controller: string,
    deed: (desk: Ref<typeof Desk>) => Promise<T>,
  ): Promise<T | null> {
    const node = this.#machines.door(gateway);
    if (node === null) return Promise.resolve(null);
    return new Promise((resolve) => {
      // A process that dies with the question never answers.
      this.#sim.world.schedule(2 * TRY_MS, "fault a client gives up", () => resolve(null));
      node.env.timers.soon(() => {
        deed(node.ref(Desk, `quorus://${controller}/${DESK_PATH}`)).then(
          resolve,
          () => resolve(null),
        );
      });
    });
  }

  /** Clients do not ask those of whom they know that they are gone. */
  #controller(turn: number): string {
    const there = CONTROLLERS.filter((name) => this.#machines.isThere(name));
    return there[turn % there.length]!;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) =>
      void this.#sim.world.schedule(PAUSE_MS, "fault a client asks again", resolve)
    );
  }
}

/** Nobody could tell, or nobody was there: worth another try under the same key. */
function isPassing(code: string): boolean {
  return code === "noQuorum" || code === "unknownOutcome" || code === "tooMany";
}
