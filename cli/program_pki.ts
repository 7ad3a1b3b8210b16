/** The verbs about certificates. */

import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { withOutput } from "./options.ts";
import type { Process } from "./process.ts";
import type { AddGroup, AddVerb } from "./program_roles.ts";

const ROLES = ["controller", "agent", "gateway"];
const NODE_DAYS = 90;
const AUTHORITY_DAYS = 3_650;
const TOKEN_MINUTES = 15;
const MOST_DAYS = 36_500;

/** `pki init`, `issue`, `rotate`, `show`, `token`, `serve`; `join`. */
export function addPki(add: AddVerb, addGroup: AddGroup, process: Process): void {
  const join = new Command("join")
    .description("get this machine's certificate for a token of quorus pki token")
    .requiredOption("--token <FILE>", "the file that holds the token")
    .option("--dir <DIR>", "where key and certificates are kept", "./.quorus/tls");
  add(join, async (verb) => {
    const { joinVerb } = await import("./verbs/join.ts");
    return await joinVerb(process, verb.opts());
  });
  addGroup(new Command("pki").description("certificates of the nodes of a cluster"), (add) => {
    addMaking(add, process);
    addKeeping(add, process);
    addJoining(add, process);
  });
}

function addMaking(add: AddVerb, process: Process): void {
  const init = new Command("init").description("make an authority: keep its ca.key apart and safe");
  add(withCluster(init, AUTHORITY_DAYS), async (verb) => {
    const { pkiInitVerb } = await import("./verbs/pki.ts");
    return await pkiInitVerb(process, verb.opts());
  });
  const issue = new Command("issue")
    .description("make a key and a certificate that say which node it is and what it may be")
    .addArgument(new Argument("<NODE>", "the node's id").argParser(nodeId))
    .addOption(
      new Option("--role <ROLE...>", "what it may be").choices(ROLES).makeOptionMandatory(),
    );
  add(withCluster(issue, NODE_DAYS), async (verb) => {
    const { pkiIssueVerb } = await import("./verbs/pki.ts");
    return await pkiIssueVerb(process, verb.args[0] ?? "", verb.opts());
  });
}

function addKeeping(add: AddVerb, process: Process): void {
  const rotate = new Command("rotate")
    .description("issue anew what has less than a third of its time left; nodes take it up")
    .argument("[NODE...]", "these instead")
    .option("--all", "all nodes")
    .option(
      "--authority",
      "make a new authority, trusted beside the earlier one; then --all, then --retire",
    )
    .option("--retire", "trust the newest authority only");
  add(withCluster(rotate, AUTHORITY_DAYS), async (verb) => {
    const { pkiRotateVerb } = await import("./verbs/pki.ts");
    return await pkiRotateVerb(process, verb.args, verb.opts());
  });
  const show = new Command("show").description("tell what there is, and until when it holds");
  add(withFolder(show), async (verb) => {
    const { pkiShowVerb } = await import("./verbs/pki.ts");
    return await pkiShowVerb(process, verb.opts());
  });
}

function addJoining(add: AddVerb, process: Process): void {
  const token = new Command("token")
    .description("print a token that gets one new node its certificate, once and soon")
    .addArgument(new Argument("<NODE>", "the node's id").argParser(nodeId))
    .addOption(
      new Option("--role <ROLE...>", "what it may be").choices(ROLES).makeOptionMandatory(),
    )
    .requiredOption("--url <URL>", "where quorus pki serve answers: wss://HOST:PORT")
    .option("--minutes <N>", "how long the token works", daysOf, TOKEN_MINUTES);
  add(withCluster(token, NODE_DAYS), async (verb) => {
    const { pkiTokenVerb } = await import("./verbs/join.ts");
    return await pkiTokenVerb(process, verb.args[0] ?? "", verb.opts());
  });
  const serve = new Command("serve")
    .description("answer new nodes that bring a token; runs where the authority's key is")
    .option("--listen <HOST:PORT>", "where", "127.0.0.1:4199")
    .option("--cluster <NAME>", "the name of the cluster", "quorus")
    .option("--dir <DIR>", "the authority's folder", "./.quorus/pki");
  add(serve, async (verb) => {
    const { pkiServeVerb } = await import("./verbs/join.ts");
    return await pkiServeVerb(process, verb.opts());
  });
}

function withFolder(command: Command): Command {
  return withOutput(command).option("--dir <DIR>", "the authority's folder", "./.quorus/pki");
}

function withCluster(command: Command, days: number): Command {
  return withFolder(command)
    .option("--cluster <NAME>", "the name of the cluster", "quorus")
    .option("--days <N>", "how long it holds", daysOf, days);
}

function daysOf(text: string): number {
  const days = Number(text);
  if (Number.isInteger(days) && days >= 1 && days <= MOST_DAYS) return days;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MOST_DAYS}.`);
}

/** The id is a file's name, too: `ca` is the authority's. */
function nodeId(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(text) && text !== "ca") return text;
  throw new InvalidArgumentError("It must be the id of a node, and not ca.");
}
