/**
 * How fast bytes may move: rules by job, tenant, host, link and agent, each with a calendar. A rule holds
 * for the whole cluster; what of it an agent may use at a time is decided in `shares.ts`.
 */

import { z } from "zod";

/** What a rule is about. */
export const RATE_SCOPES = ["agent", "tenant", "host", "link", "job"] as const;
export type RateScope = (typeof RATE_SCOPES)[number];

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
type Day = (typeof DAYS)[number];

const MINUTES_PER_DAY = 24 * 60;

/** `null`: as fast as it goes. Below 1 KiB/s a transfer would run into its timeouts. */
const bytesPerSecond = z.number().min(1_024).max(1e12).nullable();

const timeOfDay = z.string().regex(
  /^(?:[01]\d|2[0-3]):[0-5]\d$/,
  "expected a time of day such as 08:30",
);

/** Hours of some days in which another rate holds; one that ends before it begins ends the day after. */
export const rateWindow = z.strictObject({
  days: z.array(z.enum(DAYS)).min(1).max(7),
  from: timeOfDay,
  to: timeOfDay,
  timeZone: z.string().max(64).refine(isTimeZone, "expected a time zone such as Europe/Berlin"),
  bytesPerSecond,
});
export type RateWindow = z.infer<typeof rateWindow>;

/** What holds for one thing; of several windows that hold at a time the first one counts. */
export const rateSettings = z.strictObject({
  bytesPerSecond,
  windows: z.array(rateWindow).max(32).default([]),
});
export type RateSettings = z.infer<typeof rateSettings>;

/**
 * What a rule is about, by scope: the name of an agent, a tenant or a host, the id of a job, or for a link
 * the host of the source and that of the destination with `>` in between; a place without a host is
 * `local`. `*` stands for each agent, tenant or host by itself.
 */
export const rateName = z.string().min(1).max(600).regex(/^\P{Cc}+$/u);

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

function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat("en-GB", { timeZone });
    return true;
  } catch {
    return false;
  }
}
