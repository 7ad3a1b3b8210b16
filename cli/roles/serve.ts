/**
 * A role from its start to its end: the folder is taken, parts are started, readiness is told; the first
 * signal drains the parts, last started first, the second one ends the process.
 */

import type { Role } from "../../actors/roles.ts";
import { errorData } from "../../runtime/base/errors.ts";
import type { Env } from "../../runtime/env/env.ts";
import type { HttpServer } from "../../runtime/env/http_server.ts";
import type { LinkedNode } from "../../runtime/remote/linked_node.ts";
import type { Place } from "../config/fields.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { cliLimits } from "../limits.ts";
import { takeInterrupts } from "../run/interrupt.ts";
import type { Session } from "../session.ts";
import { type Readiness, takeDataFolder } from "./data_folder.ts";
import { nodeMetrics, type ReadMetrics, serveMetrics } from "./metrics.ts";

/** One role that runs on the node. */
export interface Part {
  readonly role: Role;
  /** Where it serves HTTP, if it does. */
  readonly http?: string;
  /** What it counts. */
  readonly metrics: ReadMetrics;
  /** Ends what it does within the time, and leaves. */
  drain(withinMs: number): Promise<void>;
}

/** What a role's start is given. */
export interface RoleStart {
  readonly folder: string;
  /** The role cannot go on: the process ends with status 1. */
  fail(error: unknown): void;
}

/** A node and the roles on it. */
export interface StartedRole {
  readonly node: LinkedNode;
  /** In the order of their start. */
  readonly parts: readonly Part[];
}

/** What {@link serveRole} is told. */
export interface ServeOptions {
  readonly node: string;
  readonly data: string;
  readonly drainMs: number;
  /** Where it tells its metrics; nowhere unless given. */
  readonly metrics?: Place | undefined;
  /** Readiness is printed as a JSON line. */
  readonly json: boolean;
}

/** See the file's comment. Resolves to 0 after a signal, to 1 where the role could not go on. */
export async function serveRole(
  session: Session,
  options: ServeOptions,
  start: (given: RoleStart) => Promise<StartedRole>,
): Promise<ExitCode> {
  const { process, env } = session;
  const failed = Promise.withResolvers<{ readonly error: unknown }>();
  const interrupt = takeInterrupts(process);
  const folder = await takeDataFolder(env.disk, options.data, process.pid);
  try {
    const starting = start({ folder: folder.path, fail: (error) => failed.resolve({ error }) });
    starting.catch(() => {});
    const begun = await Promise.race([starting, failed.promise, interrupt.requested]);
    if (typeof begun === "string") return EXIT.interrupted;
    if ("error" in begun) return tellFailure(session, begun.error);
    const { metrics } = options;
    const door = metrics === undefined ? null : await openMetrics(env, begun, metrics);
    const ready = readinessOf(begun, process.pid, door?.url ?? null);
    await folder.tellReady(ready);
    process.out(options.json ? `${JSON.stringify(ready)}\n` : readyLine(ready));
    const end = await Promise.race([interrupt.requested, failed.promise]);
    if (typeof end === "string") env.log.write("info", "the node drains", { signal: end });
    await stop(env, begun, options.drainMs, typeof end === "string");
    await door?.shutdown();
    return typeof end === "string" ? EXIT.ok : tellFailure(session, end.error);
  } finally {
    interrupt.dispose();
    await folder.release();
  }
}

/** A node that cannot tell its metrics, though it was told to, does not run. */
async function openMetrics(env: Env, begun: StartedRole, place: Place): Promise<HttpServer> {
  const { node, parts } = begun;
  const own = nodeMetrics(env, node, parts.map(({ role }) => role));
  try {
    return await serveMetrics(place, () => [...own(), ...parts.flatMap((part) => part.metrics())]);
  } catch (error) {
    await stop(env, begun, 0, false);
    throw error;
  }
}

function readinessOf(
  { node, parts }: StartedRole,
  pid: number,
  metrics: string | null,
): Readiness {
  return {
    ready: true,
    node: node.id,
    roles: parts.map(({ role }) => role),
    pid,
    links: [...node.links.urls],
    http: parts.find(({ http }) => http !== undefined)?.http ?? null,
    metrics,
  };
}

function readyLine({ node, roles, links, http, pid }: Readiness): string {
  const places = [...links, ...(http === null ? [] : [http])];
  const where = places.length === 0 ? "" : ` on ${places.join(", ")}`;
  return `${node} is ready: ${roles.join(", ")}${where} (pid ${pid})\n`;
}

function tellFailure({ env }: Session, error: unknown): ExitCode {
  env.log.write("error", "the node cannot go on and ends", { error: errorData(error) });
  return EXIT.failed;
}

/** In order: who takes requests first, who decides last. A part that fails to drain delays nobody. */
async function stop(
  env: Env,
  { node, parts }: StartedRole,
  drainMs: number,
  isOrderly: boolean,
): Promise<void> {
  const endMs = env.clock.monotonic() + (isOrderly ? drainMs : 0);
  for (const part of [...parts].reverse()) {
    try {
      await part.drain(Math.max(0, endMs - env.clock.monotonic()));
    } catch (thrown) {
      const facts = { role: part.role, error: errorData(thrown) };
      env.log.write("warn", "a role did not drain", facts);
    }
  }
  await node.stop({ withinMs: isOrderly ? cliLimits.nodeStopMs : 0 });
}
