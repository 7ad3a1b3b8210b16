/** `quorus logs TARGET`: what has happened to a run or a job, as far as the cluster still tells it. */

import type { LiveEvent } from "../../client.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { cliLimits } from "../limits.ts";
import type { Process } from "../process.ts";
import { type Remote, type RemoteOptions, withRemote } from "../remote/session.ts";
import { type Target, targetOf } from "../remote/target.ts";
import { clean } from "../show/text.ts";

/** The options of `logs`. */
export interface LogsOptions extends RemoteOptions {
  readonly follow?: boolean;
  readonly json?: boolean;
}

/** Before all events: what is kept of them follows. */
const FIRST_EVENT = "0.0";
const FINAL: ReadonlySet<string> = new Set(["succeeded", "failed", "cancelled"]);

/** Ends once nothing more was told for a moment; with `--follow` once it has ended. */
export async function logsVerb(
  process: Process,
  target: string,
  options: LogsOptions,
): Promise<ExitCode> {
  return await withRemote(process, options, async (remote) => {
    await tell(remote, await targetOf(remote.quorus, target, remote.signal), options);
    return remote.signal.aborted ? EXIT.interrupted : EXIT.ok;
  });
}

async function tell(remote: Remote, target: Target, options: LogsOptions): Promise<void> {
  const { env, process, quorus, signal } = remote;
  const quiet = new AbortController();
  const restart = () => env.timers.after(cliLimits.logsQuietMs, () => quiet.abort());
  let timer = options.follow === true ? null : restart();
  const lines = new Lines();
  const events = quorus.watch({
    ...(target.kind === "run" ? { runs: [target.id] } : { jobs: [target.id] }),
    after: FIRST_EVENT,
    signal: AbortSignal.any([signal, quiet.signal]),
  });
  try {
    for await (const event of events) {
      const line = options.json === true ? JSON.stringify(event) : lines.next(event);
      if (line !== null) process.out(`${line}\n`);
      if (timer !== null) {
        timer.cancel();
        timer = restart();
      } else if (isEnd(event, target)) return;
    }
  } finally {
    timer?.cancel();
  }
}

function isEnd(event: LiveEvent, { kind, id }: Target): boolean {
  if (event.type === "dev.quorus.job.changed") {
    return kind === "job" && event.data.id === id && FINAL.has(event.data.state);
  }
  return event.type === "dev.quorus.run.changed" && event.data.id === id &&
    FINAL.has(event.data.state);
}

/** A thing changes more often than what is told of it: what would read the same is told once. */
class Lines {
  readonly #last = new Map<string, string>();

  next(event: LiveEvent): string | null {
    const text = textOf(event);
    if (text === null) return null;
    const about = `${event.type} ${"id" in event.data ? event.data.id : ""}`;
    if (event.type !== "dev.quorus.missed" && this.#last.get(about) === text) return null;
    this.#last.set(about, text);
    return `${event.time}  ${text}`;
  }
}

function textOf(event: LiveEvent): string | null {
  switch (event.type) {
    case "dev.quorus.job.changed": {
      const { name, state, why, agent, attempts, error } = event.data;
      const where = agent === null ? "" : ` on ${agent} (attempt ${attempts})`;
      const failure = error === null ? "" : `: ${error.message}`;
      return clean(`${name}  ${state}${where}  ${why}${failure}`);
    }
    case "dev.quorus.run.changed":
      return clean(`${event.data.name}  ${event.data.state}  ${event.data.why}`);
    case "dev.quorus.missed": {
      const { count, why } = event.data;
      const what = count === null ? "earlier events" : `${count} events`;
      return `${what} are not told (${why === "gone" ? "not kept any more" : "too slow"})`;
    }
    default:
      return null;
  }
}
