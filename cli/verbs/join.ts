/** `quorus pki token`, `quorus pki serve` and `quorus join`: how a new node gets its certificate. */

import type { Role } from "../../actors/roles.ts";
import { sha256Of } from "../../gateway/keys.ts";
import { place } from "../config/fields.ts";
import { CliError, EXIT, type ExitCode } from "../exit.ts";
import { absolutePath, readTextFile } from "../input/text_file.ts";
import { cliLimits } from "../limits.ts";
import { PkiFolder } from "../pki/folder.ts";
import { joinWith } from "../pki/join_client.ts";
import { serveJoins } from "../pki/join_server.ts";
import { fileGrants, parseToken, tokenText } from "../pki/tokens.ts";
import type { Process } from "../process.ts";
import { routeLog } from "../log/route.ts";
import { takeInterrupts } from "../run/interrupt.ts";
import { withSession } from "../session.ts";

const SECRET_BYTES = 32;
const ID_BYTES = 8;
const MINUTE_MS = 60_000;

/** Prints a token for one node; it works once, and for some minutes. */
export async function pkiTokenVerb(process: Process, node: string, options: {
  readonly dir: string;
  readonly cluster: string;
  readonly role: readonly Role[];
  readonly url: string;
  readonly days: number;
  readonly minutes: number;
}): Promise<ExitCode> {
  return await withSession(process, async ({ env }) => {
    const { cluster, url, days, minutes, role } = options;
    const path = absolutePath(process.cwd, options.dir);
    const { cert: ca } = await new PkiFolder(env, path).authority();
    const id = env.random.bytes(ID_BYTES).toHex();
    const secret = env.random.bytes(SECRET_BYTES).toHex();
    const expiresMs = env.clock.now() + minutes * MINUTE_MS;
    const sha256 = sha256Of(env.hash, secret);
    await fileGrants(env, path).add({ id, sha256, node, roles: [...role], days, expiresMs });
    process.err(`for ${node}, once, until ${new Date(expiresMs).toISOString()}\n`);
    process.out(`${tokenText({ url, cluster, ca, id, secret })}\n`);
    return EXIT.ok;
  });
}

/** Answers new nodes until a signal comes. */
export async function pkiServeVerb(process: Process, options: {
  readonly dir: string;
  readonly cluster: string;
  readonly listen: string;
}): Promise<ExitCode> {
  return await withSession(process, async (session) => {
    const settings = { logLevel: "info", logFormat: "auto" } as const;
    const logging = routeLog(session, settings, { cluster: options.cluster, role: "authority" });
    const { env } = session;
    const where = place("").safeParse(options.listen);
    if (!where.success) {
      throw new CliError("usage", `cannot listen on ${options.listen}: write HOST:PORT`);
    }
    const path = absolutePath(process.cwd, options.dir);
    const interrupt = takeInterrupts(process);
    try {
      const pki = new PkiFolder(env, path);
      const grants = fileGrants(env, path);
      const listener = await serveJoins(env, pki, grants, options.cluster, where.data);
      process.out(`new nodes of ${options.cluster} can join at ${listener.url}\n`);
      await interrupt.requested;
      await listener.close();
      return EXIT.ok;
    } finally {
      interrupt.dispose();
      logging.close();
    }
  });
}

/** Gets this machine a certificate for a token, from a file so that no process list shows it. */
export async function joinVerb(process: Process, options: {
  readonly token: string;
  readonly dir: string;
}): Promise<ExitCode> {
  return await withSession(process, async ({ env }) => {
    const file = absolutePath(process.cwd, options.token);
    const text = await readTextFile(env.disk, file, "the join token", cliLimits.valueFileBytes);
    const folder = absolutePath(process.cwd, options.dir);
    const { node, cert, key, ca } = await joinWith(env, parseToken(text.trim()), folder);
    process.out(`node: ${node}\ntls:\n  cert: ${cert}\n  key: ${key}\n  ca: ${ca}\n`);
    return EXIT.ok;
  });
}
