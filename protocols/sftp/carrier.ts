/** SSH as the carrier of SFTP: by the library or by the machine's own program. */

import type { Env } from "../../runtime/env/env.ts";
import type { ProtocolContext } from "../contract.ts";
import { shownPath } from "../containment.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import { reachOf } from "../reach.ts";
import type { Carrier } from "./access.ts";
import type { TrustedKeys } from "./host_keys.ts";
import type { OpenWire } from "./wire.ts";
import { libraryWire } from "./wire_library.ts";
import { programWire } from "./wire_program.ts";

/** What the node has for SSH. */
export interface SftpMachine {
  /** Its known_hosts file; null: every host's key must be pinned. */
  readonly knownHosts: string | null;
  /** The socket of its SSH agent. */
  readonly agentSocket: string | null;
}

/** Opens a connection of its own for each session. */
export function sshCarrier(
  context: ProtocolContext,
  { knownHosts: ofMachine, agentSocket }: SftpMachine,
): Carrier {
  const { env } = context;
  const reach = reachOf(context);
  return async (target) => {
    const knownHosts = target.knownHosts ?? ofMachine;
    const connectMs = target.timeoutMs ?? protocolLimits.sftpConnectTimeoutMs;
    const program = programWire(target, env, { knownHosts, agentSocket, connectMs, reach });
    if (target.transport === "program") return program;
    const known: TrustedKeys = { pins: [], knownHosts: await textOf(env, knownHosts) };
    const library = libraryWire(target, {
      ...{ known, knownJump: known, agentSocket, connectMs, reach },
    });
    return target.transport === "auto" ? firstThatCan(program, library) : library;
  };
}

/** Only a program that cannot be started has another way: no refusal of a host or of ours does. */
function firstThatCan(program: OpenWire, library: OpenWire): OpenWire {
  return async (events) => {
    try {
      return await program(events);
    } catch (thrown) {
      if (!(thrown instanceof ProtocolError) || thrown.code !== "unsupported") throw thrown;
      return await library(events);
    }
  };
}

/** Read anew for every session: whoever adds a line need not restart anything. */
async function textOf({ disk }: Env, path: string | null): Promise<string | null> {
  if (path === null || await disk.stat(path) === null) return null;
  const file = await disk.open(path, { read: true });
  try {
    const { size } = await file.stat();
    const most = protocolLimits.sftpKnownHostsMaxBytes;
    if (size > most) {
      const message = `cannot use the known hosts in ${shownPath(path)}: it has ${size} bytes, ` +
        `and at most ${most} are read; shorten it`;
      throw new ProtocolError("badEndpoint", message);
    }
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size;) {
      const count = await file.read(bytes.subarray(at), at);
      if (count === 0) break;
      at += count;
    }
    return new TextDecoder().decode(bytes);
  } finally {
    await file.close();
  }
}
