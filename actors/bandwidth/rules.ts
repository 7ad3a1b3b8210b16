/**
 * How fast bytes may move: a rule holds for the whole cluster; what of it an agent may use at a time is
 * decided in `shares.ts`. Pure.
 */

import { type Day, DAYS, type RateScope, type RateSettings, type RateWindow } from "./messages.ts";

const MINUTES_PER_DAY = 24 * 60;

/** One rule, as the replicated state knows it. */
export interface RateRule extends RateSettings {
  readonly scope: RateScope;
  readonly name: string;
  /** The index of the command that said so. */
  readonly version: number;
  readonly changedMs: number;
}

/** The key of a rule. */
export function rateKey(scope: RateScope, name: string): string {
  return `${scope}/${name}`;
}

/** The key of the rule that is about `key`: itself, or the one about each of its scope; `null`: none. */
export function ruleFor(key: string, isRule: (key: string) => boolean): string | null {
  const each = `${key.slice(0, key.indexOf("/"))}/*`;
  return [key, each].find(isRule) ?? null;
}

/** What a rule comes to at a moment, in ms since 1970; `null`: as fast as it goes. */
export function rateAt(settings: RateSettings, nowMs: number): number | null {
  const window = settings.windows.find((one) => holdsAt(one, nowMs));
  return (window ?? settings).bytesPerSecond;
}

/** Pure: whether it is one of these hours there. */
export function holdsAt({ days, from, to, timeZone }: RateWindow, nowMs: number): boolean {
  const [begin, end] = [minuteOf(from), minuteOf(to)];
  const { day, minute } = localTime(nowMs, timeZone);
  const isOf = (one: Day) => days.includes(one);
  if (begin < end) return isOf(day) && minute >= begin && minute < end;
  // The hours after midnight belong to the day on which the window began.
  return (isOf(day) && minute >= begin) || (isOf(dayBefore(day)) && minute < end);
}

function minuteOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  return hours * 60 + minutes;
}

function dayBefore(day: Day): Day {
  return DAYS[(DAYS.indexOf(day) + DAYS.length - 1) % DAYS.length]!;
}

function localTime(nowMs: number, timeZone: string): { day: Day; minute: number } {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(nowMs);
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? "";
  const day = part("weekday").toLowerCase() as Day;
  const minute = Number(part("hour")) * 60 + Number(part("minute"));
  return { day, minute: minute % MINUTES_PER_DAY };
}
