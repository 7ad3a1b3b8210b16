/** Which protocol serves which URI. */

import type { TransferProtocol } from "./contract.ts";
import { ProtocolError } from "./errors.ts";

/** The protocols of one node, by URI scheme. */
export interface ProtocolRegistry {
  /** The protocol of a URI; `badEndpoint` names the schemes that are known. */
  forUri(uri: string): TransferProtocol;
  readonly protocols: readonly TransferProtocol[];
  /** Ends what the protocols keep open between transfers. */
  close(): Promise<void>;
}

/** Builds a registry; a scheme that two protocols claim is refused. */
export function protocolRegistry(protocols: readonly TransferProtocol[]): ProtocolRegistry {
  const byScheme = new Map<string, TransferProtocol>();
  for (const protocol of protocols) {
    for (const scheme of protocol.schemes) {
      if (byScheme.has(scheme)) {
        throw new ProtocolError(
          "badEndpoint",
          `two transfer protocols claim the scheme "${scheme}"`,
        );
      }
      byScheme.set(scheme, protocol);
    }
  }
  return {
    protocols,
    close: async () => {
      await Promise.all(protocols.map((protocol) => protocol.close?.()));
    },
    forUri(uri) {
      const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase();
      const protocol = scheme === undefined ? undefined : byScheme.get(scheme);
      if (protocol !== undefined) return protocol;
      const known = [...byScheme.keys()].join(", ");
      throw new ProtocolError(
        "badEndpoint",
        scheme === undefined
          ? `cannot tell the transfer protocol of "${uri}": it has no scheme; use one of ${known}`
          : `no transfer protocol for "${scheme}:" URIs is installed; installed are ${known}`,
      );
    },
  };
}
