/** The handshake of the side that was called. */

import { assert } from "../base/assert.ts";
import { encodeHandshake } from "./frames.ts";
import type { SocketPeer } from "../env/sockets.ts";
import {
  Handshake,
  type HandshakePeer,
  type HandshakeSelf,
  type HandshakeStep,
  type Identity,
} from "./handshake.ts";
import { type Hello, parseHandshake, parseHelloRange, type Proof } from "./handshake_messages.ts";
import { notCalled, selfConnect, versionMismatch } from "./handshake_refusals.ts";

/** Answers a hello, verifies the proof, and welcomes who was admitted. */
export class ServerHandshake extends Handshake {
  readonly #identityFor: (node: string) => Identity;
  #peer: HandshakePeer | null = null;
  #deciding = false;

  /** `identityFor` says who we are for that node. */
  constructor(
    self: HandshakeSelf,
    transport: SocketPeer,
    identityFor: (node: string) => Identity,
  ) {
    super(self, transport);
    this.#identityFor = identityFor;
  }

  /** The peer may be linked with. */
  admit(): HandshakeStep {
    assert(this.#deciding && this.#peer !== null, "a peer is admitted when it was asked for");
    const welcome = encodeHandshake({ h: "welcome", windows: this.self.windows });
    return this.accept([welcome], this.#peer);
  }

  protected override step(frame: Uint8Array): HandshakeStep {
    if (this.#peer === null) return this.#first(frame);
    const message = parseHandshake(frame, this.self.maxBytes);
    if (message.h === "refuse") return this.refused(message);
    if (message.h !== "proof" || this.#deciding) return this.unexpected(message);
    return this.#proved(this.#peer, message);
  }

  /** A version that we do not know may have other fields: its range is read first. */
  #first(frame: Uint8Array): HandshakeStep {
    const { versions, maxBytes } = this.self;
    const range = parseHelloRange(frame, maxBytes);
    const version = Math.min(range.max, versions.max);
    if (version < versions.min || version < range.min) {
      const ours = `${versions.min}-${versions.max}`;
      return this.refuse(versionMismatch(this.parties(), ours, `${range.min}-${range.max}`));
    }
    const hello = parseHandshake(frame, maxBytes);
    assert(hello.h === "hello", "what has the range of a hello is one");
    this.hello = frame;
    return this.#answer(hello, version);
  }

  #answer(hello: Hello, version: number): HandshakeStep {
    const { node, incarnation, renewal, features, link, windows, association = null } = hello;
    const self = this.#identityFor(node);
    this.peer = { node, incarnation, renewal };
    if (node === self.node && incarnation === self.incarnation) {
      return this.refuse(selfConnect(this.parties()));
    }
    if (hello.to !== undefined && hello.to !== self.node) {
      return this.refuse(notCalled(this.parties(), hello.to));
    }
    this.#peer = { ...this.peer, version, features, link, windows, association, self };
    const { nonce } = this.self;
    const own = [...this.self.features];
    this.answer = encodeHandshake({ h: "answer", version, ...self, nonce, features: own });
    const proof = encodeHandshake({ h: "proof", ...this.proof("server") });
    return { send: [this.answer, proof], outcome: null, decide: null };
  }

  #proved(peer: HandshakePeer, message: Proof): HandshakeStep {
    const doubt = this.doubt("client", message.proof);
    if (doubt !== null) return this.refuse(doubt);
    if (message.refuse !== undefined) return this.refused(message.refuse);
    this.#deciding = true;
    return { send: [], outcome: null, decide: peer };
  }
}
