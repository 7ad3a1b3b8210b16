/** HTTP that reaches what may be reached, and connects to the address that was judged. */

import { unlessAborted } from "../runtime/base/unless_aborted.ts";
import type { Env, Net, NetRequest, NetResponse } from "../runtime/env/env.ts";
import { NetError } from "../runtime/env/errors.ts";
import { ProtocolError } from "./errors.ts";
import { assertAllowed, type Reached, type ReachGuard } from "./reach.ts";
import { judgeScheme } from "./reach_policy.ts";

/** `env` with a network that asks `guard` before every request. */
export function guardedEnv(env: Env, guard: ReachGuard): Env {
  return { ...env, net: guardedNet(env.net, guard) };
}

/** A refused request throws a `ProtocolError` `forbidden`; everything else is as `net` has it. */
export function guardedNet(net: Net, guard: ReachGuard): Net {
  return {
    ...(net.resolve === undefined ? {} : { resolve: net.resolve.bind(net) }),
    close: () => net.close(),
    request: async (request) => {
      const origin = ORIGIN.exec(request.url)?.[0] ?? null;
      const known = origin === null || request.redirectedFrom !== undefined
        ? null
        : guard.remembered(origin);
      if (known !== null) return await connected(net, request, known);
      const url = URL.parse(request.url);
      // What is no URL is told by the network itself.
      if (url === null) return await net.request(request);
      const reached = await admitted(guard, url, request);
      if (origin !== null) guard.remember(origin, reached);
      return await connected(net, request, reached);
    },
  };
}

/** Of a URL in its plain form; judging one anew costs as much as the rest of a small request. */
const ORIGIN = /^https?:\/\/[A-Za-z0-9.:[\]-]+(?=[/?]|$)/;

const PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

async function admitted(guard: ReachGuard, url: URL, request: NetRequest): Promise<Reached> {
  const { signal, redirectedFrom, method } = request;
  const port = url.port === "" ? PORTS[url.protocol] ?? 0 : Number(url.port);
  try {
    const reached = await unlessAborted(signal, guard.resolved(url.hostname, port));
    if (redirectedFrom === undefined) return reached;
    assertAllowed(judgeScheme(guard.policy, url.protocol.slice(0, -1)), `${url.protocol} places`);
    await unlessAborted(signal, guard.followed(redirectedFrom, reached));
    return reached;
  } catch (thrown) {
    if (signal.aborted && thrown === signal.reason) {
      throw new NetError("aborted", `${method} ${url.protocol}//${url.host} was aborted`, {
        cause: thrown,
      });
    }
    // A name that does not resolve is the network's affair, and told in its words.
    const cause = thrown instanceof ProtocolError ? thrown.cause : null;
    throw cause instanceof NetError ? cause : thrown;
  }
}

/** The addresses in their order: the next one only where the request certainly did not leave. */
async function connected(net: Net, request: NetRequest, reached: Reached): Promise<NetResponse> {
  const { host, connectTo } = reached;
  // With TLS the certificate proves the name before anything is sent; an address would have none.
  const isPlain = /^http:/i.test(request.url);
  if (!isPlain || host.address !== null || connectTo === null) return await net.request(request);
  const { body } = request;
  // What is made while it is sent may have been asked for already.
  const isSentOnce = body !== undefined && !(body instanceof Uint8Array);
  for (const [index, address] of connectTo.entries()) {
    try {
      return await net.request({ ...request, address });
    } catch (thrown) {
      const isLast = index === connectTo.length - 1 || isSentOnce;
      if (isLast || !neverConnected(thrown) || request.signal.aborted) throw thrown;
    }
  }
  const message = `cannot reach ${host.name}: it has no address; check the resolver`;
  throw new NetError("dns", message, { definite: true });
}

function neverConnected(thrown: unknown): boolean {
  return thrown instanceof NetError && (thrown.code === "refused" || thrown.code === "unreachable");
}
