/** `quorus doctor URI [--to URI]`: can this be read from, written to, and what can the pair promise. */

import { endpointOf } from "../../actors/job/ends.ts";
import { revealer } from "../../actors/agent/reveal.ts";
import type { Endpoint, SinkCapabilities, SourceFacts } from "../../protocols/contract.ts";
import { fileUriOf } from "../../protocols/file/uri.ts";
import type { ProtocolRegistry } from "../../protocols/registry.ts";
import { examineDestination } from "../doctor/destination.ts";
import { examineDirectory } from "../doctor/directory.ts";
import { exitCodeOfFindings, type Finding } from "../doctor/finding.ts";
import { guaranteeOf } from "../doctor/guarantee.ts";
import { examineSource } from "../doctor/source.ts";
import type { ExitCode } from "../exit.ts";
import { accessOf, type AccessOptions } from "../input/access.ts";
import { isUri } from "../input/place.ts";
import { secretSources } from "../input/secrets.ts";
import { absolutePath } from "../input/text_file.ts";
import { cliLimits } from "../limits.ts";
import type { Process } from "../process.ts";
import { protocolsFor, sshOf } from "../protocols.ts";
import { protocolChoice, type ReachOptions } from "../run/protocol_choice.ts";
import { type Session, withSession } from "../session.ts";
import type { OutputFormat } from "../show/data_formats.ts";
import { clean, pad } from "../show/text.ts";

/** The options of `doctor`. */
export interface DoctorOptions extends AccessOptions, ReachOptions {
  readonly output: OutputFormat;
  readonly secrets?: string;
  /** A destination: the only place of another host that is written to. */
  readonly to?: string;
  readonly toHeader?: readonly string[];
  readonly toAuth?: readonly string[];
  readonly toOption?: readonly string[];
}

/** What was found of one side. */
interface Examined {
  readonly as: "source" | "directory" | "destination" | "pair";
  readonly findings: readonly Finding[];
}

interface Result {
  readonly uri: string;
  readonly examined: Examined[];
}

/** Examines each place in every way it can be used; places of other hosts are written to with `--to` only. */
export async function doctorVerb(
  process: Process,
  places: readonly string[],
  options: DoctorOptions,
): Promise<ExitCode> {
  return await withSession(process, async (session) => {
    const chosen = await protocolChoice(options, process);
    const { env } = session;
    const ssh = sshOf(process);
    const protocols = protocolsFor(env, { maxRate: null, trace: false, ssh, ...chosen });
    try {
      const results = await examineAll(session, protocols, places, options);
      await show(session, results, options.output);
      const examined = results.flatMap((result) => result.examined);
      return exitCodeOfFindings(examined.flatMap(({ findings }) => findings));
    } finally {
      await protocols.close();
    }
  });
}

async function examineAll(
  session: Session,
  protocols: ProtocolRegistry,
  places: readonly string[],
  options: DoctorOptions,
): Promise<Result[]> {
  const results: Result[] = [];
  const { to, toHeader = [], toAuth = [], toOption = [] } = options;
  const sources: { place: string; facts: SourceFacts }[] = [];
  for (const place of places) {
    const endpoint = await endpointAt(session, place, options, options.secrets);
    const { examined, facts } = await examine(
      session,
      protocols,
      endpoint,
      place,
      to === undefined,
    );
    results.push({ uri: place, examined });
    if (facts !== null) sources.push({ place, facts });
  }
  if (to === undefined) return results;
  const access = { header: toHeader, auth: toAuth, option: toOption };
  const endpoint = await endpointAt(session, to, access, options.secrets);
  const { findings, capabilities } = await destinationAt(session, protocols, endpoint, to);
  results.push({ uri: to, examined: [{ as: "destination", findings }] });
  if (capabilities === null) return results;
  return [...results, ...sources.map(({ place, facts }) => pairOf(place, to, facts, capabilities))];
}

