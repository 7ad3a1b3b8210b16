/** A new node's side: makes a key, gets a certificate for a token, keeps both. The key never travels. */

import type { Env } from "../../runtime/env/env.ts";
import { messageOf } from "../../runtime/base/errors.ts";
import type { Socket } from "../../runtime/env/sockets.ts";
import { cliLimits } from "../limits.ts";
import { writeWhole } from "../roles/data_folder.ts";
import { authorityUri, firstFrame, frameOf, joinAnswer, parseFrame } from "./join_messages.ts";
import { JoinError, type JoinToken } from "./tokens.ts";
import { requestCertificate } from "./x509.ts";

/** The files of a node that has joined. */
export interface Joined {
  readonly node: string;
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

const NORMAL_CLOSURE = 1_000;

/** Uses a token up; JoinError `unreachable`, `refused`. */
export async function joinWith(env: Env, token: JoinToken, folder: string): Promise<Joined> {
  const { csr, key } = await requestCertificate("new");
  const socket = await connect(env, token);
  const { id, secret } = token;
  const reading = firstFrame(env, socket);
  socket.send(frameOf({ version: 1, id, secret, csr }));
  const frame = await reading;
  socket.close(NORMAL_CLOSURE, "done");
  const answer = frame === null ? null : parseFrame(joinAnswer, frame);
  if (answer === null) throw unreachable(token, "it did not answer; the token may be spent");
  if (!answer.ok) throw new JoinError("refused", `cannot join ${token.cluster}: ${answer.why}`);
  await env.disk.makeDirectory(folder, { recursive: true, mode: 0o700 });
  const path = (name: string) => `${folder}/${name}`;
  const { node } = answer;
  const files = { key: path(`${node}.key`), cert: path(`${node}.pem`), ca: path("ca.pem") };
  await writeWhole(env.disk, files.key, key, 0o600);
  await writeWhole(env.disk, files.cert, answer.cert);
  await writeWhole(env.disk, files.ca, answer.ca);
  return { node, ...files };
}

/** Speaks with who has the authority's key, and with nobody else that it vouches for. */
async function connect(env: Env, token: JoinToken): Promise<Socket> {
  const late = new AbortController();
  const timer = env.timers.after(cliLimits.joinMs, () => late.abort());
  try {
    const socket = await env.sockets.connect({
      url: token.url,
      tls: { caCerts: [token.ca] },
      bounds: { frameBytes: cliLimits.joinFrameBytes, lowBytes: 0 },
      signal: late.signal,
    });
    const { certificate } = socket.peer;
    const uri = authorityUri(token.cluster);
    if (certificate?.problem === null && certificate.names.includes(uri)) return socket;
    socket.destroy();
    throw unreachable(token, "who answers there is not the authority");
  } catch (thrown) {
    if (thrown instanceof JoinError) throw thrown;
    throw unreachable(token, messageOf(thrown));
  } finally {
    timer.cancel();
  }
}

function unreachable({ url, cluster }: JoinToken, why: string): JoinError {
  return new JoinError("unreachable", `cannot join ${cluster} at ${url}: ${why}`);
}
