/** Links between agents: made when one reads for another, kept while it does, and for a moment after. */

import type { Timers } from "../../runtime/env/env.ts";
import type { Links } from "../../runtime/remote/hub.ts";
import type { PeerAddress } from "../../runtime/remote/hub_options.ts";

/** What it needs of its node. */
export interface RelayLinksOptions {
  readonly links: Pick<Links, "connect" | "disconnect" | "peers" | "subscribe">;
  readonly timers: Timers;
  /** Nodes whose links are others' business, such as controllers. */
  readonly isKept: (node: string) => boolean;
  readonly lingerMs: number;
}

/** See the file's comment. */
export class RelayLinks {
  readonly #options: RelayLinksOptions;
  /** How often each node is held. */
  readonly #held = new Map<string, number>();

  constructor(options: RelayLinksOptions) {
    this.#options = options;
  }

  /** Keeps the link with a node until the returned function was called. */
  hold(node: string): () => void {
    this.#held.set(node, this.#countOf(node) + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#held.set(node, this.#countOf(node) - 1);
      this.#letGoSoon(node);
    };
  }

  isLinked(node: string): boolean {
    return this.#options.links.peers().some((peer) => peer.node === node && peer.state === "up");
  }

  /** Dials; resolves once linked, rejects with the link's refusal or the signal's reason. */
  async dial(address: Required<PeerAddress>, signal: AbortSignal): Promise<void> {
    if (this.isLinked(address.node)) return;
    await this.#options.links.connect(address, { signal });
  }

  /** Resolves once the node has linked by itself. */
  async linked(node: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const unsubscribe = this.#options.links.subscribe(({ kind, peer }) => {
      if (kind === "up" && peer.node === node) resolve();
    });
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    if (this.isLinked(node)) resolve();
    try {
      await promise;
    } finally {
      unsubscribe();
      signal.removeEventListener("abort", abort);
    }
  }

  /** Dials for another agent that cannot: it begins soon, or the link is given up again. */
  answer(address: Required<PeerAddress>, withinMs: number): void {
    const release = this.hold(address.node);
    const life = new AbortController();
    const { timers } = this.#options;
    timers.after(withinMs, () => {
      life.abort();
      release();
    });
    this.dial(address, life.signal).catch(() => {});
  }

  #countOf(node: string): number {
    return this.#held.get(node) ?? 0;
  }

  #letGoSoon(node: string): void {
    const { links, timers, isKept, lingerMs } = this.#options;
    if (this.#countOf(node) > 0 || isKept(node)) return;
    timers.after(lingerMs, () => {
      if (this.#countOf(node) > 0) return;
      this.#held.delete(node);
      void links.disconnect(node);
    });
  }
}
