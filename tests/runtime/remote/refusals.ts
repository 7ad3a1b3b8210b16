/** One node that calls another over real sockets and is refused: what each of them says. */

import type { Env, LogPort } from "../../../runtime/env/env.ts";
import type { ConnectOptions, Socket, Sockets } from "../../../runtime/env/sockets.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { decodeFrame, encodeHandshake } from "../../../runtime/remote/frames.ts";
import type { HubOptions } from "../../../runtime/remote/hub_options.ts";
import { type LinkedNode, startLinkedNode } from "../../../runtime/remote/linked_node.ts";
import type { Authority, Identity, Leaf } from "../../servers/pki.ts";
import { nodeIdentity } from "../../servers/pki.ts";

/** Who is called, who calls, and what is wrong. */
export interface Scene {
  readonly title: string;
  /** Options of node "a", which listens. */
  readonly called: HubOptions;
  /** Options of node "b", which calls. */
  readonly calling: HubOptions;
  /** A TLS listener; with it the URL is `wss:`. */
  readonly listenTls?: NonNullable<NonNullable<HubOptions["listen"]>[number]["tls"]>;
  /** What b dials, if not what a listens with. */
  readonly scheme?: "ws:" | "wss:";
  /** Id that b expects to reach. */
  readonly expected?: string;
  /** b speaks only this version. */
  readonly version?: number;
  /** Another node of b's id is linked before. */
  readonly second?: boolean;
}

/** What both sides have said, one line each. */
export interface Said {
  readonly called: string;
  readonly calling: string;
}

class Log implements LogPort {
  readonly #said = Promise.withResolvers<string>();

  /** The first refusal that is logged. */
  get refusal(): Promise<string> {
    return this.#said.promise;
  }

  write(_level: string, message: string, facts: Record<string, unknown> = {}): void {
    if (message === "no link") this.#said.resolve(`${facts["code"]}: ${facts["reason"]}`);
  }
}

/** Options of a listener and of a caller with certificates of `authority`, trusting `trusted`. */
export function tlsOptions(authority: Authority, node: string, leaf: Partial<Leaf> = {}): {
  listen(trusted: Authority): NonNullable<Scene["listenTls"]>;
  call(trusted: Authority): HubOptions;
} {
  const { cert, key }: Identity = nodeIdentity(authority, node, leaf);
  return {
    listen: (trusted) => ({ cert, key, caCerts: [trusted.cert] }),
    call: (trusted) => ({ tls: { cert, key, caCerts: [trusted.cert] } }),
  };
}

/** Plays a scene. */
export async function play(scene: Scene): Promise<Said> {
  const [aLog, bLog] = [new Log(), new Log()];
  const { listenTls: tls, second, version } = scene;
  const listen = [{ hostname: "127.0.0.1", port: 0, ...(tls === undefined ? {} : { tls }) }];
  const nodes: LinkedNode[] = [];
  const envs: { close(): void }[] = [];
  const start = (id: string, log: LogPort, links: HubOptions): LinkedNode => {
    const env = realEnv({ log });
    envs.push(env);
    const node = startLinkedNode(version !== undefined && id === "b" ? old(env, version) : env, {
      id,
      links,
    });
    nodes.push(node);
    return node;
  };
  try {
    const a = start("a", aLog, { listen, ...scene.called });
    await a.links.ready;
    const url = a.links.urls[0]!.replace(/^wss?:/, scene.scheme ?? "$&");
    if (second) await start("b", new Log(), scene.calling).links.connect({ node: "a", url });
    const b = start("b", bLog, { ...scene.calling, peers: [{ node: scene.expected ?? "a", url }] });
    const [called, calling] = await Promise.all([aLog.refusal, bLog.refusal]);
    await b.stop();
    return { called: readable(called), calling: readable(calling) };
  } finally {
    for (const node of nodes.reverse()) await node.stop();
    for (const env of envs) env.close();
  }
}

/** What differs from run to run is named. */
function readable(text: string): string {
  return text
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replace(/expired on \S+(?=;)/g, "expired on DATE")
    .replace(/incarnation [0-9a-f]{16}/g, "incarnation ID");
}

/** An Env in which every hello says that only `version` is spoken. */
function old(env: Env, version: number): Env {
  const connect = async (options: ConnectOptions): Promise<Socket> => {
    const socket = await env.sockets.connect(options);
    return new Proxy(socket, {
      get: (target, name) => {
        if (name === "send") return (bytes: Uint8Array) => target.send(oldHello(bytes, version));
        const value = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
  const sockets: Sockets = { connect, listen: (...args) => env.sockets.listen(...args) };
  return { ...env, sockets };
}

function oldHello(bytes: Uint8Array, version: number): Uint8Array {
  const frame = decodeFrame(bytes, { handshakeBytes: 2 ** 16, messageBytes: 2 ** 16 });
  const isHello = frame.kind === "handshake" && (frame.message as { h: string }).h === "hello";
  if (!isHello) return bytes;
  return encodeHandshake({ ...frame.message as object, min: version, max: version });
}
