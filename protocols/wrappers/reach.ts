/** A protocol that reaches what may be reached: places are judged when they are declared and when they are used. */

import type { Env } from "../../runtime/env/env.ts";
import type { ProtocolContext, TransferProtocol } from "../contract.ts";
import type { ReachGuard } from "../reach.ts";
import { confinedDisk } from "../reach_disk.ts";
import { guardedEnv } from "../reach_net.ts";

/**
 * `protocol` under the policy of `guard`; every refusal is `forbidden`. `isConfined` where the files of
 * this machine that it touches are those of transfers, and not what the machine keeps for itself.
 */
export function reaching(
  protocol: TransferProtocol,
  guard: ReachGuard,
  isConfined: boolean,
): TransferProtocol {
  const { source, sink, directory } = protocol;
  const known = new WeakMap<Env, Env>();
  const within = (context: ProtocolContext): ProtocolContext => {
    const env = known.get(context.env) ?? guarded(context.env, guard, isConfined);
    known.set(context.env, env);
    return { ...context, env, reach: guard };
  };
  const checked = <E extends { readonly uri: string }, T>(
    open: (endpoint: E, context: ProtocolContext) => T,
  ) =>
  (endpoint: E, context: ProtocolContext): T => {
    guard.check(endpoint.uri);
    return open.call(protocol, endpoint, within(context));
  };
  return {
    ...protocol,
    ...(source === undefined ? {} : { source: checked(source) }),
    ...(sink === undefined ? {} : { sink: checked(sink) }),
    ...(directory === undefined ? {} : { directory: checked(directory) }),
    ...(protocol.close === undefined ? {} : { close: () => protocol.close!() }),
  };
}

function guarded(env: Env, guard: ReachGuard, isConfined: boolean): Env {
  const inside = guardedEnv(env, guard);
  const { paths } = guard.policy;
  if (paths === null || !isConfined) return inside;
  return { ...inside, disk: confinedDisk(env.disk, paths) };
}
