/** A gateway with a cluster of paper behind it: real HTTP, real routes and feed, controllers that are told. */

import { createHash } from "node:crypto";
import type {
  Answer,
  ChangeCheck,
  ClusterView,
  GroupChange,
  Principal,
  Query,
  WriteRequest,
} from "../../actors/desk/messages.ts";
import { gatewayApp } from "../../gateway/app.ts";
import type { Door } from "../../gateway/door.ts";
import type { Look, Looked } from "../../gateway/lookups.ts";
import { answerEvents, answerLive } from "../../gateway/live/feed.ts";
import { LiveHub } from "../../gateway/live/hub.ts";
import { realHttpServing } from "../../runtime/env/real/http_server.ts";
import { realEnv } from "../../runtime/env/real.ts";
import { jobEvent, runEvent } from "../gateway/live/events.ts";
import { Teller } from "../gateway/live/teller.ts";

type Job = Extract<ReturnType<typeof jobEvent>, { type: "job" }>["job"];
type Run = Extract<ReturnType<typeof runEvent>, { type: "run" }>["run"];

/** The key of an operator; that of a viewer. */
export const OPERATOR = `qk_operator${"0".repeat(35)}`;
export const VIEWER = `qk_viewer${"0".repeat(37)}`;

/** The key of an administrator. */
export const ADMIN = `qk_admin${"0".repeat(38)}`;

const PRINCIPALS: Readonly<Record<string, Principal>> = {
  [sha256(OPERATOR)]: { keyId: "operator", scope: "operator", tenants: ["default"] },
  [sha256(ADMIN)]: { keyId: "admin", scope: "admin", tenants: null },
  [sha256(VIEWER)]: { keyId: "viewer", scope: "viewer", tenants: null },
};

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** What the controllers have, and what was asked of them. */
export class PaperCluster implements Door {
  readonly jobs = new Map<string, Job>();
  readonly runs = new Map<string, Run>();
  readonly writes: WriteRequest[] = [];
  readonly teller = new Teller();
  /** What the controllers say of themselves. */
  cluster: ClusterView | null = null;
  /** What a change of them would come to. */
  judge: (change: GroupChange) => ChangeCheck = () => ({ refused: null, lines: ["it may be"] });
  /** No controller answers any more. */
  isDown = false;
  #index = 1;

  /** A job as it is from now on; told to those who follow. */
  job(about: Partial<Job> & { readonly id: string }): void {
    const event = jobEvent(`${this.#index += 1}.0`, { ...this.jobs.get(about.id), ...about });
    this.jobs.set(about.id, event.job);
    this.teller.tell(event);
  }

  /** The same of a run. */
  run(id: string, about: Partial<Run> = {}): void {
    const event = runEvent(`${this.#index += 1}.0`, id);
    if (event.type !== "run") return;
    const run = { ...event.run, ...this.runs.get(id), ...about };
    this.runs.set(id, run);
    this.teller.tell({ ...event, run });
  }

  write(_principal: Principal, _key: string, request: WriteRequest) {
    this.writes.push(request);
    if (request.type === "submit") {
      const transfers = { waiting: request.plan.transfers.length };
      this.run(request.runId, { name: request.plan.name, transfers });
    }
    return Promise.resolve({ ok: true, index: this.#index } as const);
  }

  read(_principal: Principal, _consistency: unknown, query: Query): Promise<Answer> {
    return Promise.resolve({
      found: this.isDown ? NO_QUORUM : this.#found(query),
      node: "c1",
      appliedIndex: 7,
      appliedAtMs: 0,
    });
  }

  /** Answered as a read of the same thing is. */
  look(_principal: Principal, _consistency: unknown, { kind, id }: Look): Promise<Looked> {
    const thing = this.isDown ? undefined : (kind === "job" ? this.jobs : this.runs).get(id);
    const one = thing === undefined
      ? null
      : { text: JSON.stringify(thing), version: thing.version };
    return Promise.resolve({
      one,
      at: { node: "c1", appliedIndex: 7, appliedAtMs: 0, refused: this.isDown ? NO_QUORUM : null },
    });
  }

  authenticate(hash: string) {
    return Promise.resolve(PRINCIPALS[hash] ?? null);
  }

  events(): never {
    throw new Error("the feed has its own way");
  }

  #found(query: Query): Answer["found"] {
    const none = { type: "none", code: "notFound", message: "there is no such thing" } as const;
    switch (query.type) {
      case "job": {
        const job = this.jobs.get(query.jobId);
        return job === undefined ? none : { type: "job", job };
      }
      case "run": {
        const run = this.runs.get(query.runId);
        return run === undefined ? none : { type: "run", run };
      }
      case "jobs": {
        const jobs = [...this.jobs.values()].filter(({ id, runId }) =>
          (query.runId === null || runId === query.runId) && id > (query.after ?? "")
        );
        const page = jobs.slice(0, query.limit);
        const next = page.length < jobs.length ? page.at(-1)?.id ?? null : null;
        return { type: "jobs", jobs: page, next };
      }
      case "runs":
        return { type: "runs", runs: [...this.runs.values()], next: null };
      case "cluster":
        return this.cluster === null ? none : { type: "cluster", cluster: this.cluster };
      case "changeCheck":
        return { type: "changeCheck", check: this.judge(query.change) };
      case "explain":
        return {
          type: "explain",
          lines: ["queued: no agent has a free slot", "2 jobs are before it"],
        };
      default:
        return none;
    }
  }
}

const NO_QUORUM = {
  type: "none",
  code: "noQuorum",
  message: "read: no leader is known; ask again",
  retryAfterMs: 60_000,
} as const;

/** Serves it while `work` runs. */
export async function withGateway(
  work: (cluster: PaperCluster, url: string) => Promise<void>,
): Promise<void> {
  const env = realEnv({ log: { write: () => {} } });
  const cluster = new PaperCluster();
  const hub = new LiveHub(env, () => [cluster.teller]);
  const app = gatewayApp({
    env,
    node: "g1",
    door: cluster,
    places: { schemes: ["file", "http", "https"], refuse: () => null },
    feed: {
      get counts() {
        return hub.counts;
      },
      events: (reader, request) => answerEvents(hub, reader, request, env.random.next),
      socket: (reader, request, connection) => answerLive(hub, reader, request, connection),
      close: () => hub.close(),
    },
  });
  const server = await realHttpServing.serve(
    (request, connection) => app.fetch(request, { connection }),
    { hostname: "127.0.0.1", port: 0 },
  );
  try {
    await work(cluster, server.url);
  } finally {
    await hub.close();
    await server.shutdown();
    env.close();
  }
}
