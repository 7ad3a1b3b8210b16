/**
 * The settings of each role: one schema per role, from which the names of environment variables, the
 * published JSON Schema and `config show` are made.
 */

import { z } from "zod";
import { ACTOR_LIMITS as DOMAIN_LIMITS } from "../../actors/limits.ts";
import { ARCHIVE_LIMITS } from "../../actors/archive/limits.ts";
import { CLUSTER_LIMITS } from "../../actors/cluster/limits.ts";
import { CONTROLLER_LIMITS } from "../../actors/controller/limits.ts";
import { DESK_LIMITS } from "../../actors/desk/limits.ts";
import { FLEET_LIMITS } from "../../actors/fleet/limits.ts";
import { SCHEDULER_LIMITS } from "../../actors/scheduler/limits.ts";
import { TENANT_SETTINGS } from "../../actors/tenant/limits.ts";
import { GATEWAY_LIMITS } from "../../gateway/limits.ts";
import { LIVE_LIMITS } from "../../gateway/live/limits.ts";
import { ACTOR_LIMITS as NODE_LIMITS } from "../../runtime/actor/limits.ts";
import { RAFT_LIMITS } from "../../runtime/raft/limits.ts";
import { REMOTE_LIMITS } from "../../runtime/remote/limits.ts";
import { duration, limits, linkUrl, map, nodeName, path, place, secret } from "./fields.ts";
import { reachFields } from "./reach.ts";
import { nfsField, smbFields } from "./shares.ts";

/** Every role that a process can be started in. */
export const ROLE_NAMES = ["controller", "agent", "gateway", "start"] as const;

/** One of {@link ROLE_NAMES}. */
export type RoleName = typeof ROLE_NAMES[number];

const tls = z.strictObject({
  cert: path("PEM file of this node's certificate, read again when it changes"),
  key: path("PEM file of its key"),
  ca: path("PEM file of the authority that certificates of other nodes must come from"),
}).optional();

const common = {
  node: nodeName.meta({ description: "the id of this node, its own in the cluster" }),
  cluster: nodeName.default("quorus").meta({ description: "the name of the cluster" }),
  data: path("where this node keeps its state").default("./.quorus"),
  logLevel: z.enum(["debug", "info", "warn", "error"]).default("info")
    .meta({ description: "records from this level on are written to standard error" }),
  logFormat: z.enum(["auto", "json", "text"]).default("auto")
    .meta({ description: "of these records; auto: words at a terminal, else a line of JSON each" }),
  metrics: place("where Prometheus reads this node, without a key: nowhere unless it is set")
    .optional(),
  drain: duration("how long a node that is told to end may finish what it does").prefault("30s"),
  tls,
  token: secret("what all nodes of the cluster share; for links without TLS").optional(),
  allowPlain: z.boolean().default(false)
    .meta({ description: "links without TLS beyond loopback; they need a token" }),
};

const controllers = map(linkUrl, "the controllers by their node ids: ws:// or wss:// URLs");

const listen = place("where other nodes reach this one");

const raftFields = {
  raftWorker: z.boolean().default(true).meta({
    description: "Raft has a thread and links of its own, where raftControllers names them; " +
      "the same on all controllers",
  }),
  raftListen: place("where the Raft of other controllers reaches this one's").optional(),
  raftControllers: map(linkUrl, "where each controller's Raft listens, by its node id")
    .prefault({}),
};

const roleBook = map(
  z.array(z.enum(["controller", "agent", "gateway"])),
  "who may be what where links are not encrypted; under TLS certificates say it",
).prefault({});

const keys = z.array(z.strictObject({
  id: nodeName,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "the SHA-256 of a key: 64 hexadecimal digits"),
  scope: z.enum(["viewer", "operator", "admin"]),
  tenants: z.array(z.string()).nullable().default(null),
  label: z.string().default(""),
  expiresMs: z.number().nullable().default(null),
})).default([]).meta({
  description: "API keys that a new cluster begins with, as hashes; later ones are commands",
});

const placeName = (description: string) => z.string().min(1).optional().meta({ description });

const protocols = z.array(z.string().min(1)).default([]).meta({
  description: "modules of protocols from outside: paths or specifiers such as npm:...",
});

const agentFields = {
  protocols,
  reach: reachFields,
  nfs: nfsField,
  smb: smbFields,
  ssh: z.strictObject({
    knownHosts: path("a known_hosts file; without it every host's key must be pinned").optional(),
    agentSocket: path("the socket of an SSH agent, for credentials of that type").optional(),
  }).prefault({}),
  url: linkUrl.optional().meta({
    description: "where other agents reach this one, if not by what `listen` says",
  }),
  slots: z.number().int().min(1).max(100_000).default(DOMAIN_LIMITS.agentSlots.value)
    .meta({ description: "transfers at a time" }),
  workers: z.number().int().min(0).max(64).optional().meta({
    description: "threads that carry transfers out; one per core if left out, none with 0 or 1",
  }),
  volumes: z.array(z.union([
    z.string(),
    z.strictObject({
      path: z.string(),
      readOnly: z.boolean().default(false),
      create: z.boolean().default(false),
    }),
  ])).default([])
    .meta({
      description: "directories that this agent holds; a marker file at the root proves it",
    }),
  location: z.strictObject({
    datacenter: placeName("the data centre that it stands in"),
    zone: placeName("the zone that it stands in"),
    region: placeName("the region that it stands in"),
    tags: z.array(z.string()).default([]).meta({ description: "what else may be asked for" }),
  }).prefault({}),
  secrets: path("a directory of secrets: one file each; else QUORUS_SECRET_NAME").optional(),
};

