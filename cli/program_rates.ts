/** The verbs of `quorus rate`. */

import { Argument, Command } from "commander";
import { collect, withOutput } from "./options.ts";
import type { Process } from "./process.ts";
import type { AddGroup } from "./program_roles.ts";
import { withServer } from "./remote/options.ts";

const GROUP = "how fast bytes may move in a cluster, by agent, tenant, host, link and job";
const NAME = "which one; * is each of them; a link is 'SOURCE>DESTINATION' by hosts, or local";

/** See the file's comment. */
export function addRates(addGroup: AddGroup, process: Process): void {
  addGroup(new Command("rate").description(GROUP), (add) => {
    const list = new Command("list").description("show the rules, and what each comes to now");
    add(withServer(withOutput(list)), async (verb) => {
      const { rateListVerb } = await import("./verbs/rate.ts");
      return await rateListVerb(process, verb.opts());
    });
    const set = about(new Command("set").description("bound a rate, for transfers under way too"))
      .argument("<RATE>", "bytes per second, such as 20MB/s, or free")
      .option(
        "--window <TEXT>",
        "hours of another rate: 'mon-fri 08:00-18:00 Europe/Berlin 5MB/s'; may be repeated",
        collect,
      );
    add(withServer(set), async (verb) => {
      const { rateSetVerb } = await import("./verbs/rate.ts");
      const [scope, name, rate] = verb.processedArgs;
      return await rateSetVerb(process, scope, name, rate, verb.opts());
    });
    const clear = about(new Command("clear").description("take a rule back"));
    add(withServer(clear), async (verb) => {
      const { rateClearVerb } = await import("./verbs/rate.ts");
      const [scope, name] = verb.processedArgs;
      return await rateClearVerb(process, scope, name, verb.opts());
    });
  });
}

function about(command: Command): Command {
  const scopes = ["agent", "tenant", "host", "link", "job"];
  return command
    .addArgument(new Argument("<SCOPE>", "what it is about").choices(scopes))
    .argument("<NAME>", NAME);
}
