/**
 * The network of a world: machines that listen, paths between them, and what goes wrong on the way.
 *
 * Connections are byte streams as TCP makes them: a cut path loses nothing while both ends live, it
 * holds everything back; a process that dies resets its connections, unless the path is cut; a machine
 * without power says nothing, and forgets.
 */

import { limitValues } from "../base/limits.ts";
import type { ListenOptions, Socket } from "../env/sockets.ts";
import { SimCertificates } from "./certificates.ts";
import type { DelayMs, Incarnation } from "./incarnation.ts";
import { SIM_LIMITS } from "./limits.ts";
import { Path } from "./path.ts";
import type { VirtualTime } from "./time.ts";

const LIMITS = limitValues(SIM_LIMITS);
const LOCAL_MS: DelayMs = { low: 0.01, high: 0.05 };
const NEAR_MS: DelayMs = { low: 0.1, high: 0.5 };
const OWN_NAMES: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]", "::1"]);

/** From one machine to another, by name. */
export type Direction = readonly [from: string, to: string];

/** Somebody who takes connections. */
export interface SimListener {
  readonly incarnation: Incarnation;
  readonly machine: string;
  readonly port: number;
  readonly options: ListenOptions;
  readonly accept: (socket: Socket) => void;
  /** The wall clock of its machine. */
  readonly wallMs: () => number;
}

/** A connection that stands, for those who break it. */
export interface SimConnection {
  readonly between: Direction;
  /** Both ends see it end with 1006. */
  reset(): void;
}

/** What a path is like; what is left out stays. */
export interface PathConditions {
  readonly delayMs?: DelayMs;
  readonly bytesPerMs?: number;
}

/** Machines, listeners, connections and paths. */
export class SimNetwork {
  readonly certificates = new SimCertificates();
  readonly #time: VirtualTime;
  readonly #machines = new Set<string>();
  readonly #dark = new Set<string>();
  readonly #paths = new Map<string, Path>();
  readonly #listeners = new Map<string, SimListener>();
  readonly #connections = new Set<SimConnection>();
  #usual: Required<PathConditions> = { delayMs: NEAR_MS, bytesPerMs: LIMITS.bytesPerMs };
  #count = 0;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** How many connections stand, in the eyes of at least one end. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Names of all machines, in the order in which they came. */
  get machines(): readonly string[] {
    return [...this.#machines];
  }

  /** Sets what the paths between machines are like: all of them, or one direction. */
  shape(conditions: PathConditions, direction?: Direction): void {
    if (direction !== undefined) return applyTo(this.path(...direction), conditions);
    this.#usual = { ...this.#usual, ...conditions };
    for (const path of this.#paths.values()) {
      if (path.from !== path.to) applyTo(path, conditions);
    }
  }

  /** Takes back what {@link shape} did to one direction, or to every one of them. */
  unshape(direction?: Direction): void {
    const paths = direction === undefined ? this.#paths.values() : [this.path(...direction)];
    for (const path of paths) if (path.from !== path.to) applyTo(path, this.#usual);
  }

  /** Cuts these directions: nothing passes until they are healed. */
  cut(directions: readonly Direction[]): void {
    this.#time.note(`network cut ${named(directions)}`);
    for (const direction of directions) this.path(...direction).cut(true);
  }

  /** Cuts every direction between machines of different groups. */
  partition(groups: readonly (readonly string[])[]): void {
    this.cut(directionsBetween(groups));
  }

  /** Heals these directions, or all of them. */
  heal(directions?: readonly Direction[]): void {
    this.#time.note(`network heal ${directions === undefined ? "all" : named(directions)}`);
    const paths = directions?.map((direction) => this.path(...direction)) ??
      [...this.#paths.values()];
    for (const path of paths) {
      path.cut(false);
      path.unclog();
    }
  }

  /** Holds everything of these directions back for `ms`. */
  clog(directions: readonly Direction[], ms: number): void {
    this.#time.note(`network clog ${named(directions)} ${ms} ms`);
    for (const direction of directions) this.path(...direction).clog(ms);
  }

  /** Breaks the connections between two machines; both ends get 1006. */
  reset(one: string, other: string): void {
    this.#time.note(`network reset ${one} - ${other}`);
    for (const connection of [...this.#connections]) {
      const [a, b] = connection.between;
      if ((a === one && b === other) || (a === other && b === one)) connection.reset();
    }
  }

  /** The path of one direction. */
  path(from: string, to: string): Path {
    const key = `${from}>${to}`;
    let path = this.#paths.get(key);
    if (path === undefined) {
      path = new Path(this.#time, from, to, from === to ? LOCAL_MS : this.#usual.delayMs);
      path.bytesPerMs = this.#usual.bytesPerMs;
      if (this.#dark.has(to)) path.darken(true);
      this.#paths.set(key, path);
    }
    return path;
  }

  /** A machine has power from now on, or no longer. */
  power(machine: string, isOn: boolean): void {
    this.#machines.add(machine);
    if (isOn) this.#dark.delete(machine);
    else this.#dark.add(machine);
    for (const path of this.#paths.values()) if (path.to === machine) path.darken(!isOn);
  }

  /** The machine that `host` means on `from`; `undefined` where nobody has that name. */
  resolve(from: string, host: string): string | undefined {
    if (OWN_NAMES.has(host)) return from;
    return this.#machines.has(host) ? host : undefined;
  }

  /** Who takes connections from `from` on `port` of `machine`. */
  listenerOf(from: string, machine: string, port: number): SimListener | undefined {
    const listener = this.#listeners.get(`${machine}:${port}`);
    if (listener === undefined) return undefined;
    const isPrivate = OWN_NAMES.has(listener.options.hostname);
    return isPrivate && from !== machine ? undefined : listener;
  }

  /** Takes a port until the returned function is called; `null` if somebody has it. */
  bind(listener: SimListener): (() => void) | null {
    const key = `${listener.machine}:${listener.port}`;
    if (this.#listeners.has(key)) return null;
    this.#listeners.set(key, listener);
    return () => {
      if (this.#listeners.get(key) === listener) this.#listeners.delete(key);
    };
  }

  /** A port of `machine` on which nobody listens. */
  freePort(machine: string): number {
    let port = LIMITS.firstFreePort;
    while (this.#listeners.has(`${machine}:${port}`)) port += 1;
    return port;
  }

  /** A number that no other connection of this world has. */
  nextConnection(): number {
    this.#count += 1;
    return this.#count;
  }

  /** Counts a connection until the returned function is called. */
  connected(connection: SimConnection): () => void {
    this.#connections.add(connection);
    return () => this.#connections.delete(connection);
  }
}

/** Every direction from a machine of one group to a machine of another. */
export function directionsBetween(groups: readonly (readonly string[])[]): Direction[] {
  const directions: Direction[] = [];
  for (const group of groups) {
    for (const other of groups) {
      if (group === other) continue;
      for (const from of group) for (const to of other) directions.push([from, to]);
    }
  }
  return directions;
}

function applyTo(path: Path, { delayMs, bytesPerMs }: PathConditions): void {
  if (delayMs !== undefined) path.delay = delayMs;
  if (bytesPerMs !== undefined) path.bytesPerMs = bytesPerMs;
}

function named(directions: readonly Direction[]): string {
  return directions.map(([from, to]) => `${from}>${to}`).join(" ");
}
