/** The folder of a local cluster: configuration, secrets and an admin key, one folder per node. */

import { stringify } from "yaml";
import type { Env } from "../../runtime/env/env.ts";
import { newApiKey, sha256Of } from "../../gateway/keys.ts";
import { PkiFolder } from "../pki/folder.ts";
import { writeWhole } from "../roles/data_folder.ts";
import { freePorts } from "./ports.ts";
import type { ClusterNode, ClusterState } from "./state_file.ts";

/** What a new cluster has. */
export interface ClusterShape {
  readonly controllers: number;
  readonly agents: number;
  readonly gateways: number;
  /** Links use TLS, both ends with certificates; else a token that all nodes share. */
  readonly isEncrypted: boolean;
  /** Where transfers may read and write; null: anywhere. */
  readonly files: readonly string[] | null;
  /** Settings that every node gets, such as shorter timeouts. */
  readonly settings: Readonly<Record<string, unknown>>;
}

const HOST = "127.0.0.1";
const CLUSTER = "local";
const PKI = "pki";
const AUTHORITY = "Quorus authority of local";
const AUTHORITY_DAYS = 3_650;
const NODE_DAYS = 365;
const TOKEN_BYTES = 32;
/** Only its owner reads it. */
const SECRET_MODE = 0o600;

/** Makes everything that processes of a cluster need; nothing runs yet. */
export async function makeCluster(
  env: Env,
  folder: string,
  shape: ClusterShape,
): Promise<ClusterState> {
  await env.disk.makeDirectory(folder, { recursive: true, mode: 0o700 });
  const adminKeyFile = `${folder}/admin.key`;
  const adminKey = newApiKey(env.random);
  await writeWhole(env.disk, adminKeyFile, `${adminKey}\n`, SECRET_MODE);
  const nodes = await nodesOf(env, folder, shape);
  if (shape.isEncrypted) await makeCertificates(env, folder, nodes);
  else {
    const token = env.random.bytes(TOKEN_BYTES).toHex();
    await writeWhole(env.disk, `${folder}/token`, `${token}\n`, SECRET_MODE);
  }
  const state: ClusterState = {
    version: 1,
    isEncrypted: shape.isEncrypted,
    files: shape.files === null ? null : [...shape.files],
    adminKeyFile,
    nodes,
  };
  const admin = { id: "admin", sha256: sha256Of(env.hash, adminKey), scope: "admin" };
  for (const node of nodes) {
    await env.disk.makeDirectory(`${folder}/${node.id}`, { recursive: true, mode: 0o700 });
    const settings = { ...settingsOf(node, state, admin), ...shape.settings };
    await writeWhole(env.disk, node.config, stringify(settings));
  }
  await writeWhole(env.disk, `${folder}/prometheus.yml`, stringify(prometheusOf(nodes)));
  return state;
}

/**
 * One more node of a cluster that is there, with a certificate of its authority. A controller waits until it
 * is added to the group; the settings of the others stay as they are.
 */
export async function makeNode(
  env: Env,
  folder: string,
  state: ClusterState,
  role: ClusterNode["role"],
  id: string,
): Promise<ClusterNode> {
  const hasRaft = role === "controller" && state.nodes.some(({ raft }) => raft !== null);
  const ports = await freePorts(env, 3);
  const port = role === "agent" ? null : ports.shift()!;
  const node = nodeAt(folder, role, id, port, hasRaft ? ports.shift()! : null, ports.shift()!);
  await new PkiFolder(env, `${folder}/${PKI}`).issue(CLUSTER, id, [role], NODE_DAYS);
  await env.disk.makeDirectory(`${folder}/${id}`, { recursive: true, mode: 0o700 });
  const others = { ...state, nodes: [...state.nodes, node] };
  const { keys: _, ...settings } = settingsOf(node, others, {});
  const joining = role === "controller" ? { ...settings, join: true } : settings;
  await writeWhole(env.disk, node.config, stringify(joining));
  return node;
}

/** A configuration of Prometheus that reads all nodes. */
function prometheusOf(nodes: readonly ClusterNode[]) {
  const places = nodes.flatMap(({ role, metrics }) => metrics === null ? [] : [{ role, metrics }]);
  const byRole = Map.groupBy(places, ({ role }) => role);
  return {
    global: { scrape_interval: "5s" },
    scrape_configs: [{
      job_name: "quorus",
      static_configs: [...byRole].map(([role, all]) => ({
        targets: all.map(({ metrics }) => metrics),
        labels: { role },
      })),
    }],
  };
}

