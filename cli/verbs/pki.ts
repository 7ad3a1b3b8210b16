/** `quorus pki init|issue|rotate|show`: certificates of the nodes of a cluster. */

import type { Role } from "../../actors/roles.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { absolutePath } from "../input/text_file.ts";
import { type KeptCertificate, PkiFolder } from "../pki/folder.ts";
import type { Process } from "../process.ts";
import { type Session, withSession } from "../session.ts";
import type { OutputFormat } from "../show/data_formats.ts";
import { tableLines } from "../show/table.ts";

/** What every verb is told. */
export interface PkiOptions {
  readonly dir: string;
  readonly output: OutputFormat;
}

/** Makes an authority. */
export async function pkiInitVerb(
  process: Process,
  options: PkiOptions & { readonly cluster: string; readonly days: number },
): Promise<ExitCode> {
  return await withFolder(process, options, async (folder) => [
    await folder.init(authorityName(options.cluster), options.days),
  ]);
}

/** Makes a key and a certificate of one node. */
export async function pkiIssueVerb(
  process: Process,
  node: string,
  options: PkiOptions & {
    readonly cluster: string;
    readonly role: readonly Role[];
    readonly days: number;
  },
): Promise<ExitCode> {
  return await withFolder(process, options, async (folder) => [
    await folder.issue(options.cluster, node, options.role, options.days),
  ]);
}

/** Issues certificates anew: those that are named, else those whose time is up soon. */
export async function pkiRotateVerb(
  process: Process,
  nodes: readonly string[],
  options: PkiOptions & {
    readonly cluster: string;
    readonly all?: boolean;
    readonly authority?: boolean;
    readonly retire?: boolean;
    readonly days: number;
  },
): Promise<ExitCode> {
  return await withFolder(process, options, async (folder) => {
    if (options.authority === true) {
      // Nodes learn to trust it before anybody shows what it has signed: --all is the next step.
      return [await folder.renewAuthority(authorityName(options.cluster), options.days)];
    }
    if (options.retire === true) await folder.retireAuthorities();
    const done: KeptCertificate[] = [];
    for (const node of nodes.length > 0 ? nodes : await due(folder, options.all === true)) {
      done.push(await folder.rotate(node));
    }
    return done;
  });
}

async function due(folder: PkiFolder, isAll: boolean): Promise<string[]> {
  return (await folder.list())
    .filter(({ isAuthority, state }) => !isAuthority && (isAll || state !== "valid"))
    .map(({ commonName }) => commonName);
}

/** Tells what there is; exit 1 where something has expired. */
export async function pkiShowVerb(process: Process, options: PkiOptions): Promise<ExitCode> {
  return await withFolder(process, options, (folder) => folder.list());
}

function authorityName(cluster: string): string {
  return `Quorus authority of ${cluster}`;
}

async function withFolder(
  process: Process,
  { dir, output }: PkiOptions,
  work: (folder: PkiFolder) => Promise<readonly KeptCertificate[]>,
): Promise<ExitCode> {
  return await withSession(process, async (session) => {
    const folder = new PkiFolder(session.env, absolutePath(process.cwd, dir));
    const certificates = await work(folder);
    await show(session, certificates, output);
    return certificates.some(({ state }) => state === "expired") ? EXIT.failed : EXIT.ok;
  });
}

async function show(
  { process, outPaint }: Session,
  certificates: readonly KeptCertificate[],
  output: OutputFormat,
): Promise<void> {
  const rows = certificates.map((one) => ({
    name: one.commonName,
    roles: one.isAuthority ? [] : one.roles.map(({ cluster, role }) => `${role} of ${cluster}`),
    state: one.state,
    until: new Date(one.toMs).toISOString(),
    fingerprint: one.fingerprint,
    file: one.file,
  }));
  if (output !== "table") {
    const { dataText } = await import("../show/data.ts");
    process.out(dataText({ certificates: rows }, output));
    return;
  }
  if (rows.length === 0) return process.out("nothing is due\n");
  const columns = ["NAME", "MAY BE", "STATE", "UNTIL", "FILE"].map((title) => ({ title }));
  const cells = rows.map(({ name, roles, state, until, file }) => [
    name,
    roles.join(", ") || "authority",
    state,
    until.slice(0, 10),
    file,
  ]);
  process.out(`${tableLines(columns, cells, outPaint).join("\n")}\n`);
}