function pairOf(
  from: string,
  to: string,
  facts: SourceFacts,
  capabilities: SinkCapabilities,
): Result {
  const findings = guaranteeOf(facts, capabilities);
  return { uri: `${from} -> ${to}`, examined: [{ as: "pair", findings }] };
}

async function endpointAt(
  { env, process }: Session,
  place: string,
  access: AccessOptions,
  secrets: string | undefined,
): Promise<Endpoint> {
  const directory = process.cwd;
  const secretsDirectory = secrets === undefined ? null : absolutePath(directory, secrets);
  const reveal = revealer(secretSources({ disk: env.disk, process, secretsDirectory, directory }));
  const uri = isUri(place) ? place : uriOfPath(directory, place);
  const endpoint = await endpointOf(uri, accessOf(access), reveal);
  const waitMs = cliLimits.doctorTimeoutMs;
  return { ...endpoint, responseTimeoutMs: waitMs, idleTimeoutMs: waitMs };
}

/** A slash at the end stays: it says that a directory is meant. */
function uriOfPath(cwd: string, place: string): string {
  const uri = fileUriOf(absolutePath(cwd, place));
  return /.\/$/.test(place) && !uri.endsWith("/") ? `${uri}/` : uri;
}

/** A place of this machine is looked at as a destination as well, unless another one is named. */
async function examine(
  session: Session,
  protocols: ProtocolRegistry,
  endpoint: Endpoint,
  shown: string,
  isAlone: boolean,
): Promise<{ examined: Examined[]; facts: SourceFacts | null }> {
  const { env } = session;
  const protocol = protocols.forUri(endpoint.uri);
  const isLocal = /^file:/i.test(endpoint.uri);
  const examined: Examined[] = [];
  let facts: SourceFacts | null = null;
  const kind = isLocal ? await localKind(session, endpoint.uri) : null;
  if (isLocal ? kind === "directory" : endpoint.uri.endsWith("/")) {
    const uri = endpoint.uri.endsWith("/") ? endpoint.uri : `${endpoint.uri}/`;
    const findings = await examineDirectory(protocol, { ...endpoint, uri }, env);
    examined.push({ as: "directory", findings });
  } else if (!isLocal || kind === "file" || !isAlone) {
    const found = await examineSource(protocol, endpoint, env);
    facts = found.facts;
    examined.push({ as: "source", findings: found.findings });
  }
  if (isLocal && isAlone) {
    const { findings } = await destinationAt(session, protocols, endpoint, shown);
    examined.push({ as: "destination", findings });
  }
  return { examined, facts };
}

async function localKind({ env }: Session, uri: string) {
  const { pathOfFileUri } = await import("../../protocols/file/uri.ts");
  return (await env.disk.stat(pathOfFileUri(uri)))?.kind ?? null;
}

async function destinationAt(
  session: Session,
  protocols: ProtocolRegistry,
  endpoint: Endpoint,
  shown: string,
) {
  const isLocal = /^file:/i.test(endpoint.uri);
  const isDirectory = isLocal && await localKind(session, endpoint.uri) === "directory";
  const uri = isDirectory && !endpoint.uri.endsWith("/") ? `${endpoint.uri}/` : endpoint.uri;
  return await examineDestination(protocols.forUri(uri), { ...endpoint, uri }, shown, session.env);
}

const CHECK_CELLS = 14;

async function show(
  session: Session,
  results: readonly Result[],
  output: OutputFormat,
): Promise<void> {
  const { process, outPaint } = session;
  if (output !== "table") {
    const { dataText } = await import("../show/data.ts");
    process.out(dataText({ places: results }, output));
    return;
  }
  for (const { uri, examined } of results) {
    for (const { as, findings } of examined) {
      const title = as === "pair" ? "what this pair can promise" : `as a ${as}`;
      process.out(`${outPaint.bold(clean(uri))} ${title}\n`);
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
}
