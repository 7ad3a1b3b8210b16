/** `quorus rate list|set|clear`: how fast bytes may move in a cluster. */

import type { Rate, RateScope, RateSettings, RateWindow } from "../../client.ts";
import { formatBytes, parseBytes } from "../../runtime/base/units.ts";
import { CliError, EXIT, type ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import { listLines, type ListView } from "../remote/lists.ts";
import { type RemoteOptions, withRemote } from "../remote/session.ts";
import { dataText } from "../show/data.ts";
import type { OutputFormat } from "../show/data_formats.ts";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
type Day = (typeof DAYS)[number];

const RATES: ListView<Rate> = {
  columns: [
    { title: "SCOPE" },
    { title: "NAME", maxWidth: 60 },
    { title: "NOW", side: "right" },
    { title: "ALWAYS", side: "right" },
    { title: "HOURS", maxWidth: 80 },
  ],
  row: ({ scope, name, nowBytesPerSecond, bytesPerSecond, windows }) => [
    scope,
    name,
    shownRate(nowBytesPerSecond),
    shownRate(bytesPerSecond),
    windows.map(shownWindow).join("; "),
  ],
};

function shownRate(bytesPerSecond: number | null): string {
  return bytesPerSecond === null ? "free" : `${formatBytes(bytesPerSecond)}/s`;
}

function shownWindow(
  { days, from, to, timeZone, bytesPerSecond }: Rate["windows"][number],
): string {
  return `${days.join(",")} ${from}-${to} ${timeZone} ${shownRate(bytesPerSecond)}`;
}

/** Lists the rules, and what each comes to at this hour. */
export async function rateListVerb(
  process: Process,
  options: RemoteOptions & { readonly output: OutputFormat },
): Promise<ExitCode> {
  return await withRemote(process, options, async ({ quorus, signal, env, outPaint }) => {
    const rates: Rate[] = [];
    for await (const one of quorus.rates.list({ signal })) rates.push(one);
    const { output } = options;
    const lines = () => listLines(RATES, rates, "rules about bandwidth", env.clock.now(), outPaint);
    process.out(output === "table" ? `${lines().join("\n")}\n` : dataText(rates, output));
    return EXIT.ok;
  });
}

/** Says how fast bytes may move there. */
export async function rateSetVerb(
  process: Process,
  scope: RateScope,
  name: string,
  rate: string,
  options: RemoteOptions & { readonly window?: readonly string[] },
): Promise<ExitCode> {
  const settings: RateSettings = {
    bytesPerSecond: rateFrom(rate),
    windows: (options.window ?? []).map(windowFrom),
  };
  return await withRemote(process, options, async ({ quorus, signal }) => {
    await quorus.rates.put(scope, name, settings, { signal });
    process.out(`${scope} ${name}: ${shownRate(settings.bytesPerSecond)}, within two seconds\n`);
    return EXIT.ok;
  });
}

/** Takes a rule back. */
export async function rateClearVerb(
  process: Process,
  scope: RateScope,
  name: string,
  options: RemoteOptions,
): Promise<ExitCode> {
  return await withRemote(process, options, async ({ quorus, signal }) => {
    await quorus.rates.remove(scope, name, { signal });
    process.out(`${scope} ${name}: free, within two seconds\n`);
    return EXIT.ok;
  });
}

/** `20MB/s`, `512KiB` or `free`. */
function rateFrom(text: string): number | null {
  if (text === "free") return null;
  const bytes = parseBytes(text.replace(/\/s$/, ""));
  if (bytes !== null && bytes >= 1_024) return bytes;
  const message = `cannot use the rate "${text}": write bytes per second from 1KiB on, such as ` +
    "20MB/s, or free";
  throw new CliError("usage", message);
}

/** `mon-fri 08:00-18:00 Europe/Berlin 5MB/s`. */
function windowFrom(text: string): RateWindow {
  const [days = "", hours = "", timeZone = "", rate = "", ...more] = text.trim().split(/\s+/);
  const [from = "", to = ""] = hours.split("-");
  const named = daysFrom(days);
  if (named.length > 0 && from !== "" && to !== "" && rate !== "" && more.length === 0) {
    return { days: named, from, to, timeZone, bytesPerSecond: rateFrom(rate) };
  }
  throw new CliError(
    "usage",
    `cannot use the window "${text}": write days, hours, time zone and rate, such as ` +
      '"mon-fri 08:00-18:00 Europe/Berlin 5MB/s"',
  );
}

/** `mon-fri,sun`, `daily`; empty for anything else. */
function daysFrom(text: string): readonly Day[] {
  if (text === "daily") return DAYS;
  const found = new Set<Day>();
  for (const part of text.toLowerCase().split(",")) {
    const [first, last = first] = part.split("-").map((day) => DAYS.indexOf(day as Day));
    if (first === undefined || last === undefined || first < 0 || last < 0) return [];
    for (let day = first;; day = (day + 1) % DAYS.length) {
      found.add(DAYS[day]!);
      if (day === last) break;
    }
  }
  return DAYS.filter((day) => found.has(day));
}
