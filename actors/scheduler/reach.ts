/** Which hosts an agent may reach, by what it has said of itself. Pure: nothing is resolved here. */

import { hostOf } from "../../protocols/addresses.ts";
import { fitsAddress, fitsName, type ReachRule, ruleOf } from "../../protocols/reach_rules.ts";
import type { Registration } from "../agent/registration.ts";

/** The rules of an agent. */
export interface HostReach {
  readonly allow: readonly ReachRule[];
  readonly deny: readonly ReachRule[];
}

/** The rules as an agent has registered them, null where it has none; a text that is no rule says nothing. */
export function hostReachOf({ reach }: Pick<Registration, "reach">): HostReach | null {
  if (reach === undefined || reach.allow.length + reach.deny.length === 0) return null;
  const rules = (texts: readonly string[]) =>
    texts.map((text) => ruleOf(text)).filter((rule) => rule !== null);
  return { allow: rules(reach.allow), deny: rules(reach.deny) };
}

/**
 * Whether the agent may reach a host, `name:port` or a name alone. Only a certain no counts: a name may be
 * an address of a range, and a port that the URI leaves to its protocol may be that of a rule.
 */
export function mayReach({ allow, deny }: HostReach, place: string): boolean {
  const [, name = place, digits] = /^(.*?)(?::(\d+))?$/s.exec(place) ?? [];
  const host = hostOf(name.replace(/^\[(.*)\]$/, "$1"));
  if (host === null) return true;
  const port = digits === undefined ? null : Number(digits);
  const fits = (rule: ReachRule) =>
    fitsName(rule, { host, port }) ||
    (host.address !== null && fitsAddress(rule, port, host.address));
  if (deny.some(fits)) return false;
  if (allow.length === 0) return true;
  return allow.some((rule) => {
    const known = port === null ? { ...rule, ports: null } : rule;
    return fits(known) || (host.address === null && rule.range !== null);
  });
}
