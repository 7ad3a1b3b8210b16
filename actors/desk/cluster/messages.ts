/** What is asked and said of the cluster itself: its controllers, gateways and archives. */

import { z } from "zod";
import { archiveStatus } from "../../archive/messages.ts";

const timeMs = z.number();

/** A change of the controllers' own group; refused with the reason where it would cost the quorum. */
export const groupChange = z.discriminatedUnion("type", [
  /** It gets the log and counts for nothing until it is promoted. */
  z.object({ type: z.literal("addController"), node: z.string(), witness: z.boolean() }),
  z.object({ type: z.literal("promoteController"), node: z.string() }),
  z.object({ type: z.literal("removeController"), node: z.string() }),
  /** `by` need not belong to the group yet. */
  z.object({ type: z.literal("replaceController"), node: z.string(), by: z.string() }),
  z.object({ type: z.literal("transferLeadership"), to: z.string().nullable() }),
  /** One in maintenance votes and keeps the log, and does not lead where anybody else can. */
  z.object({ type: z.literal("setMaintenance"), node: z.string(), on: z.boolean() }),
]);

/** Why something was not done, as stable words. */
export const refusalCode = z.enum([
  "invalid",
  "forbidden",
  "notFound",
  "conflict",
  "keyReused",
  "noQuorum",
  "tooMany",
  "unknownOutcome",
  /** Of changes of the group: too few controllers would be left that decide. */
  "wouldLoseQuorum",
  /** Of changes of the group: a controller is away, behind, in maintenance or of the wrong kind. */
  "notReady",
  /** Of changes of the group: another one is under way. */
  "changePending",
]);

/** When the certificate of a node ends, as it has shown it; null: it has none, or is not linked. */
const certificateUntilMs = timeMs.nullable();

const controllerView = z.object({
  node: z.string(),
  role: z.string(),
  witness: z.boolean(),
  /** It does not lead where anybody else can. */
  maintenance: z.boolean(),
  /** What the leader knows: how far it is behind, in entries and ms; null where it cannot tell. */
  lagEntries: z.number().nullable(),
  lagMs: z.number().nullable(),
  status: z.string(),
  certificateUntilMs,
});

/** The archive of a controller: what of it is here, and what checks have found. */
export const archiveView = archiveStatus.pick({
  verifiedMs: true,
  verified: true,
  damaged: true,
  lastDamagedMs: true,
}).extend({
  segments: z.number().int(),
  missing: z.number().int(),
  /** What somebody should know of it; null: nothing. */
  warning: z.string().nullable(),
});

const gatewayView = z.object({ node: z.string(), status: z.string(), certificateUntilMs });

/** The cluster as one controller sees it. */
export const clusterView = z.object({
  node: z.string(),
  leader: z.string().nullable(),
  term: z.number().int(),
  /** The last command that this controller has applied, and the leader's clock at it. */
  appliedIndex: z.number().int(),
  appliedAtMs: timeMs,
  degraded: z.boolean(),
  controllers: z.array(controllerView),
  /** Those that are linked with the controller that says it. */
  gateways: z.array(gatewayView),
  /** The archives of the controllers that keep one and have answered their leader, by node. */
  archives: z.record(z.string(), archiveView),
  /** Agents whose certificates end soon, and when. */
  certificatesEnding: z.record(z.string(), timeMs),
  agents: z.record(z.string(), z.number().int()),
  jobs: z.record(z.string(), z.number().int()),
  runs: z.record(z.string(), z.number().int()),
});

/** A change of the cluster itself. */
export const clusterChangeView = z.object({
  what: z.enum([
    "leaderChanged",
    "memberAdded",
    "memberChanged",
    "memberRemoved",
    "memberDown",
    "memberUp",
    "maintenanceBegan",
    "maintenanceEnded",
    "reassignmentPaused",
    "reassignmentResumed",
    "archiveDamaged",
    "archiveMended",
    "changed",
  ]),
  /** The controller that it is about; null: all of it. */
  node: z.string().nullable(),
  /** What has happened, for people. */
  why: z.string(),
});

/** What a change of the group would come to, in lines for people; `refused`: it would not be done. */
export const changeCheck = z.object({
  refused: z.object({ code: refusalCode, message: z.string() }).nullable(),
  lines: z.array(z.string()),
});
