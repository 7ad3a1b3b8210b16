/** Watches between two nodes, in both directions. */

import type { Dock } from "../actor/bridge.ts";
import type { EndReason } from "../actor/definition.ts";
import { fromWireError, toWireError } from "./peer_errors.ts";
import type { LaneCounts, SystemBody } from "./wire.ts";

type Told = (reason: EndReason, error: unknown) => void;
type EndedBody = Extract<SystemBody, { do: "ended" }>;

/** What watches need of their association. */
export interface WatchWay {
  readonly node: string;
  readonly dock: Pick<Dock, "watch">;
  /** Watches of the peer that are held at most. */
  readonly most: number;
  say(body: SystemBody): void;
  /** How many records of each lane were accepted for the peer so far. */
  accepted(): LaneCounts;
}

/** The watches of one association. */
export class Watches {
  readonly #way: WatchWay;
  readonly #ours = new Map<number, Told>();
  readonly #theirs = new Map<number, () => void>();
  #lastId = 0;

  constructor(way: WatchWay) {
    this.#way = way;
  }

  /** Ours that have not been told, and theirs. */
  get sizes(): { readonly ours: number; readonly theirs: number } {
    return { ours: this.#ours.size, theirs: this.#theirs.size };
  }

  /** Watches an actor of the peer. */
  add(path: string, told: Told): () => void {
    this.#lastId += 1;
    const watch = this.#lastId;
    this.#ours.set(watch, told);
    this.#way.say({ do: "watch", watch, path });
    return () => {
      if (this.#ours.delete(watch)) this.#way.say({ do: "unwatch", watch });
    };
  }

  /** What the peer says; false if it holds too many. */
  heard(body: SystemBody): boolean {
    switch (body.do) {
      case "watch":
        return this.#watched(body.watch, body.path);
      case "unwatch": {
        const release = this.#theirs.get(body.watch);
        this.#theirs.delete(body.watch);
        release?.();
        return true;
      }
      case "ended":
        this.#ended(body);
        return true;
    }
  }

  /** The peer is gone: each of ours is told so, theirs are released. */
  end(error: Error): void {
    const ours = [...this.#ours.values()];
    const theirs = [...this.#theirs.values()];
    this.#ours.clear();
    this.#theirs.clear();
    for (const release of theirs) release();
    for (const told of ours) told("unreachable", error);
  }

  #ended({ watch, reason, error }: EndedBody): void {
    const told = this.#ours.get(watch);
    if (!this.#ours.delete(watch)) return;
    told?.(reason, error === undefined ? undefined : fromWireError(error, this.#way.node));
  }

  #watched(watch: number, path: string): boolean {
    if (this.#theirs.has(watch)) return true;
    if (this.#theirs.size >= this.#way.most) return false;
    let told = false;
    this.#theirs.set(watch, () => {});
    const release = this.#way.dock.watch(path, (reason, error) => {
      told = true;
      if (!this.#theirs.delete(watch)) return;
      const wire = error === undefined || error === null ? {} : { error: toWireError(error) };
      this.#way.say({ do: "ended", watch, reason, ...wire, after: this.#way.accepted() });
    });
    if (!told) this.#theirs.set(watch, release);
    return true;
  }
}
