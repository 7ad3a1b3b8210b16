/** Where an agent stands as it knows itself: one table, and one value that its parts share. */

/** The states of the papers; `working` and `idle` are `active` with and without jobs. */
export type OwnStatus =
  | "initializing"
  | "registering"
  | "active"
  | "working"
  | "idle"
  | "unhealthy"
  | "draining"
  | "deregistered"
  | "failed";

/** What happens to it. */
export type OwnEvent =
  | "started"
  | "registered"
  /** The cluster does not know it: it has to register again. */
  | "unknown"
  | "worked"
  | "rested"
  /** Its own disk is full; never a bad file. */
  | "sickened"
  | "recovered"
  | "drained"
  | "left"
  /** It cannot go on: refused by the cluster, or its own store is lost. */
  | "broke";

const ACTIVE = {
  registered: "active",
  unknown: "registering",
  worked: "working",
  rested: "idle",
  sickened: "unhealthy",
  drained: "draining",
  broke: "failed",
} as const satisfies Partial<Record<OwnEvent, OwnStatus>>;

/** From which states an event leads where; what is not here changes nothing. */
export const OWN_TABLE: Readonly<
  Record<OwnStatus, Readonly<Partial<Record<OwnEvent, OwnStatus>>>>
> = {
  initializing: { started: "registering", broke: "failed" },
  registering: { registered: "active", drained: "draining", broke: "failed" },
  active: ACTIVE,
  working: ACTIVE,
  idle: ACTIVE,
  unhealthy: {
    registered: "unhealthy",
    unknown: "registering",
    recovered: "active",
    drained: "draining",
    broke: "failed",
  },
  draining: { registered: "draining", left: "deregistered", broke: "failed" },
  failed: { left: "deregistered" },
  deregistered: {},
};

/** The standing of one agent. */
export class Standing {
  #status: OwnStatus = "initializing";
  #why = "starting";

  get status(): OwnStatus {
    return this.#status;
  }

  /** Why it stands there, for people. */
  get why(): string {
    return this.#why;
  }

  /** Working or idle, where it is active. */
  follow(activeJobs: number): void {
    if (activeJobs > 0) this.happened("worked", `${activeJobs} transfers under way`);
    else this.happened("rested", "no jobs");
  }

  /** False if the event changes nothing in this state. */
  happened(event: OwnEvent, why: string): boolean {
    const next = OWN_TABLE[this.#status][event];
    if (next === undefined || next === this.#status) return false;
    this.#status = next;
    this.#why = why;
    return true;
  }
}
