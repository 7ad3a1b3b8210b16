/**
 * Relays: where no agent reaches both ends of a transfer, one reads the source for another, which writes.
 * Each has to reach its own end (`halves.ts`), and one of them accepts the other's link.
 */

import type { Candidate } from "./candidates.ts";
import type { Shape, Wanted } from "./demand.ts";
import { type FleetView, isOpen, type Member } from "./fleet.ts";
import type { Halves } from "./halves.ts";

/** Two agents that take a job together; `member` writes and has the lease. */
export interface Relay {
  readonly member: Member;
  readonly reader: Member;
}

/** Whether two agents can have a link of their own: both know relays, and one of them accepts links. */
export function canLink({ relay: one }: Candidate, { relay: other }: Candidate): boolean {
  if (one === null || other === null) return false;
  return one.url !== null || other.url !== null;
}

/** Nobody who takes jobs, busy or not, could take it alone: then two may. */
export function needsRelay(fleet: FleetView, wanted: Wanted): boolean {
  if (!wanted.shape.mayRelay) return false;
  for (const { candidate } of fleet.fitting(wanted)) {
    if (candidate.status === "active") return false;
  }
  return true;
}

/** Whether agents of which `isFit` holds could take it, one alone or two together. */
export function canBeTaken(
  fleet: FleetView,
  wanted: Wanted,
  isFit: (member: Member) => boolean = ({ candidate }) => isOpen(candidate),
): boolean {
  for (const member of fleet.fitting(wanted)) if (isFit(member)) return true;
  const halves = fleet.halves(wanted);
  if (halves === null || !needsRelay(fleet, wanted)) return false;
  return bestRelay(fleet, halves, isFit, () => 0) !== null;
}

/** The two of least cost among those for whom `mayTake` holds; the one that writes is chosen first. */
export function bestRelay(
  fleet: FleetView,
  { read, write }: Halves,
  mayTake: (member: Member) => boolean,
  costOf: (shape: Shape, member: Member) => number,
): Relay | null {
  const readers = [...fleet.fitting(read)].filter(mayTake);
  if (readers.length === 0) return null;
  const writers = [...fleet.fitting(write)].filter(mayTake);
  for (const member of ordered(writers, (one) => costOf(write.shape, one))) {
    const linked = readers.filter((one) =>
      one !== member && canLink(one.candidate, member.candidate)
    );
    const [reader] = ordered(linked, (one) => costOf(read.shape, one));
    if (reader !== undefined) return { member, reader };
  }
  return null;
}

function ordered(members: readonly Member[], costOf: (member: Member) => number): Member[] {
  return members.map((member) => ({ member, cost: costOf(member) }))
    .sort((a, b) =>
      a.cost - b.cost || (a.member.candidate.agent < b.member.candidate.agent ? -1 : 1)
    )
    .map(({ member }) => member);
}
