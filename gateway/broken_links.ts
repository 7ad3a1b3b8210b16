/**
 * Questions end when the link to who was asked breaks. Without that each would wait for its whole time
 * when a controller dies: the link may come back, but another controller answers at once.
 */

import { QuorusError } from "../runtime/base/errors.ts";

/** What the door hears of links: those of a linked node. */
export interface LinkNews {
  subscribe(
    listener: (event: { readonly kind: string; readonly peer: { readonly node: string } }) => void,
  ): () => void;
}

/** Nobody knows what became of what was asked. */
export class LinkBroken extends QuorusError<"linkBroken"> {
  override readonly name = "LinkBroken";
}

const BROKEN: ReadonlySet<string> = new Set(["down", "unreachable"]);

/** See the file's comment. */
export class BrokenLinks {
  /** What is being asked, by the node that is asked. */
  readonly #asking = new Map<string, Set<AbortController>>();

  /** Without news, as of a node without links, nothing is cut short. */
  constructor(news: LinkNews | undefined) {
    news?.subscribe(({ kind, peer: { node } }) => {
      if (BROKEN.has(kind)) this.#broken(node);
    });
  }

  /** Does `ask`; its signal is aborted when the link to the node breaks. */
  async during<T>(node: string, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const going = new AbortController();
    let asking = this.#asking.get(node);
    if (asking === undefined) this.#asking.set(node, asking = new Set());
    asking.add(going);
    try {
      return await ask(going.signal);
    } finally {
      asking.delete(going);
    }
  }

  #broken(node: string): void {
    const why = `ask ${node}: the link broke before it had answered; another one is asked`;
    const error = new LinkBroken("linkBroken", why, { retryable: true, definite: false });
    for (const going of this.#asking.get(node) ?? []) going.abort(error);
  }
}
