/** The verbs of `quorus cluster`: a cluster on this machine, and who belongs to any cluster. */

import { Argument, Command, Option } from "commander";
import type { ClusterChange } from "../client.ts";
import { CLUSTER_DIRECTORY, collect, countFromNone, withOutput } from "./options.ts";
import type { Process } from "./process.ts";
import type { AddGroup, AddVerb } from "./program_roles.ts";
import { withServer } from "./remote/options.ts";

const GROUP = "a cluster of processes on this machine, and the members of any cluster";

/** See the file's comment. */
export function addCluster(addGroup: AddGroup, process: Process): void {
  addGroup(new Command("cluster").description(GROUP), (add) => {
    addClusterUp(add, process);
    addClusterCare(add, process);
    addNew(add, process);
    addStatus(add, process);
    addChanges(add, process);
    addLeading(add, process);
  });
}

function addClusterUp(add: AddVerb, process: Process): void {
  const up = new Command("up")
    .description("start a cluster of local processes and wait until it is ready")
    .addOption(nodes("controllers", "nodes that decide", 3))
    .addOption(nodes("agents", "nodes that carry out transfers", 3))
    .addOption(nodes("gateways", "nodes that serve the API", 1))
    .option("--files <DIR>", "where transfers may read and write; may be repeated", collect)
    .option("--plain", "links without TLS, with a token that all share")
    .option("--set <KEY=VALUE>", "a setting of every node; may be repeated", collect);
  add(withFolder(withOutput(up)), async (verb) => {
    const { clusterUpVerb } = await import("./verbs/cluster.ts");
    return await clusterUpVerb(process, verb.opts());
  });
  const down = new Command("down")
    .description("end every process of a local cluster, in order")
    .option("--remove", "remove its state, too");
  add(withFolder(down), async (verb) => {
    const { clusterDownVerb } = await import("./verbs/cluster.ts");
    return await clusterDownVerb(process, verb.opts());
  });
}

function addClusterCare(add: AddVerb, process: Process): void {
  const kill = new Command("kill")
    .description("send one node of a local cluster a signal, to see what the others do")
    .argument("<NODE>", "its id, such as c1")
    .addOption(
      new Option("--signal <NAME>", "which")
        .choices(["SIGKILL", "SIGTERM", "SIGSTOP", "SIGCONT"]).default("SIGKILL"),
    );
  add(withFolder(kill), async (verb) => {
    const { clusterKillVerb } = await import("./verbs/cluster.ts");
    return await clusterKillVerb(process, verb.args[0] ?? "", verb.opts());
  });
  const restart = new Command("restart")
    .description("end nodes of a local cluster in order, if they run, and start them")
    .argument("[NODE]", "its id, such as c1")
    .option("--all", "every node, one after the other, each when all is well; the leader last");
  add(withFolder(withOutput(restart)), async (verb) => {
    const { clusterRestartVerb } = await import("./verbs/cluster.ts");
    return await clusterRestartVerb(process, verb.args[0] ?? null, verb.opts());
  });
}

function withFolder(command: Command): Command {
  return command.option("--dir <DIR>", "the folder of the cluster", CLUSTER_DIRECTORY);
}

function nodes(name: string, description: string, number: number): Option {
  return new Option(`--${name} <N>`, description).default(number).argParser(countFromNone);
}

function addNew(add: AddVerb, process: Process): void {
  const node = new Command("new")
    .description("make one more node of a local cluster, and start it")
    .argument("<NODE>", "its id, such as c4")
    .addOption(
      new Option("--role <ROLE>", "what it is").choices(["controller", "agent", "gateway"])
        .makeOptionMandatory(),
    );
  add(withFolder(node), async (verb) => {
    const { clusterNewVerb } = await import("./verbs/cluster.ts");
    return await clusterNewVerb(process, verb.args[0] ?? "", verb.opts());
  });
}

function addStatus(add: AddVerb, process: Process): void {
  const status = new Command("status")
    .description("the members of a cluster at a gateway, or the processes of a local one")
    .option("--stale", "whatever a controller knows, also without a quorum");
  add(withPlace(withOutput(status)), async (verb) => {
    const { clusterStatusVerb } = await import("./verbs/cluster.ts");
    return await clusterStatusVerb(process, verb.opts());
  });
}

/** Each is judged first, and refused with the reason where it would cost the quorum. */
function addChanges(add: AddVerb, process: Process): void {
  const one = (name: "promote" | "remove", description: string) =>
    add(changing(name, description).argument("<NODE>", "its id"), async (verb) => {
      return await change(process, verb, [{ do: name, node: verb.args[0] ?? "" }]);
    });
  const addNode = changing("add", "let a controller vote that runs already (join: true)")
    .argument("<NODE>", "its id")
    .option("--learner", "it gets the log and does not vote")
    .addOption(
      new Option("--witness", "it votes and keeps no data; its settings need nothing for it")
        .conflicts("learner"),
    );
  add(addNode, async (verb) => {
    const { clusterAddVerb } = await import("./verbs/cluster_members.ts");
    return await clusterAddVerb(process, verb.args[0] ?? "", verb.opts());
  });
  one("promote", "let a learner vote once it keeps pace");
  one("remove", "take a controller out of the group; end its process afterwards");
  const replace = changing("replace", "put a controller that runs already in the place of another")
    .argument("<OLD>", "who leaves").argument("<NEW>", "who votes instead");
  add(replace, async (verb) => {
    const [node = "", by = ""] = verb.args;
    return await change(process, verb, [{ do: "replace", node, by }]);
  });
}

function addLeading(add: AddVerb, process: Process): void {
  const transfer = changing("transfer", "let another controller lead")
    .argument("[NODE]", "who; whoever is furthest if left out");
  add(transfer, async (verb) => {
    return await change(process, verb, [{ do: "transfer", to: verb.args[0] }]);
  });
  const maintenance = changing("maintenance", "let a controller lead no more, or again")
    .argument("<NODE>", "its id")
    .addArgument(new Argument("<STATE>", "on or off").choices(["on", "off"]));
  add(maintenance, async (verb) => {
    const [node = "", state] = verb.args;
    return await change(process, verb, [{ do: "maintenance", node, on: state === "on" }]);
  });
  const drains = (name: string, description: string, isOn: boolean) => {
    const verb = changing(name, description).argument("<NODE>", "its id")
      .option("--why <TEXT>", "the reason, for people; it is kept");
    add(verb, async (given) => {
      const { drainVerb } = await import("./verbs/cluster_members.ts");
      return await drainVerb(process, given.args[0] ?? "", isOn, given.opts());
    });
  };
  drains("drain", "give an agent no new jobs; a controller no leadership", true);
  drains("resume", "give an agent jobs again; let a controller lead again", false);
}

async function change(process: Process, verb: Command, changes: readonly ClusterChange[]) {
  const { changeVerb } = await import("./verbs/cluster_members.ts");
  return await changeVerb(process, changes, verb.opts());
}

function changing(name: string, description: string): Command {
  const command = new Command(name).description(description)
    .option("--dry-run", "say what it would come to, or why it would be refused")
    .option("--no-wait", "do not wait until it is done");
  return withPlace(withOutput(command));
}

/** Whichever is said; see `cluster/place.ts`. */
function withPlace(command: Command): Command {
  return withServer(command)
    .option(
      "--dir <DIR>",
      `the folder of a local cluster; else --server, else ${CLUSTER_DIRECTORY}`,
    );
}
