/** What `deno task sim` is called with. */

import type { FaultPlan } from "../../runtime/sim/faults.ts";

const DEFAULT_SEEDS = 100;

export const USAGE = `deno task sim [--seeds N] [--from S] [--scenario NAME] [--json] [--verify]
deno task sim --scenario NAME --seed S [--faults 3,7 | --faults none] [--plan JSON] [--duration-ms N]

  --seeds N        seeds per scenario (default ${DEFAULT_SEEDS}), from --from (default 1) on
  --seed S         this seed only
  --scenario NAME  this scenario, or all whose names begin so
  --verify         run every seed twice and compare the traces
  --faults LIST    of the seed's faults only these
  --plan JSON      these faults in place of the seed's
  --duration-ms N  a shorter run
  --json           one JSON line for each scenario
  --help           this text and the scenarios`;

/** The call, understood. */
export interface SimArguments {
  readonly seeds: readonly number[];
  readonly scenario: ((name: string) => boolean) | null;
  readonly json: boolean;
  readonly verify: boolean;
  readonly help: boolean;
  /** One seed with nothing left to try: it is shown as it is. */
  readonly isReplay: boolean;
  readonly replay: {
    readonly plan?: FaultPlan;
    readonly faults?: readonly number[];
    readonly durationMs?: number;
  };
}

const FLAGS: ReadonlySet<string> = new Set(["json", "verify", "help"]);
const VALUES: ReadonlySet<string> = new Set([
  "seeds",
  "from",
  "seed",
  "scenario",
  "faults",
  "plan",
  "duration-ms",
]);

/** The arguments, or what is wrong with them. */
export function parseSimArguments(
  args: readonly string[],
  names: readonly string[],
): SimArguments | string {
  const given = new Map<string, string>();
  for (let index = 0; index < args.length; index += 1) {
    const [name = "", ...rest] = args[index]!.replace(/^--/, "").split("=");
    const isFlag = FLAGS.has(name);
    if (!args[index]!.startsWith("--") || (!isFlag && !VALUES.has(name))) {
      return `unknown argument ${args[index]}`;
    }
    const value = isFlag ? "" : rest.length > 0 ? rest.join("=") : args[index += 1];
    if (value === undefined) return `--${name} needs a value`;
    given.set(name, value);
  }
  try {
    return argumentsOf(given, names);
  } catch (error) {
    return (error as Error).message;
  }
}

function argumentsOf(given: ReadonlyMap<string, string>, names: readonly string[]): SimArguments {
  const wanted = given.get("scenario");
  if (wanted !== undefined && !names.some((name) => isWanted(name, wanted))) {
    throw new RangeError(`no scenario ${wanted}; there are ${names.join(", ")}`);
  }
  const seed = number(given, "seed", 0);
  const from = number(given, "from", 0) ?? 1;
  const count = number(given, "seeds", 1) ?? DEFAULT_SEEDS;
  const durationMs = number(given, "duration-ms", 1);
  const faults = given.get("faults");
  const plan = given.get("plan");
  const hasPart = durationMs !== undefined || faults !== undefined || plan !== undefined;
  if (hasPart && (seed === undefined || wanted === undefined)) {
    throw new RangeError("--faults, --plan and --duration-ms need --scenario and --seed");
  }
  return {
    seeds: seed === undefined ? Array.from({ length: count }, (_, n) => from + n) : [seed],
    scenario: wanted === undefined ? null : (name) => isWanted(name, wanted),
    json: given.has("json"),
    verify: given.has("verify"),
    help: given.has("help"),
    isReplay: hasPart,
    replay: {
      ...(plan === undefined ? {} : { plan: JSON.parse(plan) as FaultPlan }),
      ...(faults === undefined ? {} : { faults: indices(faults) }),
      ...(durationMs === undefined ? {} : { durationMs }),
    },
  };
}

function isWanted(name: string, wanted: string): boolean {
  return name === wanted || name.startsWith(`${wanted}/`);
}

function indices(text: string): number[] {
  if (text === "none") return [];
  return text.split(",").map((part) => integer(part, "--faults", 0));
}

function number(
  given: ReadonlyMap<string, string>,
  name: string,
  least: number,
): number | undefined {
  const text = given.get(name);
  return text === undefined ? undefined : integer(text, `--${name}`, least);
}

function integer(text: string, what: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least || text.trim() === "") {
    throw new RangeError(`${what} ${text}: take an integer from ${least} on`);
  }
  return value;
}
