/** The context of one incarnation: a door that is shut when the incarnation ends. */

import type { Env, LogLevel } from "../env/env.ts";
import type { ActorDefinition, Context, SpawnOptions } from "./definition.ts";
import { contextRevoked } from "./errors.ts";
import type { Protocol } from "./protocol.ts";
import type { Ref } from "./ref.ts";

/** The actor behind a context, types erased. */
export interface ContextHost {
  readonly ref: Ref;
  readonly address: string;
  readonly env: Env;
  readonly incarnation: number;
  readonly trace: string | null;
  readonly senderNode: string;
  remainingMs(): number;
  handlerSignal(): AbortSignal;
  log(level: LogLevel, message: string, facts: Readonly<Record<string, unknown>>): void;
  spawn(definition: ActorDefinition<Protocol, unknown>, options: SpawnOptions<unknown>): Ref;
  stopSelf(): void;
  stopChild(ref: Ref): void;
  watch(ref: Ref): void;
  unwatch(ref: Ref): void;
  startTask(name: string, run: (signal: AbortSignal) => unknown): void;
  abortTask(name: string, reason: unknown): boolean;
  setTimer(name: string, ms: number, repeat: boolean, tag: string, body: unknown): void;
  cancelTimer(name: string): boolean;
  refTo(protocol: Protocol, address: string): Ref;
}

/** See {@link Context}. */
export class ActorContext implements Context {
  #host: ContextHost | null;
  readonly #address: string;

  constructor(host: ContextHost) {
    this.#host = host;
    this.#address = host.address;
  }

  /** Every later use throws `ContextRevoked`. */
  revoke(): void {
    this.#host = null;
  }

  get self(): Ref {
    return this.#live().ref;
  }
  get env(): Env {
    return this.#live().env;
  }
  get incarnation(): number {
    return this.#live().incarnation;
  }
  get remainingMs(): number {
    return this.#live().remainingMs();
  }
  get trace(): string | null {
    return this.#live().trace;
  }
  get senderNode(): string {
    return this.#live().senderNode;
  }
  get signal(): AbortSignal {
    return this.#live().handlerSignal();
  }
  log(level: LogLevel, message: string, facts: Readonly<Record<string, unknown>> = {}): void {
    this.#live().log(level, message, facts);
  }
  spawn<Q extends Protocol, A>(
    definition: ActorDefinition<Q, A>,
    options: SpawnOptions<A>,
  ): Ref<Q> {
    const erased = definition as unknown as ActorDefinition<Protocol, unknown>;
    return this.#live().spawn(erased, options) as unknown as Ref<Q>;
  }
  stop(child?: Ref): void {
    if (child === undefined) this.#live().stopSelf();
    else this.#live().stopChild(child);
  }
  watch(ref: Ref): void {
    this.#live().watch(ref);
  }
  unwatch(ref: Ref): void {
    this.#live().unwatch(ref);
  }
  task(name: string, run: (signal: AbortSignal) => unknown): void {
    this.#live().startTask(name, run);
  }
  abort(name: string, reason?: unknown): boolean {
    return this.#live().abortTask(name, reason);
  }
  after(name: string, ms: number, tag: string, body: unknown): void {
    this.#live().setTimer(name, ms, false, tag, body);
  }
  every(name: string, ms: number, tag: string, body: unknown): void {
    this.#live().setTimer(name, ms, true, tag, body);
  }
  cancel(name: string): boolean {
    return this.#live().cancelTimer(name);
  }
  ref<Q extends Protocol>(protocol: Q, address: string): Ref<Q> {
    return this.#live().refTo(protocol, address) as unknown as Ref<Q>;
  }

  #live(): ContextHost {
    if (this.#host === null) throw contextRevoked(this.#address);
    return this.#host;
  }
}
