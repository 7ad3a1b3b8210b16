/** `quorus get KIND [ID]`: what a cluster has, as a table or as data. */

import type { ListOptions, Page } from "../../client.ts";
import { CliError, EXIT, type ExitCode } from "../exit.ts";
import { cliLimits } from "../limits.ts";
import type { Process } from "../process.ts";
import {
  AGENTS,
  DEFINITIONS,
  JOBS,
  listLines,
  type ListView,
  RUNS,
  TENANTS,
} from "../remote/lists.ts";
import { type Remote, type RemoteOptions, withRemote } from "../remote/session.ts";
import { dataText } from "../show/data.ts";
import type { OutputFormat } from "../show/data_formats.ts";

/** The options of `get`. */
export interface GetOptions extends RemoteOptions {
  readonly run?: string;
  readonly state?: string;
  readonly selector?: string;
  readonly tenant?: string;
  readonly limit?: number;
  readonly stale?: boolean;
  readonly output: OutputFormat;
}

/** What may be listed. */
export type Kind = "jobs" | "runs" | "agents" | "definitions" | "tenants";

interface Source<T> {
  readonly view: ListView<T>;
  get(id: string): Promise<T>;
  page(options: ListOptions): Promise<Page<T>>;
}

const PAGE_ITEMS = 1_000;

/** Without an id those of a kind, `--limit` at most; without that, the newest jobs and runs. */
export async function getVerb(
  process: Process,
  kind: Kind,
  id: string | undefined,
  options: GetOptions,
): Promise<ExitCode> {
  refuseMismatch(kind, options);
  return await withRemote(process, options, async (remote) => {
    switch (kind) {
      case "jobs":
        return await show(remote, kind, jobs(remote, options), id, options);
      case "runs":
        return await show(remote, kind, runs(remote, options), id, options);
      case "agents":
        return await show(remote, kind, agents(remote, options), id, options);
      case "definitions":
        return await show(remote, kind, definitions(remote, options), id, options);
      case "tenants":
        return await show(remote, kind, tenants(remote, options), id, options);
    }
  });
}

/** A filter that would not be applied is no filter. */
function refuseMismatch(kind: Kind, { run, state, selector, tenant }: GetOptions): void {
  const refuse = (option: string) => {
    throw new CliError("usage", `cannot list ${kind} by ${option}: they have none`);
  };
  if (run !== undefined && kind !== "jobs") refuse("--run");
  const isLabelled = kind === "jobs" || kind === "runs";
  if (state !== undefined && !isLabelled) refuse("--state");
  if (selector !== undefined && !isLabelled) refuse("--selector");
  if (tenant !== undefined && kind !== "definitions") refuse("--tenant");
}

function common({ signal }: Remote, { stale }: GetOptions) {
  return { signal, consistency: stale === true ? "stale" : "linearizable" } as const;
}

function jobs(remote: Remote, options: GetOptions) {
  const { run, state, selector } = options;
  const read = common(remote, options);
  const filter = { run, states: state?.split(","), labels: selector };
  const calls = remote.quorus.jobs;
  return {
    view: JOBS,
    get: (id: string) => calls.get(id, read),
    page: (page: ListOptions) => calls.page({ ...read, ...filter, ...page }),
  };
}

function runs(remote: Remote, options: GetOptions) {
  const { state, selector } = options;
  const read = common(remote, options);
  const filter = { states: state?.split(","), labels: selector };
  const calls = remote.quorus.runs;
  return {
    view: RUNS,
    get: (id: string) => calls.get(id, read),
    page: (page: ListOptions) => calls.page({ ...read, ...filter, ...page }),
  };
}

function agents(remote: Remote, options: GetOptions) {
  const read = common(remote, options);
  const calls = remote.quorus.agents;
  return {
    view: AGENTS,
    get: (id: string) => calls.get(id, read),
    page: (page: ListOptions) => calls.page({ ...read, ...page }),
  };
}

function definitions(remote: Remote, options: GetOptions) {
  const { tenant } = options;
  const read = common(remote, options);
  const calls = remote.quorus.definitions;
  return {
    view: DEFINITIONS,
    get: (id: string) => calls.get(id, { ...read, tenant }),
    page: (page: ListOptions) => calls.page({ ...read, ...page }),
  };
}

function tenants(remote: Remote, options: GetOptions) {
  const read = common(remote, options);
  const calls = remote.quorus.tenants;
  return {
    view: TENANTS,
    get: (id: string) => calls.usage(id, read),
    page: (page: ListOptions) => calls.page({ ...read, ...page }),
  };
}

async function show<T>(
  remote: Remote,
  kind: Kind,
  source: Source<T>,
  id: string | undefined,
  { limit = mostOf(kind), output }: GetOptions,
): Promise<ExitCode> {
  const { process, env, outPaint } = remote;
  if (id !== undefined) {
    const item = await source.get(id);
    if (output !== "table") process.out(dataText(item, output));
    else print(process, listLines(source.view, [item], kind, env.clock.now(), outPaint));
    return EXIT.ok;
  }
  const { items, more, incomplete } = await gather(source, limit);
  const gap = incomplete ? { incomplete } : {};
  if (output !== "table") {
    process.out(dataText({ items, more, ...gap }, output));
    return EXIT.ok;
  }
  print(process, listLines(source.view, items, kind, env.clock.now(), outPaint));
  if (more) process.err(`there are more: these are the first ${limit}; --limit N shows N\n`);
  if (incomplete) process.err("the controller lacks parts of the archive: some may be missing\n");
  return EXIT.ok;
}

/** Lists that go on into the archive have no end that anybody would want to see. */
function mostOf(kind: Kind): number {
  return kind === "jobs" || kind === "runs" ? cliLimits.listItems : Infinity;
}

async function gather<T>({ page }: Source<T>, limit: number) {
  const items: T[] = [];
  let incomplete = false;
  let cursor: string | undefined;
  for (;;) {
    const asked = Math.min(limit + 1 - items.length, PAGE_ITEMS);
    const got = await page({ limit: asked, ...(cursor === undefined ? {} : { cursor }) });
    items.push(...got.items);
    incomplete ||= got.incomplete === true;
    const isMore = items.length > limit;
    if (isMore || got.next === null) {
      return { items: items.slice(0, limit), more: isMore, incomplete };
    }
    cursor = got.next;
  }
}

function print(process: Process, lines: readonly string[]): void {
  process.out(`${lines.join("\n")}\n`);
}
