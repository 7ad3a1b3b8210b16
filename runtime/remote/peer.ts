/**
 * One peer of a node: its present association, if any, and who it was. Associations are told apart by
 * the identities of both ends, so a node that gives a peer up shows that peer a new identity from then
 * on (`renewal`), and takes none of the old ones of the peer.
 */

import type { PeerCertificate, SocketPeer } from "../env/sockets.ts";
import type { TargetCount } from "./wire.ts";
import type { AssociationState, EndCause } from "./association.ts";
import type { Handover } from "./handover.ts";
import type { HandshakePeer, Identity, LinkKind } from "./handshake.ts";
import { CLOSE_CODE } from "./handshake_driver.ts";
import { Session } from "./peer_session.ts";
import type { LinkView, SessionCounters, SessionHost } from "./peer_session_host.ts";
import type { Quarantine } from "./peer_quarantine.ts";

/** A peer as others see it. */
export interface PeerView {
  readonly node: string;
  /** `unreachable`: no association; who is told so may dial it, or it may come back by itself. */
  readonly state: Exclude<AssociationState, "ended"> | "unreachable";
  /** What the peer called itself last: incarnation and renewal. */
  readonly incarnation: string | null;
  /** Where it was reached, or from where it came. */
  readonly address: string | null;
  /** The names in the certificate that its main link has proved, roles among them; null without one. */
  readonly certificateNames: readonly string[] | null;
  /** When that certificate ends, in ms since 1970; null without one. */
  readonly certificateUntilMs: number | null;
  readonly rttMs: number | null;
  readonly phi: number;
  /** Records that no socket was given yet. */
  readonly queued: number;
  /** Asks of ours that wait, asks of theirs that we answer, watches of both. */
  readonly asked: number;
  readonly answering: number;
  readonly watches: { readonly ours: number; readonly theirs: number };
  /** System messages that the peer has not acknowledged. */
  readonly unacknowledged: number;
  /** Ends of watched actors that wait for messages that were sent before them. */
  readonly heldBack: number;
  /** Messages of the peer that our actors have not processed. */
  readonly unprocessed: number;
  /** Messages that came beyond the windows that the peer was granted. */
  readonly beyondWindow: number;
  /** Who holds credit that the peer gave us. */
  readonly held: readonly TargetCount[];
  /** The sockets that stand: the main one, and one for bulk once that was used. */
  readonly links: readonly LinkView[];
  readonly counters: Readonly<SessionCounters> | null;
}

/** What has happened to a peer. */
export interface PeerEvent {
  readonly kind: "joining" | "up" | "down" | "unreachable" | "refused" | "quarantined";
  readonly peer: PeerView;
  readonly reason: string;
}

/** What a peer needs of the hub. */
export interface PeerHost extends SessionHost {
  readonly quarantine: Quarantine;
  identity(): { readonly node: string; readonly incarnation: string };
  happened(peer: Peer, kind: PeerEvent["kind"], reason: string): void;
  /** No main link stands any more: dial, where that is ours to do. */
  mainLost(peer: Peer, cause: EndCause | null): void;
  openBulk(peer: Peer): void;
}

/** The two identities of an association as one text; the same on both sides. */
export function associationId(one: Identity, other: Identity): string {
  return [one, other]
    .map(({ node, incarnation, renewal }) => `${node}/${incarnation}.${renewal}`)
    .sort()
    .join("+");
}

/** Causes that the peer knows of itself, or that end everything: no new identity is needed. */
const KEEPS_IDENTITY: ReadonlySet<EndCause> = new Set<EndCause>(["newIncarnation", "closed"]);

/** See the head of this file. */
export class Peer {
  readonly node: string;
  /** URL where it was reached; `null` if it has always dialled us. */
  url: string | null = null;
  readonly #host: PeerHost;
  #session: Session | null = null;
  #identity: Identity | null = null;
  #association: string | null = null;
  #address: string | null = null;
  #certificate: PeerCertificate | null = null;
  #renewal = 1;
  /** Its link is a port, which nobody can open again. */
  #isPort = false;

  constructor(host: PeerHost, node: string) {
    this.#host = host;
    this.node = node;
  }

