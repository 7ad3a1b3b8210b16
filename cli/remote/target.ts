/** What a verb is about: `run/ID`, `job/ID`, or an id alone. */

import { ClientError, type QuorusClient } from "../../client.ts";
import { CliError } from "../exit.ts";

/** A run or a job. */
export interface Target {
  readonly kind: "run" | "job";
  readonly id: string;
}

/** The target of a text; an id alone is looked up, as a run first. */
export async function targetOf(
  quorus: QuorusClient,
  text: string,
  signal: AbortSignal,
): Promise<Target> {
  const match = /^(run|job)s?\/(.+)$/.exec(text);
  if (match !== null) return { kind: match[1] === "run" ? "run" : "job", id: match[2] ?? "" };
  if (text.includes("/")) {
    throw new CliError("usage", `cannot use "${text}": write run/ID, job/ID, or the id alone`);
  }
  for (const kind of ["run", "job"] as const) {
    try {
      await (kind === "run" ? quorus.runs : quorus.jobs).get(text, { signal });
      return { kind, id: text };
    } catch (thrown) {
      if (!(thrown instanceof ClientError) || thrown.code !== "not-found") throw thrown;
    }
  }
  throw new CliError(
    "invalidInput",
    `there is no run and no job ${text}; quorus get runs lists what there is`,
  );
}
