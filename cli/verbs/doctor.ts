/** `quorus doctor URI`: can this be read from, or written to; exit 4 if it does not answer. */

import { pathOfFileUri } from "../../protocols/file/uri.ts";
import { examineDestination } from "../doctor/destination.ts";
import { exitCodeOfFindings, type Finding } from "../doctor/finding.ts";
import { examineSource } from "../doctor/source.ts";
import type { ExitCode } from "../exit.ts";
import { headersOf } from "../input/headers.ts";
import { isUri } from "../input/place.ts";
import { absolutePath } from "../input/text_file.ts";
import type { Process } from "../process.ts";
import { type Session, withSession } from "../session.ts";
import type { OutputFormat } from "../show/data_formats.ts";
import { clean, pad } from "../show/text.ts";

/** The options of `doctor`. */
export interface DoctorOptions {
  readonly output: OutputFormat;
  readonly header?: readonly string[];
}

/** What was found of one side. */
interface Examined {
  readonly as: "source" | "destination";
  readonly findings: readonly Finding[];
}

/** Examines each place in every way it can be used. */
export async function doctorVerb(
  process: Process,
  places: readonly string[],
  options: DoctorOptions,
): Promise<ExitCode> {
  return await withSession(process, async (session) => {
    const headers = headersOf(options.header ?? []);
    const results: { uri: string; examined: Examined[] }[] = [];
    for (const place of places) {
      results.push({ uri: place, examined: await examine(place, headers, session) });
    }
    if (options.output === "table") {
      for (const { uri, examined } of results) show(session, uri, examined);
    } else {
      const { dataText } = await import("../show/data.ts");
      process.out(dataText({ places: results }, options.output));
    }
    return exitCodeOfFindings(
      results.flatMap(({ examined }) => examined).flatMap((one) => one.findings),
    );
  });
}

async function examine(
  place: string,
  headers: Readonly<Record<string, string>>,
  { env, process }: Session,
): Promise<Examined[]> {
  const isLocal = !isUri(place) || /^file:/i.test(place);
  if (!isLocal) return [{ as: "source", findings: await examineSource(place, headers, env) }];
  const path = isUri(place) ? pathOfFileUri(place) : absolutePath(process.cwd, place);
  const examined: Examined[] = [];
  if ((await env.disk.stat(path))?.kind === "file") {
    const { fileUriOf } = await import("../../protocols/file/uri.ts");
    examined.push({ as: "source", findings: await examineSource(fileUriOf(path), {}, env) });
  }
  examined.push({ as: "destination", findings: await examineDestination(path, env) });
  return examined;
}

const CHECK_CELLS = 14;

function show({ process, outPaint }: Session, uri: string, examined: readonly Examined[]): void {
  for (const { as, findings } of examined) {
    process.out(`${outPaint.bold(clean(uri))} as a ${as}\n`);
    for (const { check, ok, detail } of findings) {
      const mark = ok === null
        ? outPaint.dim("-   ")
        : ok
        ? outPaint.good("ok  ")
        : outPaint.bad("FAIL");
      process.out(`  ${mark}  ${pad(check, CHECK_CELLS)}  ${clean(detail)}\n`);
    }
  }
}
