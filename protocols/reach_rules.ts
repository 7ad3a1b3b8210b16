/** Rules of reach: which hosts, addresses and ports one line of configuration means. */

import { type Address, type AddressRange, type Host, hostOf, isIn, rangeOf } from "./addresses.ts";

/** One rule; what it leaves open fits everything. */
export interface ReachRule {
  /** As it was written. */
  readonly text: string;
  /** A name in its one form, or with a `.` before it every name below it. */
  readonly name: string | null;
  readonly range: AddressRange | null;
  /** First and last, both included. */
  readonly ports: readonly [number, number] | null;
}

/** A host and port as rules see them; an address is one of those that the name has. */
export interface ReachTarget {
  readonly host: Host;
  readonly port: number | null;
}

const FORM =
  /^(?:\[([^\]]*)\](\/\d+)?|([^:[\]]*)|([^[\]]*:[^[\]]*:[^[\]]*))(?::(\d+)(?:-(\d+))?)?$/;
const HIGHEST_PORT = 65_535;

/**
 * The rule that `text` spells: `*`, a name, `*.suffix`, an address or a range (`10.0.0.0/8`), each with
 * `:PORT` or `:FIRST-LAST` behind it if only those are meant; IPv6 with ports in brackets. `null` if it
 * spells none.
 */
export function ruleOf(text: string): ReachRule | null {
  const match = FORM.exec(text.trim());
  if (match === null) return null;
  const [, six, sixBits = "", plain, bareSix, first, last] = match;
  const ports = portsOf(first, last);
  if (ports === undefined) return null;
  const place = six === undefined ? plain ?? bareSix ?? "" : `${six}${sixBits}`;
  if (place === "*") return { text, name: null, range: null, ports };
  const range = rangeOf(place);
  if (range !== null) return { text, name: null, range, ports };
  if (place.includes("/")) return null;
  const isSuffix = place.startsWith("*.");
  const host = hostOf(isSuffix ? place.slice(2) : place);
  if (host === null || host.name.includes("*")) return null;
  // An address in another spelling is a range of one.
  if (host.address !== null) {
    if (isSuffix) return null;
    return { text, name: null, range: rangeOf(host.name), ports };
  }
  return { text, name: isSuffix ? `.${host.name}` : host.name, range: null, ports };
}

function portsOf(
  first: string | undefined,
  last: string | undefined,
): readonly [number, number] | null | undefined {
  if (first === undefined) return null;
  const [from, to] = [Number(first), Number(last ?? first)];
  return from >= 1 && from <= to && to <= HIGHEST_PORT ? [from, to] : undefined;
}

/** Whether the rule fits the port and the name. */
export function fitsName(rule: ReachRule, { host, port }: ReachTarget): boolean {
  if (!fitsPort(rule, port) || rule.range !== null) return false;
  if (rule.name === null) return true;
  return rule.name.startsWith(".") ? host.name.endsWith(rule.name) : host.name === rule.name;
}

/** Whether the rule fits the port and the address. */
export function fitsAddress(rule: ReachRule, port: number | null, address: Address): boolean {
  return fitsPort(rule, port) && rule.range !== null && isIn(rule.range, address);
}

/** A port that is not known yet is none that a rule names. */
function fitsPort({ ports }: ReachRule, port: number | null): boolean {
  return ports === null || (port !== null && port >= ports[0] && port <= ports[1]);
}
