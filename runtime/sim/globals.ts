/**
 * Replaces every global that two runs of one program may see differently by one that throws, so that
 * neither our code nor a package reads a clock, draws a random number or does real I/O in a simulation.
 *
 * What the world itself needs, a turn of the real event loop, was taken when its modules were loaded.
 */

import { assert } from "../base/assert.ts";
import { QuorusError } from "../base/errors.ts";

/** A nondeterministic global was used within a simulation. */
export class ForbiddenGlobal extends QuorusError<"ForbiddenGlobal"> {
  override readonly name = "ForbiddenGlobal";
}

const TIME = "take Env.clock";
const TIMERS = "take Env.timers";
const RANDOM = "take Env.random";
const HASH = "take Env.hash: WebCrypto settles in an order that no seed repeats";
const NETWORK = "take Env.net or Env.sockets";
const HOST = "take Env.disk, Env.kv, Env.net or Env.workers";
const COLLECTOR = "keep no weak references: the collector decides when they change";

/** Functions and classes by the object that holds them ("" is the global object), with the advice. */
const FORBIDDEN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "": {
    setTimeout: TIMERS,
    setInterval: TIMERS,
    setImmediate: TIMERS,
    fetch: NETWORK,
    WebSocket: NETWORK,
    WebSocketStream: NETWORK,
    EventSource: NETWORK,
    XMLHttpRequest: NETWORK,
    Worker: "take Env.workers",
    BroadcastChannel: "take Env.workers",
    WeakRef: COLLECTOR,
    FinalizationRegistry: COLLECTOR,
    alert: HOST,
    confirm: HOST,
    prompt: HOST,
  },
  Math: { random: RANDOM },
  performance: { now: TIME, mark: TIME, measure: TIME },
  crypto: { getRandomValues: RANDOM, randomUUID: RANDOM },
  AbortSignal: { timeout: TIMERS },
};

/** Getters that throw. */
const FORBIDDEN_GETTERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "": { localStorage: HOST, sessionStorage: HOST, caches: HOST },
  crypto: { subtle: HASH },
  performance: { timeOrigin: TIME },
};

/**
 * What of the host's namespace does no I/O, or is how the program that runs us speaks and ends. Node's
 * modules read `env` while they load; `--ignore-env` makes it empty.
 */
const HARMLESS_HOST: ReadonlySet<string> = new Set([
  "env",
  "internal",
  "jupyter",
  "test",
  "bench",
  "lint",
  "version",
  "build",
  "errors",
  "inspect",
  "exit",
  "exitCode",
  "SeekMode",
  "noColor",
  "args",
  "mainModule",
  "stdout",
  "stderr",
  "refTimer",
  "unrefTimer",
]);

/** Until {@link ReplacedGlobals.restore} is called. */
export interface ReplacedGlobals {
  restore(): void;
}

/**
 * Replaces them for the whole process until `restore` is called; uses throw {@link ForbiddenGlobal} with
 * what to take instead. Capture a real clock before, for the speed of a run.
 *
 * @example
 * ```ts
 * import { replaceGlobals } from "@quorus/quorus/testing";
 *
 * const globals = replaceGlobals();
 * let refused = "";
 * try {
 *   Math.random();
 * } catch (error) {
 *   refused = (error as Error).message;
 * } finally {
 *   globals.restore();
 * }
 * console.assert(refused.includes("take Env.random"));
 * console.assert(Math.random() < 1);
 * ```
 */
export function replaceGlobals(): ReplacedGlobals {
  // Node's process object reads the host when it is first used, perhaps by a package that loads later.
  Reflect.get(objectOf("process") ?? {}, "pid");
  const replacing = new Replacing();
  try {
    for (const [owner, members] of Object.entries(FORBIDDEN)) {
      for (const [name, advice] of Object.entries(members)) replacing.call(owner, name, advice);
    }
    for (const [owner, members] of Object.entries(FORBIDDEN_GETTERS)) {
      for (const [name, advice] of Object.entries(members)) replacing.getter(owner, name, advice);
    }
    replacing.host();
    replacing.present();
  } catch (cause) {
    replacing.restore();
    throw cause;
  }
  return replacing;
}

class Replacing implements ReplacedGlobals {
  readonly #undo: (() => void)[] = [];

  call(owner: string, name: string, advice: string): void {
    const target = objectOf(owner);
    if (target === undefined || !(name in target)) return;
    const path = owner === "" ? name : `${owner}.${name}`;
    // A function and not an arrow: `new` must meet the same refusal.
    const refuse = function (): never {
      throw forbidden(path, advice);
    };
    this.#define(target, name, { value: refuse, writable: true, configurable: true });
  }

  getter(owner: string, name: string, advice: string): void {
    const target = objectOf(owner);
    if (target === undefined || !(name in target)) return;
    const path = owner === "" ? name : `${owner}.${name}`;
    const get = (): never => {
      throw forbidden(path, advice);
    };
    this.#define(target, name, { get, configurable: true });
  }

  /** All functions of the host's namespace that may do I/O. */
  host(): void {
    const name = "Deno";
    const host = objectOf(name);
    if (host === undefined) return;
    for (const key of Object.keys(host)) {
      if (HARMLESS_HOST.has(key)) continue;
      const { value } = Object.getOwnPropertyDescriptor(host, key)!;
      if (typeof value === "function") this.call(name, key, HOST);
      else this.getter(name, key, HOST);
    }
  }

  /** `Date` asked for the present, and `Temporal.Now`; everything that is told a time goes on. */
  present(): void {
    const RealDate = Reflect.get(globalThis, "Date") as DateConstructor;
    const refuse = (path: string) => (): never => {
      throw forbidden(path, TIME);
    };
    const replaced = new Proxy(RealDate, {
      apply: refuse("Date()"),
      construct: (target, args, newTarget) =>
        args.length === 0 ? refuse("new Date()")() : Reflect.construct(target, args, newTarget),
      get: (target, key, receiver) =>
        key === "now" ? refuse("Date.now") : Reflect.get(target, key, receiver),
    });
    this.#define(globalThis, "Date", { value: replaced, writable: true, configurable: true });
    const temporal = objectOf("Temporal");
    const now = temporal === undefined ? undefined : Reflect.get(temporal, "Now") as object;
    for (const key of now === undefined ? [] : Object.getOwnPropertyNames(now)) {
      const path = `Temporal.Now.${key}`;
      this.#define(now!, key, { value: refuse(path), writable: true, configurable: true });
    }
  }

  restore(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }

  #define(target: object, name: string, descriptor: PropertyDescriptor): void {
    const before = Object.getOwnPropertyDescriptor(target, name);
    assert(before?.configurable !== false || before.writable === true, `${name} can be replaced`);
    if (before?.configurable === false) {
      Reflect.set(target, name, descriptor.value);
      this.#undo.push(() => Reflect.set(target, name, before.value));
      return;
    }
    Object.defineProperty(target, name, { enumerable: before?.enumerable ?? false, ...descriptor });
    this.#undo.push(() => {
      if (before === undefined) Reflect.deleteProperty(target, name);
      else Object.defineProperty(target, name, before);
    });
  }
}

function objectOf(path: string): object | undefined {
  if (path === "") return globalThis;
  const value: unknown = Reflect.get(globalThis, path);
  return typeof value === "object" || typeof value === "function" ? value ?? undefined : undefined;
}

function forbidden(path: string, advice: string): ForbiddenGlobal {
  return new ForbiddenGlobal(
    "ForbiddenGlobal",
    `use ${path} in a simulation: no seed repeats what it gives; ${advice} instead`,
  );
}
