/** What the verbs of all roles have in common: settings, log, folder, node, and who may say what to it. */

import { admission } from "../../actors/admission.ts";
import type { Role } from "../../actors/roles.ts";
import type { PeerAddress } from "../../runtime/remote/hub_options.ts";
import type { LinkedNode } from "../../runtime/remote/linked_node.ts";
import { type Effective, effectiveSettings, type SettingOptions } from "../config/effective.ts";
import type { RoleName } from "../config/roles.ts";
import type { ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import { routeLog } from "../log/route.ts";
import { type Session, withSession } from "../session.ts";
import { startRoleNode } from "./node.ts";
import { OwnWorkers } from "./own_workers.ts";
import { CertificateRoles, settingsRoles } from "./role_book.ts";
import { type RoleStart, serveRole, type StartedRole } from "./serve.ts";
import { Certificates } from "./certificates.ts";
import { keepLinks } from "./tls.ts";

/** The options of every role's verb. */
export interface RoleVerbOptions extends SettingOptions {
  readonly json?: boolean;
}

/** What a role is started with. */
export interface RoleHost<R extends RoleName> extends RoleStart {
  readonly session: Session;
  readonly settings: Effective<R>["settings"];
  /** Those of this node's links, and whatever a part adds. */
  readonly certificates: Certificates;
  /** Starts this process's node; `dials` are whom it calls, `ours` what it is. */
  startNode(dials: readonly PeerAddress[], ours: readonly Role[]): Promise<LinkedNode>;
}

/** Reads the settings of a role, starts it, and serves until it is told to end. */
export async function runRole<R extends RoleName>(
  process: Process,
  role: R,
  { json, ...options }: RoleVerbOptions,
  start: (host: RoleHost<R>) => Promise<StartedRole>,
): Promise<ExitCode> {
  return await withSession(process, async (session) => {
    const { disk } = session.env;
    const places = { disk, cwd: process.cwd, env: (name: string) => process.env(name) };
    const { settings } = await effectiveSettings(role, places, options);
    const { node, data, drain: drainMs, metrics } = settings;
    const logging = routeLog(session, settings, { node, role });
    const serving = { node, data, drainMs, metrics, json: json ?? false };
    const certificates = new Certificates(session.env);
    const endHangups = process.onHangup(() => void certificates.reload());
    return await serveRole(session, serving, (given) => {
      const startNode = (dials: readonly PeerAddress[], ours: readonly Role[]) =>
        startKnownNode(session, settings, dials, ours, { ...given, certificates });
      return start({ ...given, session, settings, certificates, startNode });
    }).finally(() => {
      endHangups();
      certificates.stop();
      logging.close();
    });
  });
}

/** The node lets in what the other ends may say; its certificates are kept up to date. */
async function startKnownNode(
  session: Session,
  settings: Effective<RoleName>["settings"],
  dials: readonly PeerAddress[],
  ours: readonly Role[],
  { fail, certificates }: RoleStart & { readonly certificates: Certificates },
): Promise<LinkedNode> {
  const { node: id, cluster, controllers, tls } = settings;
  const self = { node: id, roles: ours };
  const proved = tls === undefined ? null : new CertificateRoles(cluster, self);
  const listed = "roles" in settings ? settings.roles : {};
  const book = proved ?? settingsRoles({ controllers, roles: listed }, self);
  const workers = new OwnWorkers();
  const admit = admission(book, workers);
  const node = await startRoleNode(session, settings, { dials, admit, onFatal: fail });
  proved?.attach(node.links);
  workers.attach(node.links);
  if (tls !== undefined) keepLinks(certificates, session.env, tls, node.links);
  return node;
}
