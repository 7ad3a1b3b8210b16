/**
 * Ours as a contestant: each file is hashed by SHA-256 on its way, verified, and published by a grant and a
 * receipt in a log. Like the peers it does not wait for the disk.
 */

import { command } from "./command.ts";
import { AGENT, COMMAND, type Contestant, type Stand, type Work } from "./contest.ts";

/** A server as a workflow names it. */
export interface FarEnd {
  /** The URI of a folder of the server, without a slash at its end. */
  uri(far: string): string;
  /** What is declared beside it: `auth: {...}, options: {...}`, or nothing. */
  readonly access: string;
  readonly filesAtOnce: number;
  /** Ranges of a large file at once. */
  readonly ranges: number;
  /** Whether the server tells its names: then small files are a set, else a group of one transfer each. */
  readonly isListed: boolean;
  /** Whether it keeps the time of a file: then sets have it kept, as they do unless told otherwise. */
  readonly keepsMtime: boolean;
}

/** As an agent and as a command. */
export function ours({ agent, folder }: Stand, end: FarEnd): Record<string, Contestant> {
  const runs = `${folder}/runs`;
  return {
    [AGENT]: {
      copy: async (work) => void await agent.run(workflowOf(work, end), runs),
      cpuMs: () => agent.cpuMs,
    },
    [COMMAND]: {
      copy: (work) => runCommand(workflowOf(work, end), folder),
      rounds: 1,
    },
  };
}

/** `quorus run` in a process of its own. */
export async function runCommand(text: string, folder: string): Promise<void> {
  const [file, data] = [`${folder}/workflow.yaml`, `${folder}/data`];
  await Deno.writeTextFile(file, text);
  const cli = new URL("../../../cli.ts", import.meta.url).pathname;
  const run = ["run", "--no-sync", "--json", "--data", data, file];
  await command(Deno.execPath(), ["run", "-A", "--no-check", cli, ...run]);
  await Deno.remove(data, { recursive: true });
}

/** A workflow that copies these files. */
export function workflowOf(work: Work, end: FarEnd): string {
  return work.names.length > 1 && (end.isListed || work.direction === "put")
    ? setOf(work, end)
    : groupOf(work, end);
}

function setOf(work: Work, end: FarEnd): string {
  const [source, destination] = endsOf(
    work,
    end,
    "/",
    `, compare: none, preserveMtime: ${end.keepsMtime}`,
  );
  return `apiVersion: quorus.dev/v1
kind: Transfer
metadata: { name: files }
spec:
  source: ${source}
  destination: ${destination}
  transfer: { concurrentFiles: ${end.filesAtOnce} }
`;
}

function groupOf(work: Work, end: FarEnd): string {
  const lines = work.names.flatMap((name, index) => {
    const [source, destination] = endsOf(work, end, `/${name}`, "");
    return [
      `    - name: f${index}`,
      `      source: ${source}`,
      `      destination: ${destination}`,
    ];
  });
  return `apiVersion: quorus.dev/v1
kind: TransferGroup
metadata: { name: files }
spec:
  execution: { strategy: parallel, maxConcurrency: ${end.filesAtOnce} }
  defaults: { transfer: { parallelRanges: ${work.size === "large" ? end.ranges : 1} } }
  transfers:
${lines.join("\n")}
`;
}

/** The declared source and destination; `more` is what is said of the destination alone. */
function endsOf(
  { direction, near, far }: Work,
  { uri, access }: FarEnd,
  name: string,
  more: string,
): [string, string] {
  const rest = access === "" ? "" : `, ${access}`;
  const there = (also: string) => `{ uri: "${uri(far)}${name}"${rest}${also} }`;
  const here = (also: string) => `{ path: "${near}${name}"${also} }`;
  return direction === "get" ? [there(""), here(more)] : [here(""), there(more)];
}
