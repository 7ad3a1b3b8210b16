/** The verbs that speak to a gateway. */

import { Argument, Command, InvalidArgumentError } from "commander";
import { cliLimits } from "./limits.ts";
import { withOutput, withVariables } from "./options.ts";
import type { Process } from "./process.ts";
import type { AddVerb } from "./program_roles.ts";
import { withServer } from "./remote/options.ts";
import type { DescribedKind } from "./verbs/describe.ts";
import type { Kind } from "./verbs/get.ts";

const TARGETS = "run/ID, job/ID, or an id alone";
const KINDS: readonly Kind[] = ["jobs", "runs", "agents", "definitions", "tenants"];
const DESCRIBED: readonly DescribedKind[] = ["job", "run", "agent", "definition", "cluster"];

/** `submit`, `get`, `describe`, `watch`, `logs`, `pause`, `resume`, `cancel`, `retry`, `explain`, `inspect`. */
export function addRemote(add: AddVerb, process: Process): void {
  addSubmitting(add, process);
  addListing(add, process);
  addFollowing(add, process);
  addActing(add, process);
  addTelling(add, process);
}

function addSubmitting(add: AddVerb, process: Process): void {
  const submit = new Command("submit")
    .description("give workflow files to a cluster; what run takes, this takes")
    .argument("<FILE...>", "workflow files; each document becomes a run")
    .option("--tenant <NAME>", "for workflows that name none")
    .option("--idempotency-key <KEY>", "the same key and files start nothing twice")
    .option("--wait", "show the runs until they have ended; exit 1 if one failed")
    .option("--json", "write NDJSON: what was started, or with --wait events");
  add(withServer(withVariables(withOutput(submit))), async (verb) => {
    const { submitVerb } = await import("./verbs/submit.ts");
    return await submitVerb(process, verb.args, verb.opts());
  });
}

function addListing(add: AddVerb, process: Process): void {
  const get = new Command("get")
    .description("list what a cluster has")
    .addArgument(new Argument("<KIND>", "what").choices([...KINDS]))
    .argument("[ID]", "this one only")
    .option("--run <ID>", "jobs of this run")
    .option("--state <LIST>", "in one of these states, with commas between them")
    .option("-l, --selector <SELECTOR>", "by label: tier=gold, zone in (a, b), urgent")
    .option("--tenant <NAME>", "whose definition")
    .option(
      "--limit <N>",
      "at most so many; of jobs and runs the newest 500 without it",
      listLength,
    )
    .option("--stale", "whatever a controller knows, also without a quorum");
  add(withServer(withOutput(get)), async (verb) => {
    const { getVerb } = await import("./verbs/get.ts");
    return await getVerb(process, verb.processedArgs[0], verb.args[1], verb.opts());
  });
  const describe = new Command("describe")
    .description("show everything that is known of one thing")
    .addArgument(new Argument("<KIND>", "what").choices([...DESCRIBED]))
    .argument("[ID]", "which; not for cluster", "")
    .option("--tenant <NAME>", "whose definition")
    .option("--stale", "whatever a controller knows, also without a quorum");
  add(withServer(withOutput(describe)), async (verb) => {
    const { describeVerb } = await import("./verbs/describe.ts");
    return await describeVerb(process, verb.processedArgs[0], verb.args[1] ?? "", verb.opts());
  });
}

function addFollowing(add: AddVerb, process: Process): void {
  const watch = new Command("watch")
    .description("show runs of a cluster until they have ended")
    .argument("<TARGET...>", TARGETS)
    .option("--json", "write events as NDJSON instead of a report");
  add(withServer(withOutput(watch)), async (verb) => {
    const { watchVerb } = await import("./verbs/watch.ts");
    return await watchVerb(process, verb.args, verb.opts());
  });
  const logs = new Command("logs")
    .description("tell what has happened to a run or a job, as far as it is kept")
    .argument("<TARGET>", TARGETS)
    .option("-f, --follow", "go on until it has ended")
    .option("--json", "write CloudEvents as NDJSON");
  add(withServer(logs), async (verb) => {
    const { logsVerb } = await import("./verbs/logs.ts");
    return await logsVerb(process, verb.args[0] ?? "", verb.opts());
  });
}

function addActing(add: AddVerb, process: Process): void {
  const acting = (name: string, description: string, targets = TARGETS) =>
    withServer(
      new Command(name).description(description).argument("<TARGET...>", targets)
        .option("--why <TEXT>", "the reason, for people; it is kept"),
    );
  add(acting("pause", "stop at the next chunk and keep the checkpoints"), async (verb) => {
    const { pauseVerb } = await import("./verbs/pause.ts");
    return await pauseVerb(process, verb.args, verb.opts());
  });
  add(acting("resume", "let what is paused go on"), async (verb) => {
    const { resumeVerb } = await import("./verbs/resume.ts");
    return await resumeVerb(process, verb.args, verb.opts());
  });
  add(acting("cancel", "end runs or jobs; what is published stays"), async (verb) => {
    const { cancelVerb } = await import("./verbs/cancel.ts");
    return await cancelVerb(process, verb.args, verb.opts());
  });
  add(
    acting("retry", "try again what has failed", "run/ID, job/ID, or an id alone"),
    async (verb) => {
      const { retryVerb } = await import("./verbs/retry.ts");
      return await retryVerb(process, verb.args, verb.opts());
    },
  );
}

function addTelling(add: AddVerb, process: Process): void {
  const explain = new Command("explain")
    .description("say why a job waits, runs where it runs, or has failed")
    .argument("<JOB>", "job/ID, or an id alone");
  add(withServer(withOutput(explain)), async (verb) => {
    const { explainVerb } = await import("./verbs/explain.ts");
    return await explainVerb(process, verb.args[0] ?? "", verb.opts());
  });
  const inspect = new Command("inspect").description("show the living actors of a controller");
  add(withServer(withOutput(inspect)), async (verb) => {
    const { inspectVerb } = await import("./verbs/inspect.ts");
    return await inspectVerb(process, verb.opts());
  });
}

/** How many things a list may show. */
function listLength(text: string): number {
  const most = cliLimits.listItemsMost;
  if (/^[1-9]\d*$/.test(text) && Number(text) <= most) return Number(text);
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${most}.`);
}
