/** Which rules a transfer is held to. Pure. */

import type { Job } from "../job/record.ts";
import { hostsOf } from "../scheduler/demand.ts";
import { ownerOf } from "../set/record.ts";
import type { RateScope } from "./messages.ts";
import { rateKey, ruleFor } from "./rules.ts";

/** What of a job rules go by. */
export type Held = Pick<Job, "id" | "tenant" | "spec">;

const LOCAL = "local";

/**
 * The buckets from which a transfer of this agent takes, named as the rules that are about exactly it. The
 * files of a set are its own.
 */
export function bucketNames(job: Held, agent: string): readonly string[] {
  return namesOf(job, agent).map(([scope, name]) => rateKey(scope, name));
}

/** The same, with the rule that each is filled by: where none is about exactly it, the one about each. */
export function bucketsOf(
  job: Held,
  agent: string,
  isRule: (key: string) => boolean,
): readonly { readonly bucket: string; readonly rule: string }[] {
  return bucketNames(job, agent).flatMap((bucket) => {
    const rule = ruleFor(bucket, isRule);
    return rule === null ? [] : [{ bucket, rule }];
  });
}

function namesOf(job: Held, agent: string): readonly (readonly [RateScope, string])[] {
  const { sourceHost, destinationHost } = hostsOf(job.spec);
  const hosts = new Set([sourceHost, destinationHost].filter((host) => host !== null));
  return [
    ["agent", agent],
    ["tenant", job.tenant],
    ...[...hosts].map((host) => ["host", host] as const),
    ["link", `${sourceHost ?? LOCAL}>${destinationHost ?? LOCAL}`],
    ["job", ownerOf(job.id)],
  ];
}
