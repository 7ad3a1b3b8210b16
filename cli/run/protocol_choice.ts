/** Which protocols a verb works with beside those of this program, and what all of them may reach. */

import type { ReachPolicy } from "../../protocols/reach_policy.ts";
import { reachOptions } from "../config/reach.ts";
import { loadPlugIns } from "../plug_ins.ts";
import { sharesOf } from "../config/shares.ts";
import type { Process } from "../process.ts";
import type { PlugIns, ShareMachine } from "../protocols.ts";

/** `--protocol MODULE`, `--reach NAME=VALUE` and `--nfs URI=PATH`, each any number of times. */
export interface ReachOptions {
  readonly protocol?: readonly string[];
  readonly reach?: readonly string[];
  readonly nfs?: readonly string[];
}

/** What they mean. */
export interface ProtocolChoice {
  readonly plugIns: PlugIns;
  readonly reach: ReachPolicy;
  readonly shares: ShareMachine;
}

/** CliError where a module or a setting is none. */
export async function protocolChoice(
  { protocol = [], reach = [], nfs = [] }: ReachOptions,
  process: Pick<Process, "cwd" | "env">,
): Promise<ProtocolChoice> {
  const { cwd } = process;
  return {
    reach: reachOptions(reach, cwd),
    shares: sharesOf(process, nfs),
    plugIns: await loadPlugIns(protocol, cwd),
  };
}
