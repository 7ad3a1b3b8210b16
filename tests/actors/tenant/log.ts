/** A log of commands that are applied at once, for tests of what tenants and assignments lead to. */

import type { Effect } from "../../../actors/controller/applied.ts";
import { apply } from "../../../actors/controller/apply.ts";
import {
  type Command,
  ENTRY_VERSION,
  logEntry,
  type TenantSettings,
} from "../../../actors/controller/commands.ts";
import type { Group } from "../../../actors/controller/group.ts";
import { INITIAL_STATE, type State } from "../../../actors/controller/state.ts";
import { type Receipt, temporaryName } from "../../../actors/job/record.ts";
import type { TransferSpec } from "../../../workflows/spec.ts";
import { Rig } from "../job/rig.ts";
import { emptyPlan } from "../plans.ts";

const { spec } = new Rig();

/** Nothing bounded. */
export const OPEN: TenantSettings = {
  weight: 1,
  maxConcurrentTransfers: null,
  maxQueued: null,
  priorityCeiling: "critical",
};

/** The state of a cluster's group, with what is asked of it. */
export class Log implements Group {
  state: State = INITIAL_STATE;
  nowMs = 0;
  term: number | undefined;
  readonly listeners = new Set<(effects: readonly Effect[]) => void>();

  /** What was refused. */
  apply(command: Command): readonly string[] {
    const text = JSON.stringify({ version: ENTRY_VERSION, atMs: this.nowMs, command });
    const entry = logEntry.parse(JSON.parse(text));
    const applied = apply(this.state, entry, this.state.index + 1, this.term);
    this.state = applied.state;
    for (const listener of [...this.listeners]) listener(applied.effects);
    return applied.refused;
  }

  propose(command: Command): Promise<readonly string[]> {
    return Promise.resolve(this.apply(command));
  }

  subscribe(listener: (effects: readonly Effect[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Jobs named `TENANT-NAME`, in one run per tenant. */
  submit(tenant: string, names: readonly string[], more: Partial<TransferSpec> = {}): void {
    if (!this.state.runs.has(tenant)) {
      this.apply({ type: "createRun", runId: tenant, tenant, plan: emptyPlan() });
    }
    const jobs = names.map((name) => ({
      jobId: `${tenant}-${name}`,
      spec: { ...spec, name, ...more },
    }));
    this.apply({ type: "submitJobs", runId: tenant, jobs, skipped: [] });
  }

  configure(tenant: string, settings: Partial<TenantSettings>): void {
    this.apply({ type: "configureTenant", tenant, settings: { ...OPEN, ...settings } });
  }

  assign(jobId: string, agent = "a1"): readonly string[] {
    const slots = { a1: 100, a2: 100 };
    return this.apply({ type: "assignJobs", assignments: [{ jobId, agent }], slots });
  }

  succeed(jobId: string, bytes: number): void {
    const lease = this.state.jobs.get(jobId)!.lease!;
    const receipt = receiptOf(bytes, this.nowMs);
    const { name: finalName, sha256, root, fileId, level } = receipt;
    const temp = temporaryName(jobId, lease);
    const file = { leaseIndex: lease.index, temp, finalName, replace: true };
    const grant = { ...file, size: bytes, sha256, root, fileId, level };
    this.apply({ type: "jobEvent", jobId, event: { type: "grant", lease, grant } });
    this.apply({ type: "jobEvent", jobId, event: { type: "succeed", lease, receipt } });
  }

  release(jobId: string): void {
    const lease = this.state.jobs.get(jobId)!.lease!;
    this.apply({ type: "jobEvent", jobId, event: { type: "release", lease, why: "asked" } });
  }

  states(tenant: string): string {
    return [...this.state.jobs.values()].filter((job) => job.tenant === tenant)
      .sort((a, b) => a.id < b.id ? -1 : 1).map((job) => job.state).join(" ");
  }
}

function receiptOf(bytes: number, endedMs: number): Receipt {
  return {
    outcome: "published",
    name: "x",
    bytes,
    sha256: null,
    root: null,
    level: "size",
    fence: "seize",
    fileId: null,
    fetchedBytes: bytes,
    keptBytes: 0,
    attempts: 1,
    startedMs: 0,
    endedMs,
  };
}
