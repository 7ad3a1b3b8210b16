/** What may be reached, as a value and its judgement: pure, values in, a reason out. */

import { type Address, type Host, type Scope, scopeOf, scopeOfHost } from "./addresses.ts";
import { fitsAddress, fitsName, type ReachRule, type ReachTarget, ruleOf } from "./reach_rules.ts";

/** The settings of reach; a denial beats what is allowed. */
export interface ReachPolicy {
  /** Lower case, without the colon; `null`: of every protocol that is installed. */
  readonly schemes: readonly string[] | null;
  /** Where there are any, nothing else may be reached. */
  readonly allow: readonly ReachRule[];
  readonly deny: readonly ReachRule[];
  /** This machine itself. */
  readonly loopback: boolean;
  readonly privateNetworks: boolean;
  readonly linkLocal: boolean;
  /** Where clouds hand out credentials to whoever asks. */
  readonly metadata: boolean;
  /** A redirect may lead from outside to a private network or to this machine. */
  readonly inwardRedirects: boolean;
  /** Folders below which local files may be; `null`: anywhere. */
  readonly paths: readonly string[] | null;
  /** Connects to the address that was judged, and resolves no name a second time. */
  readonly pin: boolean;
}

/** Whatever was declared, but for what nobody means: link-local and metadata addresses. */
export const DEFAULT_REACH: ReachPolicy = {
  schemes: null,
  allow: [],
  deny: [],
  loopback: true,
  privateNetworks: true,
  linkLocal: false,
  metadata: false,
  inwardRedirects: false,
  paths: null,
  pin: true,
};

/** Why something may not be reached, and what would have to be set otherwise. */
export interface Refusal {
  readonly reason: string;
  readonly setting: string;
}

/** Rules of their texts; the first that is none is returned instead. */
export function rulesOf(
  texts: readonly string[],
): readonly ReachRule[] | { readonly wrong: string } {
  const rules: ReachRule[] = [];
  for (const text of texts) {
    const rule = ruleOf(text);
    if (rule === null) return { wrong: text };
    rules.push(rule);
  }
  return rules;
}

/** Judges a scheme. */
export function judgeScheme({ schemes }: ReachPolicy, scheme: string): Refusal | null {
  if (schemes === null || schemes.includes(scheme)) return null;
  const listed = schemes.length === 0 ? "none" : schemes.join(", ");
  return { reason: `only these schemes are used here: ${listed}`, setting: "reach.schemes" };
}

/** What nobody has to be resolved for: denials, and what a host is by its own spelling. */
export function judgeDenied(
  policy: ReachPolicy,
  target: ReachTarget,
  addresses: readonly Address[],
): Refusal | null {
  const { host, port } = target;
  const denied = policy.deny.find((rule) =>
    fitsName(rule, target) || addresses.some((address) => fitsAddress(rule, port, address))
  );
  if (denied !== undefined) {
    return { reason: `"${denied.text}" is denied`, setting: "reach.deny" };
  }
  const byName = scopeOfHost(host);
  const scopes = [...(byName === null ? [] : [byName]), ...addresses.map(scopeOf)];
  for (const scope of scopes) {
    const refusal = judgeScope(policy, scope);
    if (refusal !== null) return refusal;
  }
  return null;
}

/**
 * Judges a host by its name, its port and every address it has; `null` for addresses that are not to be
 * found out: then ranges allow nothing.
 */
export function judgeHost(
  policy: ReachPolicy,
  target: ReachTarget,
  addresses: readonly Address[] | null,
): Refusal | null {
  const known = addresses ?? [];
  return judgeDenied(policy, target, known) ?? judgeAllowed(policy, target, known);
}

function judgeAllowed(
  { allow }: ReachPolicy,
  target: ReachTarget,
  addresses: readonly Address[],
): Refusal | null {
  if (allow.length === 0 || allow.some((rule) => fitsName(rule, target))) return null;
  const isAllowed = addresses.length > 0 &&
    addresses.every((address) => allow.some((rule) => fitsAddress(rule, target.port, address)));
  if (isAllowed) return null;
  return { reason: "it is none of those that are allowed", setting: "reach.allow" };
}

const SETTING: Readonly<Record<Scope, keyof ReachPolicy | null>> = {
  public: null,
  private: "privateNetworks",
  loopback: "loopback",
  linkLocal: "linkLocal",
  metadata: "metadata",
  nowhere: null,
};

const MEANING: Readonly<Record<Scope, string>> = {
  public: "it is a public address",
  private: "it is in a private network",
  loopback: "it is this machine itself",
  linkLocal: "it is a link-local address",
  metadata: "it is where a cloud hands out credentials",
  nowhere: "it is no address of one machine",
};

function judgeScope(policy: ReachPolicy, scope: Scope): Refusal | null {
  if (scope === "public") return null;
  const setting = SETTING[scope];
  if (setting === null) return { reason: MEANING[scope], setting: "" };
  return policy[setting] === true ? null : { reason: MEANING[scope], setting: `reach.${setting}` };
}

/** The wider a place, the less anybody there may say of narrower ones. */
const WIDTH: Readonly<Record<Scope, number>> = {
  public: 2,
  private: 1,
  loopback: 0,
  linkLocal: 0,
  metadata: 0,
  nowhere: 0,
};

/** A host with the addresses that it has, as far as they are known. */
export interface Resolved {
  readonly host: Host;
  readonly addresses: readonly Address[];
}

/** Judges a redirect: where it comes from by the widest of what that is, where it leads by the narrowest. */
export function judgeRedirect(policy: ReachPolicy, from: Resolved, to: Resolved): Refusal | null {
  if (policy.inwardRedirects) return null;
  const inner = Math.min(WIDTH.public, ...widthsOf(to));
  const widths = widthsOf(from);
  const outer = widths.length === 0 ? WIDTH.public : Math.max(...widths);
  if (inner >= outer) return null;
  const what = inner === 0 ? "this machine itself" : "a private network";
  return {
    reason: `a redirect from outside leads to ${what}, which nobody declared`,
    setting: "reach.inwardRedirects",
  };
}

function widthsOf({ host, addresses }: Resolved): number[] {
  const byName = scopeOfHost(host);
  return [...(byName === null ? [] : [byName]), ...addresses.map(scopeOf)].map((one) => WIDTH[one]);
}
