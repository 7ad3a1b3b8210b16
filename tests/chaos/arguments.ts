/** What `deno task chaos` is told. */

/** How long, how it is drawn, and what is printed. */
export interface ChaosOptions {
  readonly minutes: number;
  readonly seed: number;
  /** How many are moved. */
  readonly files: number;
  /** The report as one JSON line on standard output. */
  readonly json: boolean;
  /** The folder with logs stays even where nothing was found. */
  readonly keep: boolean;
}

export const USAGE = "deno task chaos [--minutes N] [--seed S] [--files N] [--json] [--keep]";

/** 200 for the standard ten minutes. */
const FILES_PER_MINUTE = 20;
const LEAST_FILES = 12;
const MINUTES = { standard: 10, least: 0.5, most: 24 * 60 };

/** Reads the arguments; a text says what is wrong with them. */
export function readArguments(
  args: readonly string[],
  drawSeed: () => number,
): ChaosOptions | string {
  let [minutes, json, keep]: [number, boolean, boolean] = [MINUTES.standard, false, false];
  const given: { seed?: number; files?: number } = {};
  const rest = args.flatMap((argument) => argument.split(/(?<=^--\w+)=/));
  while (rest.length > 0) {
    const flag = rest.shift()!;
    if (flag === "--json") json = true;
    else if (flag === "--keep") keep = true;
    else if (flag === "--minutes") minutes = Number(rest.shift() ?? NaN);
    else if (flag === "--seed") given.seed = Number(rest.shift() ?? NaN);
    else if (flag === "--files") given.files = Number(rest.shift() ?? NaN);
    else return `there is no option ${flag}: ${USAGE}`;
  }
  if (!(minutes >= MINUTES.least && minutes <= MINUTES.most)) {
    return `--minutes is a number from ${MINUTES.least} to ${MINUTES.most}`;
  }
  const { seed = drawSeed(), files = filesIn(minutes) } = given;
  if (!(Number.isSafeInteger(seed) && seed >= 0)) return "--seed is a whole number from 0";
  if (!(Number.isSafeInteger(files) && files > 0)) return "--files is a whole number from 1";
  return { minutes, seed, files, json, keep };
}

function filesIn(minutes: number): number {
  return Math.max(LEAST_FILES, Math.round(FILES_PER_MINUTE * minutes));
}