const gatewayFields = {
  protocols,
  http: place("where people and programs reach the API").prefault("127.0.0.1:8080"),
  httpTls: z.strictObject({
    cert: path("PEM file of the certificate that the API shows, read again when it changes"),
    key: path("PEM file of its key"),
  }).optional(),
  allowPlainHttp: z.boolean().default(false)
    .meta({
      description: "the API without TLS beyond loopback, such as behind a proxy that has it",
    }),
  allowLocal: z.boolean().default(false)
    .meta({ description: "transfers may name hosts that are the agent itself, such as 127.0.0.1" }),
};

const nodeLimits = limits(NODE_LIMITS);
const remoteLimits = limits(REMOTE_LIMITS);
const controllerLimits = {
  raft: limits(RAFT_LIMITS),
  fleet: limits(FLEET_LIMITS),
  desk: limits(DESK_LIMITS),
  archive: limits(ARCHIVE_LIMITS),
  controller: limits(CONTROLLER_LIMITS),
  scheduler: limits(SCHEDULER_LIMITS),
  tenants: limits(TENANT_SETTINGS),
  cluster: limits(CLUSTER_LIMITS),
};

const archiveFields = {
  retention: duration("how long an archived run is kept after its end; for ever if left out")
    .optional(),
};
const agentLimits = { actors: limits(DOMAIN_LIMITS) };
const gatewayLimits = { gateway: limits(GATEWAY_LIMITS), live: limits(LIVE_LIMITS) };

/** The settings of a controller. */
export const controllerSettings = z.strictObject({
  ...common,
  listen: listen.prefault("127.0.0.1:4100"),
  controllers,
  ...raftFields,
  ...archiveFields,
  roles: roleBook,
  join: z.boolean().default(false)
    .meta({ description: "it joins a cluster that is there, and waits until it is added" }),
  keys,
  limits: z.strictObject({
    node: nodeLimits,
    remote: remoteLimits,
    ...controllerLimits,
  }).prefault({}),
});

/** The settings of an agent. */
export const agentSettings = z.strictObject({
  ...common,
  controllers,
  listen: place("where other agents reach this one to read for each other; it only dials without")
    .optional(),
  ...agentFields,
  limits: z.strictObject({ node: nodeLimits, remote: remoteLimits, ...agentLimits })
    .prefault({}),
});

/** The settings of a gateway. */
export const gatewaySettings = z.strictObject({
  ...common,
  controllers,
  ...gatewayFields,
  limits: z.strictObject({ node: nodeLimits, remote: remoteLimits, ...gatewayLimits })
    .prefault({}),
});

/** The settings of a process with all roles: a cluster of one, unless it names other controllers. */
export const startSettings = z.strictObject({
  ...common,
  node: common.node.default("local"),
  listen: listen.prefault("127.0.0.1:4100"),
  controllers: controllers.prefault({}),
  ...raftFields,
  ...archiveFields,
  roles: roleBook,
  join: z.boolean().default(false)
    .meta({ description: "it joins a cluster that is there, and waits until it is added" }),
  keys,
  ...agentFields,
  ...gatewayFields,
  limits: z.strictObject({
    node: nodeLimits,
    remote: remoteLimits,
    ...controllerLimits,
    ...agentLimits,
    ...gatewayLimits,
  }).prefault({}),
});

/** The schemas by role. */
export const ROLE_SETTINGS = {
  controller: controllerSettings,
  agent: agentSettings,
  gateway: gatewaySettings,
  start: startSettings,
} as const satisfies Record<RoleName, z.ZodType>;

export type ControllerSettings = z.infer<typeof controllerSettings>;
export type AgentSettings = z.infer<typeof agentSettings>;
export type GatewaySettings = z.infer<typeof gatewaySettings>;
export type StartSettings = z.infer<typeof startSettings>;

/** What all roles have. */
export type CommonSettings = Pick<
  ControllerSettings,
  | "node"
  | "cluster"
  | "data"
  | "metrics"
  | "drain"
  | "tls"
  | "token"
  | "allowPlain"
  | "controllers"
>;

/** The published JSON Schema of a role's file. */
export function roleSchema(role: RoleName): Record<string, unknown> {
  const options = { target: "draft-2020-12", io: "input" } as const;
  return {
    ...z.toJSONSchema(ROLE_SETTINGS[role], options),
    $id: `https://quorus.dev/schema/v1/${role}.config.schema.json`,
    title: `Quorus configuration of ${role === "start" ? "a process with all roles" : role}`,
  };
}