  /** The present association. */
  get session(): Session | null {
    return this.#session;
  }
  /** Who the peer was when it was last linked. */
  get identity(): Identity | null {
    return this.#identity;
  }
  get address(): string | null {
    return this.#address;
  }
  get isUp(): boolean {
    return this.#session?.state === "up";
  }
  /** The association that a bulk link of now belongs to. */
  get association(): string | null {
    return this.#association;
  }
  /** Who we are for this peer. */
  get self(): Identity {
    return { ...this.#host.identity(), renewal: this.#renewal };
  }

  view(): PeerView {
    const session = this.#session;
    const pending = session?.pending;
    const state = session?.state ?? "ended";
    return {
      node: this.node,
      state: state === "ended" ? "unreachable" : state,
      incarnation: this.#identity === null
        ? null
        : `${this.#identity.incarnation}.${this.#identity.renewal}`,
      address: this.#address,
      certificateNames: this.#certificate?.names ?? null,
      certificateUntilMs: this.#certificate?.validToMs ?? null,
      rttMs: session?.rttMs ?? null,
      phi: session?.phi ?? 0,
      queued: session?.queued ?? 0,
      asked: session?.asked.size ?? 0,
      answering: pending?.answering ?? 0,
      watches: session?.watches.sizes ?? { ours: 0, theirs: 0 },
      unacknowledged: pending?.system ?? 0,
      heldBack: pending?.heldBack ?? 0,
      unprocessed: pending?.messages ?? 0,
      beyondWindow: pending?.beyondWindow ?? 0,
      held: session?.held ?? [],
      links: session?.links ?? [],
      counters: session === null ? null : { ...session.counters },
    };
  }

  /** Somebody dials it: what is sent waits from now on, within the grace. */
  join(): void {
    if (this.#session !== null) return;
    this.#session = this.#begin();
    this.#host.happened(this, "joining", "it is dialled");
  }

  /** A main link's handshake is done: resumes its association or begins a new one. */
  link(other: HandshakePeer, handover: Handover, dialled: boolean): void {
    const identity = identityOf(other);
    const isStale = other.self.renewal !== this.#renewal ||
      other.self.incarnation !== this.self.incarnation || this.#host.quarantine.has(identity);
    // Things have changed while the last words of the handshake were under way.
    if (isStale) return handover.socket.close(CLOSE_CODE.refused, "Superseded");
    const association = associationId(other.self, identity);
    if (this.#association !== null && this.#association !== association) {
      this.#session?.end("newIncarnation");
    }
    this.#session ??= this.#begin();
    this.#association = association;
    this.#identity = identity;
    this.#address = handover.socket.peer.address;
    this.#certificate = proved(handover.socket.peer);
    this.#isPort = handover.socket.peer.own;
    this.#session.connect(handover, other.windows, dialled);
    if (this.isUp) this.#host.happened(this, "up", dialled ? "we dialled" : "it dialled");
  }

  /** A bulk link's handshake is done. */
  linkBulk(other: HandshakePeer, handover: Handover): void {
    const isOurs = this.isUp && other.association === this.#association;
    if (isOurs) this.#session!.connectBulk(handover);
    else handover.socket.close(CLOSE_CODE.refused, "Superseded");
  }

  /** Ends the association, if there is one. */
  end(cause: EndCause, bye: string | null = null): Promise<void> {
    return this.#session?.end(cause, bye) ?? Promise.resolve();
  }

  /** The peer has given us up: we end our side and show it a new identity. */
  quarantined(): void {
    if (this.#session !== null && this.#association !== null) this.#session.end("quarantined");
    else this.#renewal += 1;
  }

  #begin(): Session {
    return new Session(this.#host, this.node, {
      lost: (kind, why) => this.#lost(kind, why),
      wantsBulk: () => this.#host.openBulk(this),
      ended: (cause) => this.#ended(cause),
    });
  }

  #lost(kind: LinkKind, why: string): void {
    if (kind === "bulk") return;
    if (this.#isPort) return void this.end("portClosed");
    this.#host.happened(this, "down", why);
    this.#host.mainLost(this, null);
  }

  #ended(cause: EndCause): void {
    this.#session = null;
    if (this.#association !== null) {
      this.#host.quarantine.add(this.#identity!);
      if (!KEEPS_IDENTITY.has(cause)) this.#renewal += 1;
    }
    this.#association = null;
    this.#host.happened(this, "unreachable", cause);
    this.#host.mainLost(this, cause);
  }
}

/** Whoever made the certificate up proves nothing by it. */
function proved({ certificate }: SocketPeer): PeerCertificate | null {
  return certificate?.problem === null ? certificate : null;
}

/** Only what identifies. */
export function identityOf({ node, incarnation, renewal }: Identity): Identity {
  return { node, incarnation, renewal };
}
