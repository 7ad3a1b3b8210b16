/** Two handshake machines that talk to each other, without sockets. */

import type { SocketPeer } from "../../../runtime/env/sockets.ts";
import { hmacSha256, sha256 } from "../../../runtime/env/sha256.ts";
import type { Hashing } from "../../../runtime/env/env.ts";
import type {
  HandshakeOutcome,
  HandshakePeer,
  HandshakeSelf,
  HandshakeStep,
  Identity,
} from "../../../runtime/remote/handshake.ts";
import { type Call, ClientHandshake } from "../../../runtime/remote/handshake_client.ts";
import type { Refusal } from "../../../runtime/remote/handshake_refusals.ts";
import { ServerHandshake } from "../../../runtime/remote/handshake_server.ts";

export const HASHING: Pick<Hashing, "sha256" | "hmacSha256"> = { sha256, hmacSha256 };

const WINDOW = { messages: 10, bytes: 1_000 };

export function selfOf(node: string, options: Partial<HandshakeSelf> = {}): HandshakeSelf {
  return {
    node,
    token: null,
    requireCertificate: false,
    versions: { min: 1, max: 1 },
    features: [],
    windows: {
      consensus: WINDOW,
      message: WINDOW,
      bulk: WINDOW,
      target: WINDOW,
      messageBytes: 1_000,
    },
    nonce: (node === "a" ? "a" : "b").repeat(32),
    hash: HASHING as Hashing,
    maxBytes: 16_384,
    ...options,
  };
}

export function transportOf(address: string, options: Partial<SocketPeer> = {}): SocketPeer {
  return { address, encrypted: false, own: false, certificate: null, ...options };
}

export function identityOf(node: string, incarnation = `${node}1`, renewal = 1): Identity {
  return { node, incarnation, renewal };
}

export interface Scene {
  readonly client?: Partial<HandshakeSelf>;
  readonly server?: Partial<HandshakeSelf>;
  readonly clientSees?: Partial<SocketPeer>;
  readonly serverSees?: Partial<SocketPeer>;
  readonly call?: Partial<Call>;
  readonly serverNode?: string;
  readonly serverIdentity?: Identity;
  readonly clientDecides?: (peer: HandshakePeer) => Refusal | null;
  readonly serverDecides?: (peer: HandshakePeer) => Refusal | null;
  /** Changes what travels. */
  readonly wire?: (frame: Uint8Array, from: "client" | "server") => Uint8Array;
}

export interface Shaken {
  readonly client: HandshakeOutcome | null;
  readonly server: HandshakeOutcome | null;
  /** Everything that went over the wire, as text. */
  readonly said: readonly string[];
}

/** Lets "b" dial "a" and runs until nobody has anything to say. */
export function shake(scene: Scene = {}): Shaken {
  const serverNode = scene.serverNode ?? "a";
  const client = new ClientHandshake(
    selfOf("b", scene.client),
    transportOf("10.0.0.1:4100", scene.clientSees),
    { identity: identityOf("b"), expected: "a", link: "main", association: null, ...scene.call },
  );
  const server = new ServerHandshake(
    selfOf(serverNode, scene.server),
    transportOf("10.0.0.2:50000", scene.serverSees),
    () => scene.serverIdentity ?? identityOf(serverNode),
  );
  const outcomes: Record<"client" | "server", HandshakeOutcome | null> = {
    client: null,
    server: null,
  };
  const said: string[] = [];
  const queue: { frame: Uint8Array; from: "client" | "server" }[] = [];
  const take = (from: "client" | "server", step: HandshakeStep): void => {
    for (const sent of step.send) {
      const frame = scene.wire?.(sent, from) ?? sent;
      said.push(`${from}: ${new TextDecoder().decode(frame.subarray(1))}`);
      queue.push({ frame, from });
    }
    if (step.outcome !== null) outcomes[from] = step.outcome;
    if (step.decide === null) return;
    if (from === "client") {
      const refusal = scene.clientDecides?.(step.decide) ?? null;
      take(from, refusal === null ? client.admit() : client.refuseProved(refusal));
    } else {
      const refusal = scene.serverDecides?.(step.decide) ?? null;
      take(from, refusal === null ? server.admit() : server.refuse(refusal));
    }
  };
  take("client", client.start());
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const to = next.from === "client" ? "server" : "client";
    if (outcomes[to] !== null) continue;
    take(to, (to === "client" ? client : server).receive(next.frame));
  }
  return { client: outcomes.client, server: outcomes.server, said };
}

/** The two errors of a refused handshake, `null` where that side was content. */
export function errorsOf({ client, server }: Shaken): readonly (string | null)[] {
  return [client, server].map((outcome) =>
    outcome?.kind === "refused" ? `${outcome.error.code}: ${outcome.error.message}` : null
  );
}
