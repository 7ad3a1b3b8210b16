/** What may be said of bandwidth: rules by agent, tenant, host, link and job, each with a calendar. */

import { z } from "zod";

/** What a rule is about. */
export const RATE_SCOPES = ["agent", "tenant", "host", "link", "job"] as const;
export type RateScope = (typeof RATE_SCOPES)[number];

/** As they are written. */
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Day = (typeof DAYS)[number];

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
export const rateName = z.string().min(1).max(600)
  .regex(/^[^\s/\p{Cc}]+$/u, "expected a name without spaces and slashes");

function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat("en-GB", { timeZone });
    return true;
  } catch {
    return false;
  }
}
