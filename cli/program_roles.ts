/** The verbs that start nodes and care for them: roles, a local cluster, certificates, settings. */

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
export function addRoles(_add: AddVerb, addGroup: AddGroup, process: Process): void {
  addGroup(new Command("config").description("the settings of roles"), (add) => {
    const show = new Command("show")
      .description("print the settings that a role would start with, and where each comes from");
    add(withSettings(withOutput(show.addOption(roleOption()))), async (verb) => {
      const { configShowVerb } = await import("./verbs/config.ts");
      return await configShowVerb(process, verb.opts());
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

function roleOption(): Option {
  return new Option("--role <ROLE>", "whose settings").choices(ROLES).default("start");
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
