/**
 * The handshake as two machines without I/O: frames in, frames out, one outcome. See `DESIGN.md`.
 *
 * ```
 * client                              server
 *   hello ->
 *                      <- answer, proof           or  refuse
 *   proof ->                                      or  proof with a refusal, or refuse
 *                      <- welcome                 or  refuse
 * ```
 */

import { assert } from "../base/assert.ts";
import type { Hashing } from "../env/env.ts";
import type { SocketPeer } from "../env/sockets.ts";
import { certificateRefusal, proofOf, sameProof, type Side } from "./credentials.ts";
import type { HandshakeMessage, PeerWindows } from "./handshake_messages.ts";
import { encodeHandshake } from "./frames.ts";
import {
  type Parties,
  type Refusal,
  refusedBy,
  refusedByUs,
  RemoteError,
  wrongToken,
} from "./handshake_refusals.ts";

/** A node as its links show it; a renewal makes another one of it for one peer. */
export interface Identity {
  readonly node: string;
  readonly incarnation: string;
  readonly renewal: number;
}

/** Which of the sockets of an association this is. */
export type LinkKind = "main" | "bulk";

/** What this side brings into a handshake. */
export interface HandshakeSelf {
  readonly node: string;
  /** Join token; with one, the other side must prove it. */
  readonly token: string | null;
  /** The other side must show a certificate that names its node. */
  readonly requireCertificate: boolean;
  readonly versions: { readonly min: number; readonly max: number };
  readonly features: readonly string[];
  readonly windows: PeerWindows;
  readonly nonce: string;
  readonly hash: Hashing;
  /** Longest message. */
  readonly maxBytes: number;
}

/** What both sides know of the other one when its handshake is done. */
export interface HandshakePeer extends Identity {
  readonly version: number;
  readonly features: readonly string[];
  readonly link: LinkKind;
  readonly windows: PeerWindows;
  /** For a bulk link: the association that it belongs to. */
  readonly association: string | null;
  /** Who the other side takes us for. */
  readonly self: Identity;
}

/** How it ended. */
export type HandshakeOutcome =
  | { readonly kind: "accepted"; readonly peer: HandshakePeer }
  /** `theirs`: the other side refused, and `proved` says whether it had proved who it is. */
  | {
    readonly kind: "refused";
    readonly error: RemoteError;
    readonly theirs: boolean;
    readonly proved: boolean;
    readonly peer: Identity | null;
  };

/** What to do next: send, and once an outcome is there, nothing more. */
export interface HandshakeStep {
  readonly send: readonly Uint8Array[];
  readonly outcome: HandshakeOutcome | null;
  /** Decide about this peer, and tell the machine with `admit` or `refuse`. */
  readonly decide: HandshakePeer | null;
}

/** What client and server have in common. */
export abstract class Handshake {
  protected readonly self: HandshakeSelf;
  protected readonly transport: SocketPeer;
  protected hello: Uint8Array = new Uint8Array();
  protected answer: Uint8Array = new Uint8Array();
  protected peer: Identity | null = null;
  /** The other side has proved what we ask for. */
  protected proved = false;
  #done = false;

  constructor(self: HandshakeSelf, transport: SocketPeer) {
    this.self = self;
    this.transport = transport;
  }

  /** The next frame of the other side. */
  receive(frame: Uint8Array): HandshakeStep {
    assert(!this.#done, "a handshake that is done takes no frames");
    try {
      return this.step(frame);
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      return this.end([], { theirs: false, error });
    }
  }

  /** Refuses the other side; for who drives this machine too. */
  refuse(refusal: Refusal): HandshakeStep {
    const { code, theirs } = refusal;
    const message = encodeHandshake({ h: "refuse", code, message: theirs });
    return this.end([message], { theirs: false, error: this.ours(refusal) });
  }

  protected abstract step(frame: Uint8Array): HandshakeStep;

  protected ours(refusal: Refusal): RemoteError {
    return refusedByUs(refusal, this.transport.address);
  }

  protected parties(): Parties {
    const address = this.transport.address;
    return { self: this.self.node, peer: this.peer?.node ?? "unknown", address };
  }

  protected say(...messages: HandshakeMessage[]): HandshakeStep {
    return { send: messages.map(encodeHandshake), outcome: null, decide: null };
  }

  protected accept(send: readonly Uint8Array[], peer: HandshakePeer): HandshakeStep {
    this.#done = true;
    return { send, outcome: { kind: "accepted", peer }, decide: null };
  }

  protected end(
    send: readonly Uint8Array[],
    how: { readonly theirs: boolean; readonly error: RemoteError },
  ): HandshakeStep {
    this.#done = true;
    const { proved, peer } = this;
    return { send, outcome: { kind: "refused", ...how, proved, peer }, decide: null };
  }

  /** The other side's refusal. */
  protected refused(refuse: { code: Refusal["code"]; message: string }): HandshakeStep {
    const error = refusedBy(this.transport.address, refuse.code, refuse.message);
    return this.end([], { theirs: true, error });
  }

  protected unexpected(message: HandshakeMessage): never {
    throw new RemoteError(
      "Malformed",
      `shake hands with ${this.transport.address}: "${message.h}" does not come here; is the other end a Quorus node of this version?`,
    );
  }

  /** Our own proof, nothing without a token. */
  protected proof(side: Side): { proof?: string } {
    const { token, hash } = this.self;
    if (token === null) return {};
    return { proof: proofOf(hash, token, side, this.hello, this.answer) };
  }

  /** Why the other side has not proved that it is the node it claims to be; `null` if it has. */
  protected doubt(side: Side, given: string | undefined): Refusal | null {
    const { token, hash, requireCertificate } = this.self;
    const parties = this.parties();
    if (!this.transport.own) {
      const doubt = requireCertificate ? certificateRefusal(parties, this.transport) : null;
      if (doubt !== null) return doubt;
      if (token !== null) {
        if (given === undefined) return wrongToken(parties, false);
        const expected = proofOf(hash, token, side, this.hello, this.answer);
        if (!sameProof(given, expected)) return wrongToken(parties, true);
      }
    }
    this.proved = true;
    return null;
  }
}
