/**
 * The one place that decides what may be reached: by scheme, name, address, port and folder.
 *
 * A name is resolved once, every address it has is judged, and the connection goes to one of them: a
 * name that is something else a moment later (DNS rebinding) leads nowhere else.
 */

import type { Env, Net } from "../runtime/env/env.ts";
import { NetError } from "../runtime/env/errors.ts";
import { type Address, addressOf, type Host, hostOf } from "./addresses.ts";
import { isBelow, shownPath } from "./containment.ts";
import type { ProtocolContext, Reach } from "./contract.ts";
import { ProtocolError } from "./errors.ts";
import { pathOfFileUri } from "./file/uri.ts";
import { protocolLimits } from "./limits.ts";
import { shownHost } from "./network_uri.ts";
import {
  DEFAULT_REACH,
  judgeDenied,
  judgeHost,
  judgeRedirect,
  judgeScheme,
  type ReachPolicy,
  type Refusal,
  type Resolved,
} from "./reach_policy.ts";

/** A host with the addresses to connect to, best first; `null` where it is not to be resolved here. */
export interface Reached extends Resolved {
  readonly connectTo: readonly string[] | null;
}

/** Names are resolved by `net`, and looked up again after a while. */
export class ReachGuard implements Reach {
  readonly policy: ReachPolicy;
  readonly #env: Pick<Env, "clock" | "net">;
  readonly #names = new Map<
    string,
    { readonly untilMs: number; readonly found: Promise<string[]> }
  >();

  readonly #origins = new Map<string, { readonly untilMs: number; readonly reached: Reached }>();

  constructor(policy: ReachPolicy, env: Pick<Env, "clock" | "net">) {
    this.policy = policy;
    this.#env = env;
  }

  check(uri: string): void {
    const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase() ?? "";
    assertAllowed(judgeScheme(this.policy, scheme), `${scheme}: places`);
    if (scheme === "file") return this.#checkPath(pathOfFileUri(uri));
    const place = placeOf(uri);
    if (place === null) return;
    const host = hostOf(place.host);
    // A bucket is no host, and what is allowed is known only where a connection goes.
    if (host === null) return;
    const addresses = host.address === null ? [] : [host.address];
    const refusal = judgeDenied(this.policy, { host, port: place.port }, addresses);
    assertAllowed(refusal, shownHost(place.host, place.port));
  }

  checkHost(text: string, port: number): void {
    const host = asHost(text);
    const addresses = host.address === null ? null : [host.address];
    assertAllowed(judgeHost(this.policy, { host, port }, addresses), shownHost(host.name, port));
  }

  async addressFor(host: string, port: number): Promise<string> {
    const { connectTo } = await this.resolved(host, port);
    if (connectTo === null) return host;
    // Who tries one address only has most luck with IPv4: hosts without IPv6 have names with both.
    return connectTo.find((address) => !address.includes(":")) ?? connectTo[0] ?? host;
  }

  /** A host that may be reached, `forbidden` if not, `unreachable` where its name does not resolve. */
  async resolved(text: string, port: number): Promise<Reached> {
    const host = asHost(text);
    const what = shownHost(host.name, port);
    if (host.address !== null) {
      assertAllowed(judgeHost(this.policy, { host, port }, [host.address]), what);
      return { host, addresses: [host.address], connectTo: [host.name] };
    }
    // What is denied by its name is not even looked up.
    assertAllowed(judgeDenied(this.policy, { host, port }, []), what);
    const found = await this.#foundOr(host.name);
    if (found === null) {
      assertAllowed(judgeHost(this.policy, { host, port }, null), what);
      return { host, addresses: [], connectTo: null };
    }
    const addresses = found.map(bytesOf);
    const refusal = judgeHost(this.policy, { host, port }, addresses);
    assertAllowed(refusal, `${what}, which is ${found.join(", ")}`);
    return { host, addresses, connectTo: this.policy.pin ? found : null };
  }

  /** What was found of an origin a short while ago, `null` if that is to be judged (anew). */
  remembered(origin: string): Reached | null {
    const known = this.#origins.get(origin);
    return known !== undefined && this.#env.clock.monotonic() < known.untilMs
      ? known.reached
      : null;
  }

