/** Starts prepared runs one after the other and follows each to its end. */

import { startEmbedded } from "../../actors/embedded.ts";
import type { Embedded } from "../../actors/embedded.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { cliLimits } from "../limits.ts";
import { type ProtocolOptions, protocolsFor, s3Of, sshOf } from "../protocols.ts";
import type { Session } from "../session.ts";
import { type Report, reportOf } from "../show/report.ts";
import type { Display } from "./display.ts";
import { Follower } from "./follow.ts";
import type { Interrupt } from "./interrupt.ts";
import type { PreparedRun } from "./prepare.ts";

/** How runs are carried out. */
export interface ExecuteOptions extends ProtocolOptions {
  readonly sync: boolean;
  /** Goes on with the next run after one that failed. */
  readonly keepGoing: boolean;
  /** The command that goes on after an interruption, for people. */
  readonly againText: string;
}

/** What came of all runs. */
export interface Executed {
  readonly reports: readonly Report[];
  readonly exitCode: ExitCode;
}

/** Carries the runs out in order; a failed or interrupted one is the last unless `keepGoing`. */
export async function executeRuns(
  session: Session,
  runs: readonly PreparedRun[],
  display: Display,
  interrupt: Interrupt,
  options: ExecuteOptions,
): Promise<Executed> {
  const reports: Report[] = [];
  session.log.route((level, message, facts = {}) => display.log(level, message, facts));
  interrupt.onExit(() => display.close());
  try {
    for (const run of runs) {
      if (interrupt.signal !== null) break;
      const report = await executeRun(session, run, display, interrupt, options);
      reports.push(report);
      if (report.state === "interrupted") break;
      if (report.state !== "succeeded" && !options.keepGoing) break;
    }
  } finally {
    display.close();
  }
  const left = runs.slice(reports.length).map(({ plan }) => plan.name);
  if (left.length > 0) display.note(notStartedText(left, interrupt.signal !== null));
  return { reports, exitCode: exitCodeFor(reports, interrupt) };
}

function notStartedText(names: readonly string[], interrupted: boolean): string {
  const why = interrupted ? "interrupted" : "a run before failed; --keep-going goes on";
  return `not started: ${names.join(", ")} (${why})`;
}

function exitCodeFor(reports: readonly Report[], interrupt: Interrupt): ExitCode {
  if (reports.some(({ state }) => state === "interrupted")) return EXIT.interrupted;
  if (reports.some(({ state }) => state !== "succeeded")) return EXIT.failed;
  // With continueOnError a run may end well although a transfer of it did not.
  if (reports.some(({ failed }) => failed > 0)) return EXIT.failed;
  return interrupt.signal === null ? EXIT.ok : EXIT.interrupted;
}

async function executeRun(
  session: Session,
  prepared: PreparedRun,
  display: Display,
  interrupt: Interrupt,
  options: ExecuteOptions,
): Promise<Report> {
  const { env } = session;
  const startedMs = env.clock.monotonic();
  const follower = new Follower(display, env.clock);
  const { process } = session;
  const protocols = protocolsFor(env, { ssh: sshOf(process), s3: s3Of(process), ...options });
  const embedded = await startEmbedded(env, {
    folder: prepared.folder,
    runId: prepared.runId,
    plan: () => prepared.plan,
    protocols,
    secrets: prepared.secrets,
    sync: options.sync,
    feed: (node) => follower.feed(node),
  });
  try {
    follower.begin(embedded, prepared.runId);
    const ended = await Promise.race([embedded.finished, interrupt.requested]);
    const run = typeof ended === "string"
      ? await letGo(session, embedded, follower, display, ended, options)
      : ended;
    follower.finish();
    const report = reportOf({
      runId: prepared.runId,
      name: prepared.plan.name,
      state: run?.state === undefined || run.state === "running" ? "interrupted" : run.state,
      why: run?.why ?? "interrupted; the checkpoints are kept",
      resumed: embedded.resumed,
      durationMs: Math.round(env.clock.monotonic() - startedMs),
    }, follower.board);
    display.ended(report);
    return report;
  } finally {
    await embedded.close();
    await protocols.close();
  }
}

/** Attempts keep their checkpoints and hand their leases back; the run, if it ended meanwhile. */
async function letGo(
  session: Session,
  embedded: Embedded,
  follower: Follower,
  display: Display,
  signal: string,
  options: ExecuteOptions,
): Promise<Awaited<Embedded["finished"]> | null> {
  display.note(`${signal}: keeping the checkpoints (once more ends at once)`);
  await embedded.intend("pause", "interrupted");
  const late = Promise.withResolvers<null>();
  const timer = session.env.timers.after(cliLimits.releaseMs, () => late.resolve(null));
  const idle = follower.idle().then(() => null);
  const ended = await Promise.race([embedded.finished, idle, late.promise]);
  timer.cancel();
  if (ended !== null) return ended;
  display.note(
    `interrupted; what has arrived is kept, and this goes on with it:\n  ${options.againText}`,
  );
  return null;
}
