/** Who may link: what a node decides about a peer that has proved who it is. */

import { identityOf, type Peer } from "./peer.ts";
import type { HandshakePeer } from "./handshake.ts";
import {
  duplicateNode,
  type Parties,
  quarantined,
  type Refusal,
  superseded,
} from "./handshake_refusals.ts";
import type { Quarantine } from "./peer_quarantine.ts";
import type { Session } from "./peer_session.ts";

/** A dial of ours to the same peer, as far as admission cares. */
export interface OwnDial {
  /** Its proof is under way: the peer may take it at any moment. */
  readonly isCommitted: boolean;
  /** Gives the attempt up. */
  yield(): void;
  /** Settles when the attempt has succeeded or failed. */
  settled(): Promise<void>;
}

/** What admission needs to know. */
export interface AdmissionView {
  readonly node: string;
  readonly quarantine: Quarantine;
  readonly duplicateProbeMs: number;
  peer(node: string): Peer;
  dialTo(node: string): OwnDial | null;
}

/** Why the peer may not open a main link, `null` if it may. It may take a ping's time to know. */
export async function admitMain(
  view: AdmissionView,
  other: HandshakePeer,
  address: string,
  dialled: boolean,
): Promise<Refusal | null> {
  const parties: Parties = { self: view.node, peer: other.node, address };
  if (other.node === view.node) return duplicateNode(parties, "this very node");
  const peer = view.peer(other.node);
  let silent: Session | null = null;
  for (;;) {
    const { incarnation, renewal } = peer.self;
    const isStale = other.self.incarnation !== incarnation || other.self.renewal !== renewal;
    if (isStale) return superseded(parties);
    const identity = identityOf(other);
    if (view.quarantine.has(identity)) {
      return quarantined(parties, `${identity.incarnation}.${identity.renewal}`);
    }
    const standing = peer.isUp ? peer.session : null;
    if (standing !== null && standing !== silent) {
      const isSame = peer.identity?.incarnation === other.incarnation;
      if (isSame && dialled) return superseded(parties);
      if (!isSame) {
        // Another process of that id: only if the one that stands does not answer.
        if (await standing.probe(view.duplicateProbeMs)) {
          return duplicateNode(parties, peer.address ?? "elsewhere");
        }
        silent = standing;
        continue;
      }
    }
    const own = dialled ? null : view.dialTo(other.node);
    if (own === null) return null;
    // Both have dialled. The lower id keeps its own, if it has got as far as its proof.
    if (!own.isCommitted || view.node > other.node) {
      own.yield();
      return null;
    }
    await own.settled();
    if (peer.isUp) return superseded(parties);
  }
}

/** Why the peer may not open a bulk link, `null` if it may. */
export function admitBulk(
  view: AdmissionView,
  other: HandshakePeer,
  address: string,
): Refusal | null {
  const peer = view.peer(other.node);
  const fits = peer.isUp && other.association !== null && peer.association === other.association;
  return fits ? null : superseded({ self: view.node, peer: other.node, address });
}
