/** Everything that a node dials: main links of peers it was told of, bulk links where needed. */

import { RemoteError } from "./handshake_refusals.ts";
import type { HandshakePeer, Identity } from "./handshake.ts";
import type { Call } from "./handshake_client.ts";
import type { Handover } from "./handover.ts";
import type { Refusal } from "./handshake_refusals.ts";
import type { OwnDial } from "./hub_admission.ts";
import { Dial, type DialWay } from "./hub_dial.ts";
import type { PeerAddress } from "./hub_options.ts";
import type { Peer } from "./peer.ts";

/** What dials need of the hub. */
export interface DialsWay
  extends Pick<DialWay, "env" | "deadlines" | "limits" | "tls" | "node" | "partings" | "self"> {
  selfFor(node: string | null): Identity;
  decide(other: HandshakePeer, address: string): Promise<Refusal | null>;
  link(other: HandshakePeer, handover: Handover): void;
  refused(error: Error & { code: string }, node: string | null): void;
  givenUp(node: string): void;
}

interface Waiter {
  readonly dial: Dial;
  readonly resolve: (peer: Peer) => void;
  readonly reject: (error: Error) => void;
}

/** The dials of one node. */
export class HubDials {
  readonly #way: DialsWay;
  readonly #peer: (node: string) => Peer;
  readonly #main = new Set<Dial>();
  readonly #bulk = new Map<Peer, Dial>();
  readonly #waiters = new Set<Waiter>();
  readonly #said = new WeakMap<Dial, string>();

  constructor(way: DialsWay, peer: (node: string) => Peer) {
    this.#way = way;
    this.#peer = peer;
  }

  /** Dials an address for as long as it is not refused for good, or for ever where configured. */
  add({ url, node }: PeerAddress, isConfigured: boolean): Dial {
    for (const dial of this.#main) {
      if (dial.url === url && (node === undefined || dial.node === node)) {
        dial.start();
        return dial;
      }
    }
    const dial = new Dial(this.#dialWay(), {
      url,
      kind: "main",
      node: node ?? null,
      isConfigured,
    });
    this.#main.add(dial);
    if (node !== undefined) this.#peer(node).join();
    dial.start();
    return dial;
  }

  /** Resolves when the peer at the address is linked. */
  connect(address: PeerAddress, signal: AbortSignal | undefined): Promise<Peer> {
    const known = address.node === undefined ? null : this.#peer(address.node);
    if (known?.isUp) return Promise.resolve(known);
    const { promise, resolve, reject } = Promise.withResolvers<Peer>();
    const waiter: Waiter = { dial: this.add(address, false), resolve, reject };
    const linked = [...this.#main].includes(waiter.dial) && waiter.dial.node !== null &&
      this.#peer(waiter.dial.node).isUp;
    if (linked) return Promise.resolve(this.#peer(waiter.dial.node!));
    this.#waiters.add(waiter);
    const abort = (): void => {
      this.#waiters.delete(waiter);
      reject(signal!.reason);
    };
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    const done = (): void => signal?.removeEventListener("abort", abort);
    promise.then(done, done);
    return promise;
  }

  /** Our attempt to reach a node's main link, if one runs. */
  attemptTo(node: string): OwnDial | null {
    const ours = [...this.#main].filter((dial) => dial.node === node && dial.isTrying);
    return ours.find((dial) => dial.isCommitted) ?? ours[0] ?? null;
  }

  /** The peer is linked, by whichever connection. */
  linked(peer: Peer): void {
    for (const dial of this.#main) {
      if (dial.node === peer.node) dial.rest();
    }
    for (const waiter of [...this.#waiters]) {
      if (waiter.dial.node !== peer.node) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(peer);
    }
  }

  /** Its main link is lost. */
  lost(peer: Peer): void {
    this.#bulk.get(peer)?.stop();
    this.#bulk.delete(peer);
    for (const dial of this.#main) {
      if (dial.node === peer.node) dial.again();
    }
  }

  /** Opens the bulk link of a peer whose main link we have dialled. */
  openBulk(peer: Peer): void {
    const standing = this.#bulk.get(peer);
    if (standing !== undefined) return standing.again();
    if (peer.url === null) return;
    const { url, node } = peer;
    const dial = new Dial(this.#dialWay(), { url, kind: "bulk", node, isConfigured: false });
    this.#bulk.set(peer, dial);
    dial.start();
  }

  /** Dials a node no more. */
  remove(node: string, error: RemoteError): void {
    for (const dial of [...this.#main]) {
      if (dial.node === node) this.#end(dial, error);
    }
  }

  /** Everything again, at once. */
  restart(): void {
    for (const dial of this.#main) {
      dial.rest();
      dial.start();
    }
  }

  /** Dials nobody any more. */
  close(error: RemoteError): void {
    for (const dial of [...this.#main]) this.#end(dial, error);
    for (const dial of this.#bulk.values()) dial.stop();
    this.#bulk.clear();
  }

  #end(dial: Dial, error: Error): void {
    dial.stop();
    this.#main.delete(dial);
    this.#reject(dial, error);
  }

  #reject(dial: Dial, error: Error): void {
    for (const waiter of [...this.#waiters]) {
      if (waiter.dial !== dial) continue;
      this.#waiters.delete(waiter);
      waiter.reject(error);
    }
  }

  #dialWay(): DialWay {
    const { env, deadlines, limits, tls, node, partings, self } = this.#way;
    return {
      env,
      deadlines,
      limits,
      tls,
      node,
      partings,
      self,
      call: (dial) => this.#call(dial),
      decide: (dial, other, address) => {
        if (dial.kind === "main") dial.node ??= other.node;
        return this.#way.decide(other, address);
      },
      linked: (dial, other, handover) => {
        this.#said.delete(dial);
        if (dial.kind === "main") this.#peer(other.node).url = dial.url;
        this.#way.link(other, handover);
        return this.#peer(other.node).isUp;
      },
      failed: (dial, error, again) => this.#failed(dial, error, again),
      givenUp: (dial) => {
        if (dial.node !== null) this.#way.givenUp(dial.node);
      },
    };
  }

  #call({ node, kind }: Dial): Call | null {
    const identity = this.#way.selfFor(node);
    if (kind === "main" && node !== null && this.#peer(node).isUp) return null;
    if (kind === "main") return { identity, expected: node, link: kind, association: null };
    const { association, isUp } = this.#peer(node!);
    if (!isUp || association === null) return null;
    return { identity, expected: node, link: kind, association };
  }

  #failed(dial: Dial, error: Error & { code: string }, again: boolean): void {
    if (dial.kind === "bulk") return this.#bulkFailed(dial, again);
    // The same failure is told once, until something else happens.
    if (this.#said.get(dial) !== error.code) {
      this.#said.set(dial, error.code);
      this.#way.refused(error, dial.node);
    }
    if (error.code === "Superseded" && dial.node !== null && this.#peer(dial.node).isUp) {
      return this.linked(this.#peer(dial.node));
    }
    const isOurs = error instanceof RemoteError && "refusedBy" in error.details;
    const mends = error.code === "Quarantined" || error.code === "Superseded";
    if (!again) this.#end(dial, error);
    else if (isOurs && !mends) this.#reject(dial, error);
  }

  /** Without its bulk link an association is half dead: it begins anew with all its links. */
  #bulkFailed(dial: Dial, again: boolean): void {
    const sinceMs = dial.failingSinceMs ?? Infinity;
    const isPatient = this.#way.deadlines.now() - sinceMs < this.#way.limits.graceMs;
    if (again && isPatient) return;
    this.#peer(dial.node!).session?.drop("its bulk link cannot be opened");
  }
}
