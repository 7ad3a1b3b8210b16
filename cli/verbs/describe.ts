/** `quorus describe KIND ID`: everything that is known of one thing. */

import { CliError, EXIT, type ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import { detailLines } from "../remote/details.ts";
import { type Remote, type RemoteOptions, withRemote } from "../remote/session.ts";
import { dataText } from "../show/data.ts";
import type { OutputFormat } from "../show/data_formats.ts";

/** What may be described. */
export type DescribedKind = "job" | "run" | "agent" | "definition" | "cluster";

/** The options of `describe`. */
export interface DescribeOptions extends RemoteOptions {
  readonly tenant?: string;
  readonly stale?: boolean;
  readonly output: OutputFormat;
}

/** A job is explained, too. */
export async function describeVerb(
  process: Process,
  kind: DescribedKind,
  id: string,
  options: DescribeOptions,
): Promise<ExitCode> {
  if (id === "" && kind !== "cluster") {
    throw new CliError(
      "usage",
      `cannot describe: name the ${kind}; quorus get ${kind}s lists them`,
    );
  }
  return await withRemote(process, options, async (remote) => {
    const value = await valueOf(remote, kind, id, options);
    if (options.output !== "table") process.out(dataText(value, options.output));
    else process.out(`${detailLines(value, remote.outPaint).join("\n")}\n`);
    return EXIT.ok;
  });
}

async function valueOf(
  { quorus, signal }: Remote,
  kind: DescribedKind,
  id: string,
  { stale, tenant }: DescribeOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const read = { signal, consistency: stale === true ? "stale" : "linearizable" } as const;
  switch (kind) {
    case "job": {
      const job = await quorus.jobs.get(id, read);
      return { ...job, explanation: await quorus.jobs.explain(id, read) };
    }
    case "run":
      return await quorus.runs.get(id, read);
    case "agent":
      return await quorus.agents.get(id, read);
    case "definition":
      return await quorus.definitions.get(id, { ...read, tenant });
    case "cluster":
      return await quorus.cluster.get(read);
  }
}
