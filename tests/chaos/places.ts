/** Where the nodes stand: each on a host of its own where that can be, else all on loopback. */

import { findProgram } from "../real/require.ts";
import { Network } from "../real/raft/network.ts";

/** A role that a node of these tests has. */
export type NodeRole = "controller" | "agent" | "gateway";

/** A node before it runs. */
export interface NodePlace {
  readonly id: string;
  readonly role: NodeRole;
  /** `host:port` where it listens; agents only dial. */
  readonly place: string | null;
  /** Before a command, runs it on the node's host. */
  readonly prefix: readonly string[];
  /** Of its host in the network. */
  readonly host: number;
}

/** See the head of this file. */
export interface Places {
  readonly nodes: readonly NodePlace[];
  /** Where the files come from. */
  readonly source: {
    readonly hostname: string;
    readonly port: number;
    readonly prefix: readonly string[];
  };
  /** null where no network can be made. */
  readonly network: Network | null;
}

export const CONTROLLERS = ["c1", "c2", "c3"];
export const AGENTS = ["a1", "a2", "a3", "a4"];
export const GATEWAY = "g1";

const LINK_PORT = 4_100;
const HTTP_PORT = 8_080;
const SOURCE_PORT = 8_000;

/** The nodes of the cluster on hosts of their own, or why that is not possible. */
export function placeNodes(): {
  readonly places: Places;
  readonly withoutPartitions: string | null;
} {
  const missing = whyNoNetwork();
  const wanted = [
    ...CONTROLLERS.map((id) => ({ id, role: "controller" as const, port: LINK_PORT })),
    ...AGENTS.map((id) => ({ id, role: "agent" as const, port: null })),
    { id: GATEWAY, role: "gateway" as const, port: HTTP_PORT },
  ];
  const network = missing === null ? new Network(wanted.length + 1) : null;
  const ports = network === null ? freePorts(wanted.length + 1) : [];
  const hosts = network?.hosts ?? ports.map(() => ({ hostname: "127.0.0.1", prefix: [] }));
  const nodes = wanted.map(({ id, role, port }, host): NodePlace => {
    const { hostname, prefix } = hosts[host]!;
    const place = port === null ? null : `${hostname}:${ports[host] ?? port}`;
    return { id, role, place, prefix, host };
  });
  const source = { port: ports[wanted.length] ?? SOURCE_PORT, ...hosts[wanted.length]! };
  return { places: { nodes, source, network }, withoutPartitions: missing };
}

/** Why hosts of their own are not possible here; null where they are. */
export function whyNoNetwork(): string | null {
  for (const name of ["ip", "iptables"]) {
    if (findProgram(name) === undefined) return `${name} is not installed`;
  }
  if (Deno.uid() !== 0) return "network namespaces need root";
  const ip = findProgram("ip")!;
  const name = `quorus-${Deno.pid}-try`;
  const runs = (...args: string[]) =>
    new Deno.Command(ip, { args, stdout: "null", stderr: "null" }).outputSync().success;
  if (!runs("netns", "add", name)) return "this machine lets nobody make network namespaces";
  runs("netns", "del", name);
  return null;
}

function freePorts(count: number): readonly number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map(({ addr }) => addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}
