/** Changes of a cluster's members, followed until they are done. */

import { ClientError, type Cluster, type ClusterChange, type Operation } from "../../client.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { cliLimits } from "../limits.ts";
import type { Remote } from "../remote/session.ts";
import { clean } from "../show/text.ts";

/** How a change is made. */
export interface ChangeOptions {
  /** Only says what it would come to. */
  readonly dryRun?: boolean;
  /** `false`: does not wait for its end. */
  readonly wait?: boolean;
}

/** One change, as `-o json` tells it. */
export interface ChangeReport {
  readonly change: ClusterChange;
  /** What it comes to, as the leader has judged it. */
  readonly lines: readonly string[];
  readonly status: "refused" | "possible" | "running" | "succeeded" | "failed";
  readonly operation: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** What became of a change, and how the program ends for it. */
export interface Changed {
  readonly report: ChangeReport;
  readonly exitCode: ExitCode;
}

/** Judges a change, begins it, and waits for its end; ClientError where nobody could be asked. */
export async function makeChange(
  remote: Remote,
  change: ClusterChange,
  { dryRun = false, wait = true }: ChangeOptions,
): Promise<Changed> {
  const { quorus, signal } = remote;
  const { refused, lines } = await quorus.cluster.check(change, { signal });
  const report = { change, lines, operation: null, error: refused };
  if (refused !== null) {
    return { report: { ...report, status: "refused" }, exitCode: exitOf(refused.code) };
  }
  tell(remote, lines);
  if (dryRun) return { report: { ...report, status: "possible" }, exitCode: EXIT.ok };
  const begun = await quorus.cluster.change(change, { signal });
  const ended = wait ? await follow(remote, change, begun) : begun;
  const { status, error, id } = ended;
  const exitCode = status === "failed" ? exitOf(error?.code ?? "") : EXIT.ok;
  return { report: { ...report, status, operation: id, error }, exitCode };
}

/** On standard error: the result is not this. */
function tell({ process }: Remote, lines: readonly string[]): void {
  for (const line of lines) process.err(`${clean(line)}\n`);
}

async function follow(remote: Remote, change: ClusterChange, begun: Operation): Promise<Operation> {
  const { quorus, env, signal } = remote;
  const told = { text: "" };
  for (;;) {
    try {
      const operation = await quorus.cluster.operation(begun.id, { signal });
      if (operation.status !== "running") return operation;
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== "not-found") throw error;
      // Another gateway answers, which does not know it: what became of the cluster tells as well.
      if (holds(await quorus.cluster.get({ signal }), change)) {
        return { ...begun, status: "succeeded" };
      }
    }
    await tellLag(remote, change, told);
    await new Promise<void>((go) => void env.timers.after(cliLimits.clusterPollMs, go));
  }
}

/** A learner that catches up says how far it is. */
async function tellLag(
  remote: Remote,
  change: ClusterChange,
  told: { text: string },
): Promise<void> {
  const node = change.do === "promote" ? change.node : change.do === "replace" ? change.by : null;
  if (node === null) return;
  const { controllers } = await remote.quorus.cluster.get({ signal: remote.signal });
  const lag = controllers.find((one) => one.node === node)?.lagEntries ?? null;
  if (lag === null || lag === 0) return;
  const text = `${node} lacks ${lag} entries`;
  if (text !== told.text) tell(remote, [text]);
  told.text = text;
}

/** Whether a cluster is as the change was to make it. */
export function holds({ controllers, leader }: Cluster, change: ClusterChange): boolean {
  const find = (node: string) => controllers.find((one) => one.node === node);
  const votes = (node: string) => ["leader", "voter"].includes(find(node)?.role ?? "");
  switch (change.do) {
    case "add":
      return find(change.node) !== undefined;
    case "promote":
      return votes(change.node);
    case "remove":
      return find(change.node) === undefined;
    case "replace":
      return votes(change.by) && find(change.node) === undefined;
    case "transfer":
      return leader !== null && (change.to === undefined || leader === change.to);
    case "maintenance":
      return find(change.node)?.maintenance === change.on;
  }
}

/** Codes of refusals are the controllers' (`wouldLoseQuorum`); those of errors, whoever's they are. */
function exitOf(code: string): ExitCode {
  switch (code) {
    case "notFound":
    case "invalid":
      return EXIT.invalid;
    case "wouldLoseQuorum":
    case "notReady":
    case "conflict":
    case "forbidden":
      return EXIT.refused;
    case "changePending":
    case "noQuorum":
    case "unknownOutcome":
      return EXIT.unreachable;
    default:
      return EXIT.failed;
  }
}
