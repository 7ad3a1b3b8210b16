/** The transfer protocols of this program. */

import { fileProtocol } from "../protocols/file/protocol.ts";
import { httpProtocol } from "../protocols/http/http.ts";
import { type ProtocolRegistry, protocolRegistry } from "../protocols/registry.ts";

/** All of them, by the schemes of their URIs. */
export function installedProtocols(): ProtocolRegistry {
  return protocolRegistry([fileProtocol(), httpProtocol()]);
}

/** The schemes of their URIs, which is also what `protocol:` may say in a workflow file. */
export function installedSchemes(): string[] {
  return installedProtocols().protocols.flatMap((protocol) => [...protocol.schemes]);
}
