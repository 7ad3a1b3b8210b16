/** `run --dry-run`: asks every source and looks at every destination; touches nothing. */

import { openEnds } from "../../actors/job/ends.ts";
import { revealer } from "../../actors/agent/reveal.ts";
import { errorData } from "../../runtime/base/errors.ts";
import { formatBytes } from "../../runtime/base/units.ts";
import { resolveTransfer } from "../../workflows/resolve.ts";
import type { PlannedTransfer } from "../../workflows/plan.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import type { ProtocolRegistry } from "../../protocols/registry.ts";
import { protocolsFor, sshOf } from "../protocols.ts";
import type { PreparedRun } from "../run/prepare.ts";
import type { ProtocolChoice } from "../run/protocol_choice.ts";
import type { Session } from "../session.ts";
import { dataText } from "../show/data.ts";
import type { OutputFormat } from "../show/data_formats.ts";
import { shownPlace } from "../show/report.ts";
import { tableLines } from "../show/table.ts";
import { clean } from "../show/text.ts";

/** What was seen of one transfer. */
interface Seen {
  readonly run: string;
  readonly name: string;
  /** `later`: what it is depends on results of earlier transfers. */
  readonly source: "ready" | "later" | "failed";
  readonly bytes: number | null;
  readonly destination: "new" | "exists" | "unknown";
  readonly where: string | null;
  readonly why: string | null;
}

/** Exit 1 if a source does not answer, as the run would. */
export async function dryRun(
  session: Session,
  runs: readonly PreparedRun[],
  format: OutputFormat,
  chosen: ProtocolChoice,
): Promise<ExitCode> {
  const seen: Seen[] = [];
  const { env, process } = session;
  const protocols = protocolsFor(env, {
    ...{ maxRate: null, trace: false, ssh: sshOf(process) },
    ...chosen,
  });
  try {
    for (const run of runs) {
      for (const planned of run.plan.transfers) {
        seen.push(await look(session, protocols, run, planned));
      }
    }
  } finally {
    await protocols.close();
  }
  const failed = seen.filter((one) => one.source === "failed");
  if (format === "table") session.process.out(`${lines(session, seen).join("\n")}\n`);
  else session.process.out(dataText({ transfers: seen }, format));
  return failed.length === 0 ? EXIT.ok : EXIT.failed;
}

async function look(
  session: Session,
  protocols: ProtocolRegistry,
  run: PreparedRun,
  planned: PlannedTransfer,
): Promise<Seen> {
  const { name } = planned;
  const base = { run: run.plan.name, name, bytes: null, where: null, why: null };
  let spec;
  try {
    spec = resolveTransfer(planned, {});
  } catch (thrown) {
    const error = errorData(thrown);
    const isLate = error.code === "missingResult";
    return {
      ...base,
      source: isLate ? "later" : "failed",
      destination: "unknown",
      why: error.message,
    };
  }
  const where = shownPlace(spec.destination.uri);
  try {
    const ends = await openEnds(spec, {
      env: session.env,
      protocols,
      reveal: revealer(run.secrets),
      sync: true,
    });
    try {
      const signal = new AbortController().signal;
      const facts = await ends.source.stat(signal);
      const standing = await ends.sink.stat(ends.sink.name, signal);
      return {
        ...base,
        source: "ready",
        bytes: facts.fingerprint.size,
        destination: standing === null ? "new" : "exists",
        where,
      };
    } finally {
      await ends.close();
    }
  } catch (thrown) {
    const { message } = errorData(thrown);
    return { ...base, source: "failed", destination: "unknown", where, why: message };
  }
}

function lines(session: Session, seen: readonly Seen[]): string[] {
  const columns = [
    { title: "NAME", maxWidth: 40 },
    { title: "SOURCE" },
    { title: "BYTES", side: "right" },
    { title: "DESTINATION" },
    { title: "WHERE" },
  ] as const;
  const rows = seen.map((one) => [
    one.name,
    one.source,
    one.bytes === null ? "-" : formatBytes(one.bytes),
    one.destination,
    one.where ?? "-",
  ]);
  const reasons = seen.filter(({ source }) => source === "failed")
    .map(({ name, why }) => `${clean(name)}: ${clean(why ?? "")}`);
  const ready = seen.filter(({ source }) => source === "ready").length;
  return [
    ...tableLines(columns, rows, session.outPaint),
    ...(reasons.length === 0 ? [] : ["", ...reasons]),
    "",
    `dry run: ${ready} of ${seen.length} sources answer; nothing was touched`,
  ];
}
