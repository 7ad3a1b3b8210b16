/** Singletons: one actor in the whole cluster, placed like a key of its own kind. */

import type { ActorDefinition } from "../actor/definition.ts";
import type { Protocol } from "../actor/protocol.ts";
import type { Ref } from "../actor/ref.ts";
import { kind, ONLY_KEY, type Placed, type SingletonKind } from "./kind.ts";
import type { Placement } from "./placement.ts";

/** Declares a singleton. */
export function singleton<P extends Protocol>(
  name: string,
  definition: ActorDefinition<P, Placed>,
): SingletonKind<P> {
  return { ...kind(name, definition), isSingleton: true };
}

/** Wants a singleton from now on; idempotent, so that every node may say it at its start. */
export function startSingleton(placement: Placement, wanted: SingletonKind): Promise<void> {
  return placement.place(wanted, ONLY_KEY);
}

/** Who is the singleton now; `null` while nobody is known to be. */
export function findSingleton<P extends Protocol>(
  placement: Placement,
  wanted: SingletonKind<P>,
): Promise<Ref<P> | null> {
  return placement.find(wanted, ONLY_KEY);
}
