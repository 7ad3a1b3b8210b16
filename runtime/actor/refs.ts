/** References to actors of this node: to a living one, to whoever has a name. */

import { type ActorError, actorStopped, noSuchActor } from "./errors.ts";
import type { Protocol } from "./protocol.ts";
import type { AskOptions, Delivery, Ref, SendOptions } from "./ref.ts";

/** An actor as its references use it, types erased. */
export interface Target {
  readonly address: string;
  readonly protocolName: string;
  tell(tag: string, body: unknown): Delivery;
  send(tag: string, body: unknown, options: SendOptions): Promise<void>;
  ask(tag: string, body: unknown, options: AskOptions): Promise<unknown>;
}

const NO_OPTIONS = {};

/** A reference that leads to an actor of this node. */
export abstract class LocalRef implements Ref {
  abstract readonly protocol: Protocol;
  abstract get address(): string;
  /** The actor behind it, `null` if there is none (any more). */
  abstract target(): Target | null;
  abstract tell(tag: string, body: unknown): Delivery;
  abstract send(tag: string, body: unknown, options?: SendOptions): Promise<void>;
  abstract ask(tag: string, body: unknown, options?: AskOptions): Promise<never>;
}

/** A reference to one actor; it outlives restarts, not the actor's end. */
export class ActorRef extends LocalRef {
  readonly #target: Target;
  constructor(target: Target, override readonly protocol: Protocol) {
    super();
    this.#target = target;
  }
  override get address(): string {
    return this.#target.address;
  }
  override target(): Target {
    return this.#target;
  }
  override tell(tag: string, body: unknown): Delivery {
    return this.#target.tell(tag, body);
  }
  override send(tag: string, body: unknown, options: SendOptions = NO_OPTIONS): Promise<void> {
    return this.#target.send(tag, body, options);
  }
  override ask(tag: string, body: unknown, options: AskOptions = NO_OPTIONS): Promise<never> {
    return this.#target.ask(tag, body, options) as Promise<never>;
  }
}

/** What a reference by name needs of its node. */
export interface Names {
  find(path: string): Target | undefined;
  dead(address: string, tag: string, body: unknown): void;
}

/** A reference by name: whoever has the name when a message is sent. */
export class NamedRef extends LocalRef {
  readonly #names: Names;
  readonly #path: string;
  constructor(
    names: Names,
    override readonly protocol: Protocol,
    override readonly address: string,
    path: string,
  ) {
    super();
    this.#names = names;
    this.#path = path;
  }
  override target(): Target | null {
    const found = this.#names.find(this.#path);
    return found === undefined || found.protocolName !== this.protocol.name ? null : found;
  }
  override tell(tag: string, body: unknown): Delivery {
    const target = this.target();
    if (target !== null) return target.tell(tag, body);
    this.#names.dead(this.address, tag, body);
    return "dead";
  }
  override send(tag: string, body: unknown, options: SendOptions = NO_OPTIONS): Promise<void> {
    const target = this.target();
    return target === null ? this.#lost(tag, body) : target.send(tag, body, options);
  }
  override ask(tag: string, body: unknown, options: AskOptions = NO_OPTIONS): Promise<never> {
    const target = this.target();
    if (target === null) return Promise.reject(this.#noSuch());
    return target.ask(tag, body, options) as Promise<never>;
  }
  #lost(tag: string, body: unknown): Promise<never> {
    this.#names.dead(this.address, tag, body);
    return Promise.reject(this.#noSuch());
  }
  #noSuch(): ActorError {
    const found = this.#names.find(this.#path);
    return noSuchActor(
      this.address,
      found === undefined
        ? "nothing has that name"
        : `it speaks ${found.protocolName}, not ${this.protocol.name}`,
    );
  }
}

/** The error of a message to an actor that ended before it was handled. */
export function endedBefore(target: Target, tag: string): ActorError {
  return actorStopped(target.address, tag, true);
}
