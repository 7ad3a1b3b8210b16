/** Kinds of entities: what lives once in the cluster, once per key, or once at all. */

import type { ActorDefinition } from "../actor/definition.ts";
import type { Protocol } from "../actor/protocol.ts";

/** What the actor of an entity is started with. */
export interface Placed {
  readonly key: string;
  /**
   * Fencing token, greater than that of every holder before. Whatever the entity changes outside of
   * itself must refuse smaller ones than it has seen.
   */
  readonly token: number;
}

/** Entities of one kind, one per key; every node that may hold them knows the same kind. */
export interface Kind<P extends Protocol = Protocol> {
  readonly name: string;
  readonly protocol: P;
  /** With its types erased. */
  readonly definition: ActorDefinition<Protocol, Placed>;
}

/** A kind with but one entity. */
export interface SingletonKind<P extends Protocol = Protocol> extends Kind<P> {
  readonly isSingleton: true;
}

/** The key of a singleton. */
export const ONLY_KEY = "only";

/** Declares entities that are placed by key. */
export function kind<P extends Protocol>(
  name: string,
  definition: ActorDefinition<P, Placed>,
): Kind<P> {
  const erased = definition as unknown as ActorDefinition<Protocol, Placed>;
  return { name, protocol: definition.protocol, definition: erased };
}
