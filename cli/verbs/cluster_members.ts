/** `quorus cluster status|add|promote|remove|replace|transfer|maintenance|drain|resume` at a gateway. */

import type { ClusterChange } from "../../client.ts";
import { type ChangeOptions, type ChangeReport, makeChange } from "../cluster/changes.ts";
import { gatewaysOf, type PlaceOptions } from "../cluster/place.ts";
import { statusLines } from "../cluster/status_view.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import { type Remote, withRemote } from "../remote/session.ts";
import { withSession } from "../session.ts";
import { dataText } from "../show/data.ts";
import type { OutputFormat } from "../show/data_formats.ts";
import { clean } from "../show/text.ts";

/** The options of all of them. */
export interface MembersOptions extends PlaceOptions, ChangeOptions {
  readonly output: OutputFormat;
}

/** The cluster as its controllers see it; exit 1 where nobody leads. */
export async function remoteStatusVerb(
  process: Process,
  options: PlaceOptions & { readonly output: OutputFormat; readonly stale?: boolean },
): Promise<ExitCode> {
  return await withGateways(process, options, async (remote) => {
    const { quorus, env, outPaint, signal } = remote;
    const consistency = options.stale === true ? "stale" : "linearizable";
    const cluster = await quorus.cluster.get({ signal, consistency });
    if (options.output !== "table") process.out(dataText(cluster, options.output));
    else process.out(`${statusLines(cluster, env.clock.now(), outPaint).join("\n")}\n`);
    return cluster.leader === null ? EXIT.failed : EXIT.ok;
  });
}

/** Adds a controller that runs already: as a voter unless told, which it becomes by being a learner. */
export async function clusterAddVerb(
  process: Process,
  node: string,
  options: MembersOptions & { readonly learner?: boolean; readonly witness?: boolean },
): Promise<ExitCode> {
  const { learner = false, witness = false, dryRun = false } = options;
  const add: ClusterChange = { do: "add", node, witness };
  // Whether it may be promoted shows once it is a learner.
  const isAll = learner || dryRun;
  return await changeVerb(process, isAll ? [add] : [add, { do: "promote", node }], options);
}

/** Makes the changes one after the other; the first that is not done is the last. */
export async function changeVerb(
  process: Process,
  changes: readonly ClusterChange[],
  options: MembersOptions,
): Promise<ExitCode> {
  return await withGateways(process, options, async (remote) => {
    const reports: ChangeReport[] = [];
    let exitCode: ExitCode = EXIT.ok;
    for (const change of changes) {
      const made = await makeChange(remote, change, options);
      reports.push(made.report);
      exitCode = made.exitCode;
      if (exitCode !== EXIT.ok || made.report.status !== "succeeded") break;
    }
    show(process, reports, changes.length, options.output);
    return exitCode;
  });
}

/** An agent gets no new jobs, a controller leads no more; `resume` takes either back. */
export async function drainVerb(
  process: Process,
  node: string,
  isOn: boolean,
  options: MembersOptions & { readonly why?: string },
): Promise<ExitCode> {
  return await withGateways(process, options, async (remote) => {
    const { quorus, signal } = remote;
    const { controllers } = await quorus.cluster.get({ signal });
    if (controllers.some((one) => one.node === node)) {
      const made = await makeChange(remote, { do: "maintenance", node, on: isOn }, options);
      show(process, [made.report], 1, options.output);
      return made.exitCode;
    }
    if (options.dryRun === true) {
      await quorus.agents.get(node, { signal });
      process.err(`agent ${node} would ${isOn ? "get no new jobs" : "take jobs again"}\n`);
      return EXIT.ok;
    }
    await quorus.agents[isOn ? "drain" : "resume"](node, { signal, why: options.why });
    const text = isOn ? "gets no new jobs; those that it has go on" : "takes jobs again";
    if (options.output === "table") process.out(`agent ${node} ${text}\n`);
    else process.out(dataText({ agent: node, draining: isOn }, options.output));
    return EXIT.ok;
  });
}

function show(
  process: Process,
  reports: readonly ChangeReport[],
  count: number,
  output: OutputFormat,
): void {
  if (output !== "table") return process.out(dataText({ changes: [...reports] }, output));
  for (const { change, status, error, operation } of reports) {
    const what = changeText(change);
    if (status === "succeeded") process.out(`${what}: done\n`);
    else if (status === "possible") process.out(`${what}: possible\n`);
    else if (status === "running") {
      const rest = reports.length < count ? "; promote it when that has ended" : "";
      process.out(`${what}: has begun, operation ${operation}${rest}\n`);
    } else {
      const code = error === null ? "" : ` (${error.code})`;
      process.err(
        clean(`quorus: cannot ${what}: ${error?.message ?? "it has failed"}${code}`) + "\n",
      );
    }
  }
}

function changeText(change: ClusterChange): string {
  switch (change.do) {
    case "add":
      return `add ${change.node}${change.witness === true ? " as a witness" : ""}`;
    case "replace":
      return `replace ${change.node} by ${change.by}`;
    case "transfer":
      return `transfer the leadership${change.to === undefined ? "" : ` to ${change.to}`}`;
    case "maintenance":
      return `${change.on ? "begin" : "end"} maintenance of ${change.node}`;
    default:
      return `${change.do} ${change.node}`;
  }
}

async function withGateways(
  process: Process,
  options: PlaceOptions,
  work: (remote: Remote) => Promise<ExitCode>,
): Promise<ExitCode> {
  const remote = await withSession(process, ({ env }) => gatewaysOf(process, env.disk, options));
  return await withRemote(process, remote, work);
}
