/** Two peers, linked over loopback. */

import type { PeerProcess } from "./peer_process.ts";
import type { PeerArguments } from "./protocol.ts";

export const TOKEN = "the token of these tests, long enough";
export const A = "quorus://a/peer";
export const B = "quorus://b/peer";

type Start = (options: PeerArguments) => PeerProcess;

/** "b" dials "a", which listens; both are up. */
export async function pair(
  start: Start,
  limits: PeerArguments["limits"] = {},
): Promise<{ a: PeerProcess; b: PeerProcess; url: string }> {
  const a = start({ id: "a", token: TOKEN, port: 0, limits });
  const url = (await a.hears("ready")).url!;
  const b = start({ id: "b", token: TOKEN, peers: [{ node: "a", url }], limits });
  await Promise.all([b.link("up", "a"), a.link("up", "b")]);
  return { a, b, url };
}
