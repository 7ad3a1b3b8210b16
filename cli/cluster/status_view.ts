/** A cluster as `cluster status` shows it: who decides, who answers, who carries out; pure. */

import type { Cluster } from "../../client.ts";
import { formatDuration } from "../../runtime/base/units.ts";
import { cliLimits } from "../limits.ts";
import { tableLines } from "../show/table.ts";
import { clean, type Paint } from "../show/text.ts";

const DAY_MS = 86_400_000;

/** The lines for people. */
export function statusLines(cluster: Cluster, nowMs: number, colours: Paint): string[] {
  const { leader, term, appliedIndex, node, freshness } = cluster as Cluster & {
    readonly freshness?: { readonly consistency: string; readonly ageMs: number };
  };
  const age = freshness?.consistency === "stale" ? `, ${formatDuration(freshness.ageMs)} old` : "";
  const head = leader === null ? "nobody leads" : `${leader} leads`;
  return [
    clean(`${head} in term ${term}; ${appliedIndex} commands (as ${node} has it${age})`),
    "",
    ...controllerLines(cluster, nowMs, colours),
    ...gatewayLines(cluster, nowMs, colours),
    "",
    clean(`agents: ${counted(cluster.agents)}`),
    ...warnings(cluster, nowMs).map((line) => `warning: ${clean(line)}`),
  ];
}

function controllerLines(
  { controllers }: Cluster,
  nowMs: number,
  colours: Paint,
): string[] {
  const columns = ["CONTROLLER", "ROLE", "BEHIND", "HEARD", "LINK", "CERTIFICATE"];
  const rows = controllers.map((one) => [
    one.node,
    roleText(one),
    one.lagEntries === null ? "-" : String(one.lagEntries),
    heardText(one),
    one.status,
    endText(one.certificateUntilMs, nowMs),
  ]);
  return tableLines(columns.map((title) => ({ title })), rows, colours);
}

function gatewayLines({ gateways }: Cluster, nowMs: number, colours: Paint): string[] {
  if (gateways.length === 0) return [];
  const columns = ["GATEWAY", "LINK", "CERTIFICATE"].map((title) => ({ title }));
  const rows = gateways.map((one) => [
    one.node,
    one.status,
    endText(one.certificateUntilMs, nowMs),
  ]);
  return ["", ...tableLines(columns, rows, colours)];
}

type Controller = Cluster["controllers"][number];

function roleText({ role, witness, maintenance }: Controller): string {
  const name = witness ? `${role}, witness` : role;
  return maintenance ? `${name}, maintenance` : name;
}

/** The leader hears itself. */
function heardText({ role, lagMs }: Controller): string {
  if (role === "leader") return "-";
  return lagMs === null ? "?" : `${Math.round(lagMs)} ms ago`;
}

function endText(untilMs: number | null, nowMs: number): string {
  if (untilMs === null) return "-";
  const days = Math.floor((untilMs - nowMs) / DAY_MS);
  return days < 0 ? "has ended" : `${days} days`;
}

function counted(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([state, count]) => `${count} ${state}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}

/** What somebody should do something about. */
function warnings(cluster: Cluster, nowMs: number): string[] {
  const told: string[] = [];
  if (cluster.leader === null) {
    told.push("nobody leads: nothing is decided until a majority answers");
  } else if (cluster.degraded) {
    told.push("too few voters answer: what fails next may stop the cluster");
  }
  const ends = [...cluster.controllers, ...cluster.gateways]
    .flatMap(({ node, certificateUntilMs }) =>
      certificateUntilMs === null ? [] : [[node, certificateUntilMs] as const]
    );
  for (const [node, untilMs] of [...ends, ...Object.entries(cluster.certificatesEnding)]) {
    if (untilMs - nowMs >= cliLimits.certificateSoonMs) continue;
    const until = new Date(untilMs).toISOString();
    told.push(`the certificate that ${node} has shown ends at ${until}: quorus pki rotate`);
  }
  for (const [node, { warning }] of Object.entries(cluster.archives ?? {})) {
    if (warning !== null) told.push(`the archive of ${node}: ${warning}`);
  }
  return told;
}
