/** The verbs that start nodes, and their settings. */

import { Argument, Command, Option } from "commander";
import type { ExitCode } from "./exit.ts";
import { collect, withOutput } from "./options.ts";
import type { Process } from "./process.ts";

/** Adds a verb that is carried out by `call`. */
export type AddVerb = (verb: Command, call: (verb: Command) => Promise<ExitCode>) => void;

/** Adds a verb with verbs of its own: `config show`. */
export type AddGroup = (group: Command, fill: (add: AddVerb) => void) => void;

const ROLES = ["controller", "agent", "gateway", "start"];

/** See the file's comment. */
export function addRoles(add: AddVerb, addGroup: AddGroup, process: Process): void {
  addRoleVerbs(add, process);
  addConfig(addGroup, process);
}

/** Each ends with SIGTERM or Ctrl-C, in order; at once with the second one. */
function addRoleVerbs(add: AddVerb, process: Process): void {
  add(role("controller", "a node that decides: one of the group that agrees"), async (verb) => {
    const { controllerVerb } = await import("./verbs/controller.ts");
    return await controllerVerb(process, verb.opts());
  });
  add(role("agent", "a node that carries out transfers"), async (verb) => {
    const { agentVerb } = await import("./verbs/agent.ts");
    return await agentVerb(process, verb.opts());
  });
  add(role("gateway", "a node that serves the API"), async (verb) => {
    const { gatewayVerb } = await import("./verbs/gateway.ts");
    return await gatewayVerb(process, verb.opts());
  });
  add(role("start", "all roles in one process"), async (verb) => {
    const { startVerb } = await import("./verbs/start.ts");
    return await startVerb(process, verb.opts());
  });
}

function role(name: string, description: string): Command {
  return withSettings(new Command(name).description(description))
    .option("--listen <HOST:PORT>", "where other nodes reach it (controller, start)")
    .option("--http <HOST:PORT>", "where the API is (gateway, start)")
    .option("--json", "tell readiness as a JSON line");
}

function addConfig(addGroup: AddGroup, process: Process): void {
  addGroup(new Command("config").description("the settings of roles"), (add) => {
    const show = new Command("show")
      .description("print the settings that a role would start with, and where each comes from");
    add(withSettings(withOutput(show.addOption(roleOption([...ROLES, "cli"])))), async (verb) => {
      const { configShowVerb } = await import("./verbs/config.ts");
      return await configShowVerb(process, verb.opts());
    });
    const key = new Command("key")
      .description(
        "make an API key that a new cluster begins with: print the entry of its settings",
      )
      .requiredOption("--file <FILE>", "where the key itself is written, for its owner alone")
      .option("--id <ID>", "its name", "admin")
      .addOption(
        new Option("--scope <SCOPE>", "what it may do")
          .choices(["viewer", "operator", "admin"]).default("admin"),
      );
    add(key, async (verb) => {
      const { configKeyVerb } = await import("./verbs/config.ts");
      return await configKeyVerb(process, verb.opts());
    });
    const schema = new Command("schema")
      .description("print the JSON Schema of a role's configuration file")
      .addArgument(new Argument("[ROLE]", "which").choices(ROLES).default("start"));
    add(schema, async (verb) => {
      const { configSchemaVerb } = await import("./verbs/config.ts");
      return await configSchemaVerb(process, verb.processedArgs[0]);
    });
  });
}

function roleOption(roles: readonly string[] = ROLES): Option {
  return new Option("--role <ROLE>", "whose settings").choices(roles).default("start");
}

/** The flags of settings: the file, any setting by its name, the frequent ones by their own. */
function withSettings(command: Command): Command {
  return command
    .option("--config <FILE>", "a YAML file of settings; also QUORUS_CONFIG")
    .option("--set <KEY=VALUE>", "one setting, such as limits.remote.graceMs=9s", collect)
    .option("--node <ID>", "the id of this node")
    .option("--data <DIR>", "where it keeps its state")
    .option("--log <LEVEL>", "debug, info, warn or error");
}