  /** Remembers what may be reached under one origin, no longer than its addresses. */
  remember(origin: string, reached: Reached): void {
    const { host } = reached;
    const untilMs = host.address === null ? this.#names.get(host.name)?.untilMs ?? 0 : Infinity;
    this.#origins.delete(origin);
    this.#origins.set(origin, { untilMs, reached });
    const [oldest] = this.#origins.keys();
    if (this.#origins.size > protocolLimits.reachNamesMax) this.#origins.delete(oldest!);
  }

  /** Where a request that follows a redirect may go. */
  async followed(from: string, to: Reached): Promise<void> {
    const place = placeOf(from);
    if (place === null) return;
    const host = asHost(place.host);
    const found = host.address === null ? await this.#foundOr(host.name) : null;
    const addresses = host.address === null ? (found ?? []).map(bytesOf) : [host.address];
    const refusal = judgeRedirect(this.policy, { host, addresses }, to);
    assertAllowed(refusal, to.host.name);
  }

  /** Without pins a name that only a proxy can resolve is judged as a name. */
  async #foundOr(name: string): Promise<readonly string[] | null> {
    try {
      return await this.#found(name);
    } catch (thrown) {
      if (this.policy.pin) throw thrown;
      return null;
    }
  }

  /** `null` where this machine resolves no names (simulation). */
  async #found(name: string): Promise<readonly string[] | null> {
    const { net, clock } = this.#env;
    if (net.resolve === undefined) return null;
    const nowMs = clock.monotonic();
    const known = this.#names.get(name);
    if (known !== undefined && nowMs < known.untilMs) return await known.found;
    const found = lookedUp(net.resolve.bind(net), name);
    this.#names.delete(name);
    this.#names.set(name, { untilMs: nowMs + protocolLimits.reachNameMs, found });
    // What failed is asked again by the next one.
    found.catch(() => this.#names.get(name)?.found === found && this.#names.delete(name));
    const [oldest] = this.#names.keys();
    if (this.#names.size > protocolLimits.reachNamesMax) this.#names.delete(oldest!);
    return await found;
  }

  #checkPath(path: string): void {
    const { paths } = this.policy;
    const leadsUp = path.split("/").includes("..");
    if (paths === null || (!leadsUp && paths.some((root) => isBelow(root, path)))) return;
    const listed = paths.length === 0 ? "none" : paths.map(shownPath).join(", ");
    const reason = `only these folders are used here: ${listed}`;
    assertAllowed({ reason, setting: "reach.paths" }, shownPath(path));
  }
}

/** What may be reached by a context: what it says, else what is safe by default. */
export function reachOf({ reach, env }: ProtocolContext): Reach {
  return reach ?? new ReachGuard(DEFAULT_REACH, env);
}

/** Throws `forbidden` where there is a reason. */
export function assertAllowed(refusal: Refusal | null, what: string): void {
  if (refusal === null) return;
  const { reason, setting } = refusal;
  const advice = setting === "" ? "name another place" : `${setting} decides it`;
  const message = `this node may not reach ${what}: ${reason}; ${advice}`;
  const details = setting === "" ? {} : { setting };
  throw new ProtocolError("forbidden", message, { definite: true, details });
}

async function lookedUp(resolve: NonNullable<Net["resolve"]>, name: string): Promise<string[]> {
  try {
    return [...await resolve(name)];
  } catch (thrown) {
    if (!(thrown instanceof NetError)) throw thrown;
    const { message, retryable } = thrown;
    throw new ProtocolError("unreachable", message, { cause: thrown, retryable, definite: true });
  }
}

/** Of what a resolver said; a zone (`fe80::1%2`) says by which link, not which address. */
function bytesOf(text: string): Address {
  const address = addressOf(text.replace(/%.*$/, ""));
  if (address !== null) return address;
  throw new ProtocolError("unreachable", `cannot use ${shownPath(text)}: it is no address`);
}

function asHost(text: string): Host {
  const host = hostOf(text);
  if (host !== null) return host;
  const message = `cannot reach ${shownPath(text)}: it is no name of a host and no address`;
  throw new ProtocolError("badEndpoint", message);
}

const AUTHORITY = /^[a-z][a-z0-9+.-]*:[/\\]{2}(?:[^/?#\\]*@)?(\[[^\]]*\]|[^/?#\\:]*)(?::(\d*))?/i;

/** Schemes whose hosts `URL` finds in forms that no other parser does (`http:host`, `https:///host`). */
const SPECIAL = /^(?:https?|wss?|ftp):/i;

/** Host and port of a URI that has them; the port as it was written. */
export function placeOf(uri: string): { host: string; port: number | null } | null {
  if (SPECIAL.test(uri)) {
    const url = URL.parse(uri);
    if (url === null) return null;
    return { host: url.hostname, port: url.port === "" ? null : Number(url.port) };
  }
  const match = AUTHORITY.exec(uri);
  if (match === null || match[1] === "" || match[1] === undefined) return null;
  const port = match[2] === undefined || match[2] === "" ? null : Number(match[2]);
  return { host: match[1].replace(/^\[|\]$/g, ""), port };
}
