/**
 * All links of one node: listens, dials, shakes hands, and carries what its actors send to other nodes
 * and theirs to it.
 */

import type { Carrier, Dock } from "../actor/bridge.ts";
import type { Env } from "../env/env.ts";
import type { ListenTls, Socket } from "../env/sockets.ts";
import { HubCore } from "./hub_core.ts";
import type { HubOptions, PeerAddress } from "./hub_options.ts";
import type { PeerEvent, PeerView } from "./peer.ts";

/** The links of a node, as its owner sees them. */
export interface Links {
  /** New at each start and at each {@link renew}. */
  readonly incarnation: string;
  /** Where it listens, with the actual ports; complete once {@link ready}. */
  readonly urls: readonly string[];
  /** Rejects with a SocketError where it cannot listen. */
  readonly ready: Promise<void>;
  /**
   * Resolves when the peer is linked. Rejects with the refusal (RemoteError), `Disconnected` or
   * `HubClosed`, or RemoteError `PlainLink`, `NoCredential` for a URL that must not be dialled. A peer
   * that is not there yet is waited for. Dialling goes on after this settles, until a refusal that is
   * final, `disconnect` or `close`.
   */
  connect(peer: PeerAddress, options?: { readonly signal?: AbortSignal }): Promise<PeerView>;
  /**
   * Links over a socket that stands, such as the port of a Worker. Who names the node it `expected`
   * speaks first, so one end does and the other does not. Resolves when linked; rejects like `connect`.
   */
  adopt(socket: Socket, expected?: string): Promise<PeerView>;
  /** Says goodbye: watches of the peer end as `unreachable`, and it is not dialled any more. */
  disconnect(node: string): Promise<void>;
  /** Every node that was linked, with the state of its association and of its queues. */
  peers(): PeerView[];
  /** Tells what happens to peers; the returned function ends that. */
  subscribe(listener: (event: PeerEvent) => void): () => void;
  /**
   * Uses this certificate and these authorities for links from now on, dialled and accepted; those that
   * stand go on. SocketError `tls` where they cannot be used: then nothing has changed.
   */
  secure(tls: ListenTls): void;
  /** Takes a new incarnation: leaves every peer, and dials again. Gives the new one. */
  renew(): string;
  /** Leaves every peer; everything pending settles. Idempotent. */
  close(): Promise<void>;
}

/** All links of one node, as its actors use them too. */
export interface Hub extends Links, Carrier {}

/** Starts the links of the node whose actors are behind `dock`. */
export function createHub(
  env: Pick<Env, "timers" | "clock" | "random" | "hash" | "sockets" | "log">,
  dock: Dock,
  options: HubOptions = {},
): Hub {
  const core = new HubCore(env, dock, options);
  core.start();
  return core;
}
