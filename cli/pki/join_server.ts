/** The authority's door: gives a new node its certificate for a token, once. */

import { sha256Of } from "../../gateway/keys.ts";
import { errorData } from "../../runtime/base/errors.ts";
import type { Env } from "../../runtime/env/env.ts";
import type { Socket, SocketListener } from "../../runtime/env/sockets.ts";
import type { Place } from "../config/fields.ts";
import { cliLimits } from "../limits.ts";
import type { PkiFolder } from "./folder.ts";
import {
  authorityUri,
  firstFrame,
  frameOf,
  type JoinAnswer,
  joinRequest,
  parseFrame,
} from "./join_messages.ts";
import type { GrantStore } from "./tokens.ts";

const NORMAL_CLOSURE = 1_000;
const REFUSED =
  "the token is unknown, used or expired, or the request is none; ask for another token";

/** Answers at a place until it is closed. */
export async function serveJoins(
  env: Env,
  pki: PkiFolder,
  grants: GrantStore,
  cluster: string,
  place: Place,
): Promise<SocketListener> {
  const { cert, key } = await pki.serving(authorityUri(cluster));
  let visitors = 0;
  const visit = async (socket: Socket) => {
    if (visitors >= cliLimits.joinVisitors) return socket.destroy();
    visitors += 1;
    try {
      const frame = await firstFrame(env, socket);
      if (frame === null) return socket.destroy();
      socket.send(frameOf(await answerOf(env, pki, grants, cluster, frame)));
      socket.close(NORMAL_CLOSURE, "answered");
    } catch (error) {
      env.log.write("error", "a node could not join", { error: errorData(error) });
      socket.destroy();
    } finally {
      visitors -= 1;
    }
  };
  const bounds = { frameBytes: cliLimits.joinFrameBytes, lowBytes: 0 };
  const tls = { cert, key };
  return await env.sockets.listen({ ...place, tls, bounds }, (socket) => void visit(socket));
}

/** The token is spent before the answer leaves: who loses the answer asks for another one. */
async function answerOf(
  env: Env,
  pki: PkiFolder,
  grants: GrantStore,
  cluster: string,
  frame: Uint8Array,
): Promise<JoinAnswer> {
  const request = parseFrame(joinRequest, frame);
  if (request === null) return { ok: false, why: REFUSED };
  const grant = await grants.take(request.id, sha256Of(env.hash, request.secret));
  if (grant === null) {
    env.log.write("warn", "a join was refused", { token: request.id });
    return { ok: false, why: REFUSED };
  }
  const { node, roles, days } = grant;
  const issued = await pki.certify(cluster, node, roles, days, request.csr);
  if (issued === null) return { ok: false, why: REFUSED };
  env.log.write("info", "a node got its certificate", { node, roles, token: request.id });
  return { ok: true, node, ...issued };
}
