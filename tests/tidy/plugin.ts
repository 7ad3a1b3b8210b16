/** The rules of this repository for `deno lint`, registered in deno.json. */

import { functionLength } from "./rule_function_length.ts";
import { layers } from "./rule_layers.ts";
import { noModuleState } from "./rule_module_state.ts";
import { noNondeterminism } from "./rule_nondeterminism.ts";

const plugin: Deno.lint.Plugin = {
  name: "quorus",
  rules: {
    "function-length": functionLength,
    "layers": layers,
    "no-module-state": noModuleState,
    "no-nondeterminism": noNondeterminism,
  },
};

export default plugin;
