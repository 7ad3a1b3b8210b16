/** The Workers of this process: threads whose nodes are linked over a port, which nobody else can claim. */

import type { Links } from "../../runtime/remote/hub.ts";

/** See the head of this file. */
export class OwnWorkers {
  readonly #nodes = new Set<string>();

  /** Knows the Workers behind these links from now on. */
  attach(links: Pick<Links, "subscribe">): void {
    links.subscribe(({ kind, peer: { node, address } }) => {
      // What dials or is dialled has a host and a port for an address.
      if (kind === "up" && address === `worker ${node}`) this.#nodes.add(node);
      if (kind === "unreachable") this.#nodes.delete(node);
    });
  }

  has(node: string): boolean {
    return this.#nodes.has(node);
  }
}
