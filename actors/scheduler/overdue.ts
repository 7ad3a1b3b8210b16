/**
 * The head of the line: each tenant's longest waiting job goes first once in a while, so that a job that
 * needs a scarce agent or a busy host is not passed over for ever by those that are easier to place.
 */

import type { Head, Pass, PassInput } from "./pass.ts";
import { isBefore } from "./demand.ts";
import { canBeTaken } from "./relaying.ts";

/** Places one overdue job of each tenant that has not had this for a while; returns whose were placed. */
export function overdueFirst(input: PassInput, pass: Pass): string[] {
  const { limits, nowMs } = input;
  const lines: Head[][] = [];
  for (const tenant of input.queue.tenants.keys()) {
    if (nowMs - input.overdueServedMs(tenant) < limits.overdueMs) continue;
    const heads = overdueHeads(input, pass, tenant);
    if (heads.length > 0) lines.push(heads);
  }
  lines.sort(([a], [b]) => isBefore(a!.demand, b!.demand) ? -1 : 1);
  const served: string[] = [];
  for (const heads of lines) {
    if (pass.isOver) break;
    if (placeOne(input, pass, heads)) served.push(heads[0]!.bucket.tenant);
  }
  return served;
}

/** The longest waiting jobs of a tenant, if they are overdue; one of each bucket. */
function overdueHeads(input: PassInput, pass: Pass, tenant: string): Head[] {
  const { limits, nowMs } = input;
  const heads: Head[] = [];
  for (const bucket of input.queue.tenants.get(tenant)?.values() ?? []) {
    const first = bucket.line.placeFrom(0);
    if (first < 0 || nowMs - bucket.line.at(first).sinceMs < limits.overdueMs) continue;
    const head = pass.head(bucket);
    if (head === null) continue;
    let at = heads.length;
    while (at > 0 && isBefore(head.demand, heads[at - 1]!.demand)) at -= 1;
    if (at >= limits.overdueLooks) continue;
    heads.splice(at, 0, head);
    if (heads.length > limits.overdueLooks) heads.pop();
  }
  return heads;
}

function placeOne(input: PassInput, pass: Pass, heads: readonly Head[]): boolean {
  const { tenant } = heads[0]!.bucket;
  if (!pass.book.mayRunMore(tenant, input.tenant(tenant))) return false;
  for (const head of heads) if (pass.place(head)) return true;
  const waits = heads.find((head) => canBeTaken(input.fleet, head.bucket));
  if (waits !== undefined) holdHosts(pass, waits);
  return false;
}

/** Source before destination, everybody alike: so that no two jobs hold what the other waits for. */
function holdHosts({ book }: Pass, { bucket }: Head): void {
  if (!book.hasSource(bucket)) return;
  book.holdSource(bucket);
  if (book.hasDestination(bucket)) book.holdDestination(bucket);
}
