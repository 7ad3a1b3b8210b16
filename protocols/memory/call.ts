/** The way of a call from its client to the store and of the answer back. */

import type { Env } from "../../runtime/env/env.ts";
import { abortedError, assertNotAborted } from "../aborting.ts";
import { shownPath } from "../containment.ts";
import { ProtocolError } from "../errors.ts";
import type { MemoryFailure, MemoryOperation } from "./operations.ts";
import type { MemoryStore } from "./store.ts";

/** One call: what it is, and what fires to give it up. */
export interface MemoryCall {
  readonly operation: MemoryOperation;
  readonly path: string;
  readonly signal: AbortSignal | null;
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/**
 * Runs `act` in the store. The request travels on the client's timers and is lost with the client, or
 * on the store's own where operations land after their client died; the answer always travels on the
 * client's, so a dead client's calls never settle.
 */
export async function callStore<T>(
  store: MemoryStore,
  client: Env,
  call: MemoryCall,
  act: () => T,
): Promise<T> {
  const action = `${call.operation} ${shownPath(call.path)} in memory`;
  if (call.signal !== null) assertNotAborted(action, call.signal);
  const [requestMs, replyMs] = store.options.delayMs?.(call.operation) ?? [0, 0];
  const outcome = requestMs + replyMs === 0
    ? landed(store, call, act)
    : await travelled(store, client, { ...call, action, requestMs, replyMs }, act);
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

function landed<T>(store: MemoryStore, call: MemoryCall, act: () => T): Outcome<T> {
  const failure = store.takeFailure(call.path, call.operation);
  if (failure !== null && failure.applied !== true) return { error: failureOf(call, failure) };
  try {
    const value = act();
    return failure === null ? { value } : { error: failureOf(call, failure) };
  } catch (error) {
    return { error };
  }
}

function failureOf(call: MemoryCall, failure: MemoryFailure): ProtocolError {
  return new ProtocolError(
    failure.code,
    `cannot ${call.operation} ${shownPath(call.path)} in memory: a fault was injected`,
    { definite: failure.applied !== true },
  );
}

function travelled<T>(
  store: MemoryStore,
  client: Env,
  call: MemoryCall & { action: string; requestMs: number; replyMs: number },
  act: () => T,
): Promise<Outcome<T>> {
  const late = store.options.landAfterDeath === true;
  const { signal } = call;
  return new Promise((resolve) => {
    const carrier = late ? store.env : client;
    let arrived = false;
    let onTheWay = carrier.timers.after(call.requestMs, () => {
      arrived = true;
      const outcome = landed(store, call, act);
      onTheWay = client.timers.after(call.replyMs, () => settle(outcome));
    });
    const giveUp = () => {
      // A request that lands late is on its way whatever its client wants.
      if (!late) onTheWay.cancel();
      settle({ error: abortedError(call.action, signal!, !late && !arrived) });
    };
    const settle = (outcome: Outcome<T>) => {
      signal?.removeEventListener("abort", giveUp);
      resolve(outcome);
    };
    signal?.addEventListener("abort", giveUp, { once: true });
  });
}
