/** How many files of a set at a time: at most the declared number, and as many as their way bears. */

import { isCongested, isRefusal } from "../adaptive/congestion.ts";
import { Regulator } from "../adaptive/regulator.ts";
import { wayOf, type Ways } from "../adaptive/ways.ts";
import type { ErrorData } from "../../runtime/base/errors.ts";
import type { Meter } from "../job/meter.ts";
import type { Job } from "../job/record.ts";
import type { AttemptTools } from "../job/tools.ts";
import { Turns } from "./turns.ts";

/** What tells a set's attempt how many files at a time it carries out. */
export interface Regulated {
  readonly turns: Turns;
  readonly regulator: Regulator;
  /** `null`: as it is declared. */
  readonly ways: Ways | null;
}

/** `close` the regulator at the end. */
export function regulated(
  { env, ways: known }: Pick<AttemptTools, "env" | "ways">,
  { spec }: Pick<Job, "spec">,
  most: number,
  meter: Meter,
): Regulated {
  const ways = spec.pipeline.adaptive === false ? null : known ?? null;
  const turns = new Turns(most);
  const regulator = new Regulator({
    env,
    unit: "files",
    way: wayOf(spec),
    most,
    ways,
    bytes: () => meter.fetchedBytes + meter.copiedBytes,
    isFull: () => turns.wasFull(),
    changed: (atOnce) => {
      meter.atOnce = atOnce;
      turns.most = atOnce.count;
    },
  });
  return { turns, regulator, ways };
}

/** How a turn of a file went; `begunAfter`: what the regulator had changed before. */
export function tellRegulator(
  regulator: Regulator,
  error: Pick<ErrorData, "code"> | null,
  begunAfter: number,
): void {
  if (error !== null && isCongested(error.code)) regulator.refused(error.code, begunAfter);
  else regulator.ended();
}

/** How long a file waits for its next turn, where its host says that it is too much; else `null`. */
export function nextTurnMs(
  { ways }: Pick<Regulated, "ways">,
  { code, retryAfterMs = 0 }: Pick<ErrorData, "code" | "retryAfterMs">,
  turns: number,
  random: number,
): number | null {
  if (ways === null || !isRefusal(code)) return null;
  const { refusedTurns, refusedPauseMs, refusedPauseMostMs } = ways.limits;
  if (turns >= refusedTurns || retryAfterMs > refusedPauseMostMs) return null;
  const pauseMs = Math.min(refusedPauseMostMs, refusedPauseMs * 2 ** (turns - 1));
  return Math.max(retryAfterMs, pauseMs * (1 + random) / 2);
}
