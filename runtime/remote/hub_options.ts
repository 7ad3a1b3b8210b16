/** How a node's links are configured, and which ways of it are refused at once. */

import type { TlsOptions } from "../env/env.ts";
import type { ListenTls } from "../env/sockets.ts";
import { RemoteError } from "./handshake_refusals.ts";
import type { RemoteLimits } from "./limits.ts";
import type { DetectorFactory } from "./liveness.ts";
import type { PeerView } from "./peer.ts";

/** A node to link with. */
export interface PeerAddress {
  /** Its id; without one, whoever answers and proves itself. */
  readonly node?: string;
  /** `ws://host:port` or `wss://host:port`. */
  readonly url: string;
}

/** Where to listen; port 0 takes a free one. */
export interface HubListen {
  readonly hostname: string;
  readonly port: number;
  readonly tls?: ListenTls;
}

/** How a node's links are made. */
export interface HubOptions {
  /** Nowhere unless given. */
  readonly listen?: readonly HubListen[];
  /** Certificate and authorities for dialling. */
  readonly tls?: TlsOptions;
  /** Join token, the same on all nodes; random and long, as whoever may dial can guess against it. */
  readonly token?: string;
  /** Peers must show a certificate that names their node. Without a token `wss:` requires it anyway. */
  readonly requireCertificate?: boolean;
  /** Allows connections without TLS beyond loopback. */
  readonly allowPlain?: boolean;
  /** Dialled from the start, for as long as the hub lives. */
  readonly peers?: readonly PeerAddress[];
  readonly limits?: Partial<RemoteLimits>;
  /** Says which links are given up; phi-accrual, within 5 s, if left out. */
  readonly detector?: DetectorFactory;
  /** A peer has given this node up. It is dialled again with a new identity all the same. */
  readonly onQuarantined?: (peer: PeerView) => void;
}

/** Throws RemoteError `PlainLink` or `NoCredential` for a listener that must not be. */
export function checkListen({ hostname, port, tls }: HubListen, options: HubOptions): void {
  check(`listen on ${hostname}:${port}`, hostname, tls !== undefined, options);
}

/** The same for a URL to dial; `PlainLink` also for what is no `ws:` or `wss:` URL. */
export function checkDial(url: string, options: HubOptions): void {
  const parsed = URL.parse(url);
  if (parsed === null || (parsed.protocol !== "ws:" && parsed.protocol !== "wss:")) {
    throw new RemoteError("PlainLink", `dial "${url}": not a ws:// or wss:// URL; correct it`);
  }
  const hostname = parsed.hostname.replace(/^\[|\]$/g, "");
  check(`dial ${url}`, hostname, parsed.protocol === "wss:", options);
}

/** This machine only. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function check(action: string, hostname: string, isEncrypted: boolean, options: HubOptions): void {
  if (isLoopback(hostname) || isEncrypted) return;
  if (options.allowPlain !== true) {
    throw new RemoteError(
      "PlainLink",
      `${action}: beyond loopback links are encrypted; configure TLS, or allow plain ones (allowPlain)`,
    );
  }
  if (options.token === undefined) {
    throw new RemoteError(
      "NoCredential",
      `${action}: anybody could join over a plain link; configure a join token, or TLS with certificates`,
    );
  }
}