async function makeCertificates(
  env: Env,
  folder: string,
  nodes: readonly ClusterNode[],
): Promise<void> {
  const pki = new PkiFolder(env, `${folder}/${PKI}`);
  await pki.init(AUTHORITY, AUTHORITY_DAYS);
  for (const { id, role } of nodes) await pki.issue(CLUSTER, id, [role], NODE_DAYS);
}

/** What a node reads beside its own folder: never the authority's key, nor that of another node. */
export function readsOf(folder: string, { isEncrypted }: ClusterState, id: string): string[] {
  if (!isEncrypted) return [`${folder}/${id}`, `${folder}/token`];
  const pki = `${folder}/${PKI}`;
  return [`${folder}/${id}`, `${pki}/ca.pem`, `${pki}/${id}.pem`, `${pki}/${id}.key`];
}

async function nodesOf(env: Env, folder: string, shape: ClusterShape): Promise<ClusterNode[]> {
  const { controllers, agents, gateways } = shape;
  // One alone elects itself.
  const rafts = controllers > 1 ? controllers : 0;
  const ports = await freePorts(env, 2 * (controllers + gateways) + agents + rafts);
  const make = (role: ClusterNode["role"], id: string, port: number | null): ClusterNode => {
    const raft = role === "controller" && rafts > 0 ? ports.shift()! : null;
    return nodeAt(folder, role, id, port, raft, ports.shift()!);
  };
  const counted = (count: number, letter: string) =>
    Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);
  return [
    ...counted(controllers, "c").map((id) => make("controller", id, ports.shift()!)),
    ...counted(agents, "a").map((id) => make("agent", id, null)),
    ...counted(gateways, "g").map((id) => make("gateway", id, ports.shift()!)),
  ];
}

function nodeAt(
  folder: string,
  role: ClusterNode["role"],
  id: string,
  port: number | null,
  raftPort: number | null,
  metricsPort: number,
): ClusterNode {
  return {
    id,
    role,
    config: `${folder}/${id}/${role}.yaml`,
    data: `${folder}/${id}/data`,
    log: `${folder}/${id}/log`,
    place: port === null ? null : `${HOST}:${port}`,
    raft: raftPort === null ? null : `${HOST}:${raftPort}`,
    metrics: `${HOST}:${metricsPort}`,
    pid: null,
    startedMs: null,
  };
}

/** The settings of one node, as its file has them. */
function settingsOf(
  node: ClusterNode,
  { nodes, files, isEncrypted }: ClusterState,
  admin: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const controllers = nodes.filter(({ role }) => role === "controller");
  const others = nodes.filter(({ role }) => role !== "controller");
  const urlOf = (place: string | null) => `${isEncrypted ? "wss" : "ws"}://${place}`;
  const common = {
    node: node.id,
    data: "data",
    cluster: CLUSTER,
    ...(node.metrics === null ? {} : { metrics: node.metrics }),
    ...(isEncrypted ? { tls: tlsOf(node.id) } : { token: "${file:../token}" }),
    controllers: Object.fromEntries(controllers.map(({ id, place }) => [id, urlOf(place)])),
  };
  switch (node.role) {
    case "controller":
      return {
        ...common,
        listen: node.place,
        ...(node.raft === null ? {} : {
          raftListen: node.raft,
          raftControllers: Object.fromEntries(controllers.map(({ id, raft }) => [id, urlOf(raft)])),
        }),
        ...(isEncrypted
          ? {}
          : { roles: Object.fromEntries(others.map(({ id, role }) => [id, [role]])) }),
        keys: [{ ...admin, label: "made by cluster up" }],
      };
    case "agent":
      return { ...common, volumes: (files ?? []).map((path) => ({ path, create: true })) };
    case "gateway":
      return { ...common, http: node.place, allowLocal: true };
  }
}

function tlsOf(id: string) {
  return { cert: `../${PKI}/${id}.pem`, key: `../${PKI}/${id}.key`, ca: `../${PKI}/ca.pem` };
}
