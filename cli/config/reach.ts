/** What may be reached, as settings: of an agent in its configuration, of a run as `--reach NAME=VALUE`. */

import { parse } from "yaml";
import { z } from "zod";
import { DEFAULT_REACH, type ReachPolicy, rulesOf } from "../../protocols/reach_policy.ts";
import { ruleOf } from "../../protocols/reach_rules.ts";
import { CliError } from "../exit.ts";
import { absolutePath } from "../input/text_file.ts";

const rules = (description: string) =>
  z.array(
    z.string().refine((text) => ruleOf(text) !== null, {
      error:
        "this is no place; write NAME, *.NAME, ADDRESS or RANGE (10.0.0.0/8), with :PORT behind it " +
        "where only that is meant",
    }),
  ).default([]).meta({ description });

const flag = (name: keyof ReachPolicy, description: string) =>
  z.boolean().default(DEFAULT_REACH[name] as boolean).meta({ description });

/** The settings of reach. */
export const reachFields = z.strictObject({
  schemes: z.array(z.string().regex(/^[a-z][a-z0-9+.-]*$/, "a scheme is written as https or sftp"))
    .optional().meta({
      description: "schemes that transfers may use; all that are installed if left out",
    }),
  allow: rules(
    "where there are any, transfers reach nothing else: names, *.names, addresses, ranges",
  ),
  deny: rules("what transfers never reach, whatever allows it"),
  loopback: flag("loopback", "transfers may reach this machine itself"),
  privateNetworks: flag("privateNetworks", "transfers may reach private networks"),
  linkLocal: flag("linkLocal", "transfers may reach link-local addresses"),
  metadata: flag("metadata", "transfers may reach where clouds hand out credentials"),
  inwardRedirects: flag(
    "inwardRedirects",
    "a redirect from outside may lead to a private network or to this machine",
  ),
  paths: z.array(z.string().min(1)).optional()
    .meta({
      description: "folders below which transfers may use local files; anywhere if left out",
    }),
  pin: flag(
    "pin",
    "connections go to the address that was judged; false where only a proxy resolves names",
  ),
}).prefault({});

/** The settings as they are read. */
export type ReachSettings = z.infer<typeof reachFields>;

/** The policy that settings mean; relative paths start at `directory`. */
export function reachPolicyOf(settings: ReachSettings, directory: string): ReachPolicy {
  const { schemes = null, allow, deny, paths, ...flags } = settings;
  return {
    ...flags,
    schemes,
    allow: checkedRules(allow),
    deny: checkedRules(deny),
    paths: paths?.map((path) => absolutePath(directory, path)) ?? null,
  };
}

function checkedRules(texts: readonly string[]): ReachPolicy["allow"] {
  const found = rulesOf(texts);
  if ("wrong" in found) throw new CliError("invalidInput", `"${found.wrong}" is no place`);
  return found;
}

/** `--reach NAME=VALUE`, any number of times, as the policy of a run; CliError says what is wrong. */
export function reachOptions(given: readonly string[], directory: string): ReachPolicy {
  const raw: Record<string, unknown> = {};
  for (const text of given) {
    const [, name, value] = /^([A-Za-z]+)=(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined || !Object.hasOwn(reachShape, name)) {
      const names = Object.keys(reachShape).join(", ");
      throw new CliError("usage", `--reach takes NAME=VALUE, not ${text}; the names are ${names}`);
    }
    raw[name] = valueOf(value);
  }
  for (const name of ["schemes", "allow", "deny", "paths"]) {
    if (typeof raw[name] === "string") raw[name] = raw[name].split(",").map((one) => one.trim());
  }
  const parsed = reachFields.safeParse(raw);
  if (parsed.success) return reachPolicyOf(parsed.data, directory);
  const [issue] = parsed.error.issues;
  throw new CliError("usage", `cannot use --reach ${issue?.path.join(".")}: ${issue?.message}`);
}

const reachShape = reachFields.unwrap().shape;

function valueOf(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  return /^\s*\[/.test(text) ? parse(text, { maxAliasCount: 0 }) : text;
}
