/** What `deno task chaos` is told. */

/** How long, how it is drawn, and what is printed. */
export interface ChaosOptions {
  readonly minutes: number;
  readonly seed: number;
  /** The report as one JSON line on standard output. */
  readonly json: boolean;
  /** The folder with logs stays even where nothing was found. */
  readonly keep: boolean;
}

export const USAGE = "deno task chaos [--minutes N] [--seed S] [--json] [--keep]";

const MINUTES = { standard: 10, least: 0.5, most: 24 * 60 };

/** Reads the arguments; a text says what is wrong with them. */
export function readArguments(
  args: readonly string[],
  drawSeed: () => number,
): ChaosOptions | string {
  let [minutes, json, keep]: [number, boolean, boolean] = [MINUTES.standard, false, false];
  let seed: number | null = null;
  const rest = args.flatMap((argument) => argument.split(/(?<=^--\w+)=/));
  while (rest.length > 0) {
    const flag = rest.shift()!;
    if (flag === "--json") json = true;
    else if (flag === "--keep") keep = true;
    else if (flag === "--minutes") minutes = Number(rest.shift() ?? NaN);
    else if (flag === "--seed") seed = Number(rest.shift() ?? NaN);
    else return `there is no option ${flag}: ${USAGE}`;
  }
  if (!(minutes >= MINUTES.least && minutes <= MINUTES.most)) {
    return `--minutes is a number from ${MINUTES.least} to ${MINUTES.most}`;
  }
  if (seed !== null && !(Number.isSafeInteger(seed) && seed >= 0)) {
    return "--seed is a whole number from 0";
  }
  return { minutes, seed: seed ?? drawSeed(), json, keep };
}
