/** From the declared wishes about agents to data: nothing where nothing was declared. */

import type { TransferTemplate } from "./plan.ts";
import type { DeclaredTransfer } from "./schema.ts";
import type { PlaceSpec } from "./spec.ts";

/** What a transfer says of its scheduling; all of it is literal, so that a file is checked whole. */
export function planScheduling(body: DeclaredTransfer): Pick<TransferTemplate, "scheduling"> {
  const { priority, affinity = {}, source, destination } = body;
  const near = nearOf(body);
  const declared = [priority, body.affinity, source.volume, destination.volume];
  if (near.length === 0 && declared.every((one) => one === undefined)) return {};
  return {
    scheduling: {
      priority: priority ?? "medium",
      agents: affinity.agents ?? [],
      tags: affinity.tags ?? [],
      avoid: {
        agents: affinity.antiAffinity?.agents ?? [],
        tags: affinity.antiAffinity?.tags ?? [],
      },
      run: affinity.run ?? null,
      near,
      sourceVolume: source.volume ?? null,
      destinationVolume: destination.volume ?? null,
    },
  };
}

/** The declared places; `affinity.near` says which one counts, both where it is silent. */
function nearOf({ affinity = {}, source, destination }: DeclaredTransfer): PlaceSpec[] {
  const near: PlaceSpec[] = [];
  const preferred = source.networkOptimization?.preferredDataCenter;
  const from = source.location ?? (preferred === undefined ? null : { datacenter: preferred });
  if (from !== null && affinity.near !== "destination") near.push(placeOf(from));
  if (destination.location !== undefined && affinity.near !== "source") {
    near.push(placeOf(destination.location));
  }
  return near;
}

function placeOf(place: NonNullable<DeclaredTransfer["source"]["location"]>): PlaceSpec {
  const { datacenter = null, zone = null, region = null, tags = [] } = place;
  return { datacenter, zone, region, tags };
}
