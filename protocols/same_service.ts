/** Whether two places are of one service and are asked by one and the same: then it can copy by itself. */

import type { Endpoint } from "./contract.ts";

/** The parts of an endpoint that say who asks, and how. */
const IDENTITY = ["auth", "tls"] as const;

/**
 * Why two places are not of the same service, asked by the same user, as words for a message; `null` if
 * they are. `hosts`: of the server, where the URI does not name it. `unlike`: options that may differ, as
 * they are about one file or one end of a transfer.
 */
export function whyOtherService(
  from: Endpoint,
  to: Endpoint,
  { hosts, unlike = [] }: {
    readonly hosts?: readonly [from: string, to: string];
    readonly unlike?: readonly string[];
  } = {},
): string | null {
  const [source, target] = hosts ?? [originOf(from.uri), originOf(to.uri)];
  if (source !== target) return "the source is on another server";
  for (const part of IDENTITY) {
    if (!isEqual(from[part], to[part])) return "the source is read with other credentials";
  }
  if (!isEqual(from.headers, to.headers)) return "the source is asked with other headers";
  const [options, others] = [without(from.options, unlike), without(to.options, unlike)];
  return isEqual(options, others) ? null : "the source has other options";
}

/** Scheme and authority, the user in it included. */
function originOf(uri: string): string {
  return /^[^:]+:(\/\/[^/]*)?/.exec(uri)?.[0] ?? uri;
}

function without(
  options: Endpoint["options"],
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(options).filter(([name]) => !names.includes(name))
      .map(([name, value]) => [name, String(value)]),
  );
}

/** Equal plain data, whatever the order of its fields. */
function isEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object") return false;
  if (one === null || other === null) return false;
  const [names, others] = [Object.keys(one), Object.keys(other)];
  return names.length === others.length &&
    names.every((name) =>
      isEqual((one as Record<string, unknown>)[name], (other as Record<string, unknown>)[name])
    );
}
