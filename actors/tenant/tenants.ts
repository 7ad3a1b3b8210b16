/** The actors of all tenants, kept by their controller: one each, from the first that is heard of it. */

import type { Context } from "../../runtime/actor/definition.ts";
import type { Delivery, Ref } from "../../runtime/actor/ref.ts";
import { limitValues } from "../../runtime/base/limits.ts";
import type { Told } from "../controller/applied.ts";
import type { Group } from "../controller/group.ts";
import type { Missed } from "../controller/missed.ts";
import { TENANT_SETTINGS, type TenantLimits } from "./limits.ts";
import { type JobChange, type Tenant, tenantActorName } from "./messages.ts";
import { tenant } from "./tenant.ts";

type Spawner = Pick<Context, "spawn" | "stop">;

/** Starts and tells the actors of one group's tenants; part of its controller. */
export class Tenants {
  readonly #group: Group;
  readonly #missed: Missed;
  readonly #limits: TenantLimits;
  readonly #refs = new Map<string, Ref<typeof Tenant>>();

  constructor(group: Group, missed: Missed, limits: Partial<TenantLimits> = {}) {
    this.#group = group;
    this.#limits = limitValues(TENANT_SETTINGS, limits);
    this.#missed = missed;
  }

  /** Everybody whom the state knows. */
  begin(ctx: Spawner): void {
    const { tenants, jobs } = this.#group.state;
    for (const name of tenants.keys()) this.#of(name, ctx);
    for (const job of jobs.values()) this.#of(job.tenant, ctx);
  }

  /** Tells each tenant what was committed of its jobs and settings. */
  follow(effects: readonly Told[], ctx: Spawner): void {
    const changes = new Map<string, JobChange[]>();
    for (const effect of effects) {
      if (effect.type === "tenantChanged") {
        this.#tell(effect.tenant, ctx, (ref) => ref.tell("configured", {}));
      }
      if (effect.type !== "jobChanged" || effect.job.state === effect.before?.state) continue;
      const { job, before } = effect;
      const known = changes.get(job.tenant);
      if (known === undefined) changes.set(job.tenant, [{ job, before }]);
      else known.push({ job, before });
    }
    for (const [name, own] of changes) {
      this.#tell(name, ctx, (ref) => ref.tell("changed", { changes: own }));
    }
  }

  #tell(name: string, ctx: Spawner, tell: (ref: Ref<typeof Tenant>) => Delivery): void {
    const ref = this.#of(name, ctx);
    if (ref !== null) this.#missed.note(ref.address, tell(ref), () => ref.tell("anew", {}));
  }

  #of(name: string, ctx: Spawner): Ref<typeof Tenant> | null {
    const known = this.#refs.get(name);
    if (known !== undefined) return known;
    const actorName = tenantActorName(name);
    if (actorName === null) return null;
    if (this.#refs.size >= this.#limits.actors) this.#stopIdle(ctx);
    const args = { group: this.#group, tenant: name, limits: this.#limits };
    const ref = ctx.spawn(tenant, { name: actorName, args });
    this.#refs.set(name, ref);
    return ref;
  }

  #stopIdle(ctx: Spawner): void {
    const { tenants, load } = this.#group.state;
    for (const [name, ref] of this.#refs) {
      if (tenants.has(name) || load.tenants.has(name)) continue;
      ctx.stop(ref);
      this.#refs.delete(name);
    }
  }
}
