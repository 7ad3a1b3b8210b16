/** The handshake of the side that has dialled. */

import { encodeHandshake } from "./frames.ts";
import type { SocketPeer } from "../env/sockets.ts";
import {
  Handshake,
  type HandshakePeer,
  type HandshakeSelf,
  type HandshakeStep,
  type Identity,
  type LinkKind,
} from "./handshake.ts";
import {
  type Answer,
  type HandshakeMessage,
  parseHandshake,
  type Proof,
} from "./handshake_messages.ts";
import { otherNode, type Refusal, selfConnect, versionMismatch } from "./handshake_refusals.ts";

/** Whom the client calls, and what for. */
export interface Call {
  readonly identity: Identity;
  /** The node that should answer; `null` takes whoever proves itself. */
  readonly expected: string | null;
  readonly link: LinkKind;
  readonly association: string | null;
}

/** Says hello, verifies the answer, proves itself, waits for the welcome. */
export class ClientHandshake extends Handshake {
  readonly #call: Call;
  #answer: Answer | null = null;
  #done: Omit<HandshakePeer, "windows"> | null = null;

  constructor(self: HandshakeSelf, transport: SocketPeer, call: Call) {
    super(self, transport);
    this.#call = call;
  }

  /** The first word. */
  start(): HandshakeStep {
    const { versions, nonce, windows, features } = this.self;
    const { identity, expected, link, association } = this.#call;
    const message: HandshakeMessage = {
      h: "hello",
      ...versions,
      ...identity,
      ...(expected === null ? {} : { to: expected }),
      nonce,
      link,
      ...(association === null ? {} : { association }),
      features: [...features],
      windows,
    };
    this.hello = encodeHandshake(message);
    return { send: [this.hello], outcome: null, decide: null };
  }

  /** The peer may be linked with: proves ourselves. */
  admit(): HandshakeStep {
    return this.say({ h: "proof", ...this.proof("client") });
  }

  /** The peer has proved itself and is refused: the refusal carries our proof, so that it counts. */
  refuseProved(refusal: Refusal): HandshakeStep {
    const refuse = { code: refusal.code, message: refusal.theirs };
    const message = encodeHandshake({ h: "proof", ...this.proof("client"), refuse });
    return this.end([message], { theirs: false, error: this.ours(refusal) });
  }

  protected override step(frame: Uint8Array): HandshakeStep {
    const message = parseHandshake(frame, this.self.maxBytes);
    switch (message.h) {
      case "refuse":
        return this.refused(message);
      case "answer":
        return this.#answer === null ? this.#answered(message, frame) : this.unexpected(message);
      case "proof":
        return this.#done === null && this.#answer !== null
          ? this.#proved(this.#answer, message)
          : this.unexpected(message);
      case "welcome":
        if (this.#done === null) return this.unexpected(message);
        return this.accept([], { ...this.#done, windows: message.windows });
      default:
        return this.unexpected(message);
    }
  }

  #answered(answer: Answer, frame: Uint8Array): HandshakeStep {
    this.#answer = answer;
    this.answer = frame;
    const { node, incarnation, renewal } = answer;
    this.peer = { node, incarnation, renewal };
    return { send: [], outcome: null, decide: null };
  }

  #proved(answer: Answer, proof: Proof): HandshakeStep {
    const { versions } = this.self;
    const { identity, expected, link, association } = this.#call;
    const doubt = this.doubt("server", proof.proof);
    if (doubt !== null) return this.refuse(doubt);
    if (answer.node === identity.node && answer.incarnation === identity.incarnation) {
      return this.refuse(selfConnect(this.parties()));
    }
    if (expected !== null && answer.node !== expected) {
      return this.refuse(otherNode(this.parties(), expected));
    }
    if (answer.version < versions.min || answer.version > versions.max) {
      const range = `${versions.min}-${versions.max}`;
      return this.refuse(versionMismatch(this.parties(), range, String(answer.version)));
    }
    const { version, features, node, incarnation, renewal } = answer;
    this.#done = {
      node,
      incarnation,
      renewal,
      version,
      features,
      link,
      association,
      self: identity,
    };
    return { send: [], outcome: null, decide: { ...this.#done, windows: this.self.windows } };
  }
}
