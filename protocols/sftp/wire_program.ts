/**
 * SSH by the `ssh` program of the machine, which encrypts faster than any library here and in a process of
 * its own. It finds keys and passphrases by itself (an SSH agent, an identity file): none passes here.
 */

import type { Env } from "../../runtime/env/env.ts";
import { ProgramError, type RunningProgram } from "../../runtime/env/programs.ts";
import type { Reach } from "../contract.ts";
import { ProtocolError, type ProtocolErrorCode } from "../errors.ts";
import { shownHost } from "../network_uri.ts";
import type { SftpTarget, SshHost } from "./endpoint.ts";
import { hostName } from "./host_keys.ts";
import type { OpenWire, Wire, WireEvents } from "./wire.ts";

/** What it is started with beside its target. */
export interface ProgramWireOptions {
  readonly knownHosts: string | null;
  readonly agentSocket: string | null;
  readonly connectMs: number;
  readonly reach: Reach;
}

/** Memory for what comes; what is read from it is never written again. */
const ROOM_BYTES = 1_048_576;
const READ_LEAST_BYTES = 16_384;
/**
 * Those that OpenSSH offers by itself, AES-GCM first: on machines with instructions for AES it takes half
 * of the time of ChaCha20, here and at the server (measured).
 */
const CIPHERS = [
  "aes128-gcm@openssh.com",
  "aes256-gcm@openssh.com",
  "chacha20-poly1305@openssh.com",
  "aes128-ctr",
  "aes192-ctr",
  "aes256-ctr",
];

/** A way to open the SFTP subsystem of a host. */
export function programWire(
  target: SftpTarget,
  env: Env,
  options: ProgramWireOptions,
): OpenWire {
  return async (events) => {
    const name = shownHost(target.host, target.port);
    if (env.programs === undefined) {
      const message =
        `cannot reach ${name}: no programs can be started here; use transport library`;
      throw new ProtocolError("unsupported", message);
    }
    const first = target.jump ?? target;
    const address = await options.reach.addressFor(first.host, first.port);
    if (target.jump !== null) options.reach.checkHost(target.host, target.port);
    try {
      const program = env.programs.start({
        program: "ssh",
        args: argumentsOf(target, address, options),
        environment: options.agentSocket === null ? {} : { SSH_AUTH_SOCK: options.agentSocket },
      });
      void pump(program, target, events);
      return wireOf(program);
    } catch (thrown) {
      if (!(thrown instanceof ProgramError)) throw thrown;
      const message = `cannot reach ${name}: ${thrown.message}`;
      throw new ProtocolError("unsupported", message, { cause: thrown });
    }
  };
}

/**
 * Never asks anybody anything, trusts no host that is not known, and forwards nothing. `address` is
 * where the first connection goes, to the target or to the host in between; keys keep to names.
 */
export function argumentsOf(
  target: SftpTarget,
  address: string,
  options: Pick<ProgramWireOptions, "knownHosts" | "connectMs">,
): string[] {
  const { jump } = target;
  const common = commonArguments(target, options);
  if (jump === null) {
    return [...common, ...placeArguments(target, address), "-s", "--", target.host, "sftp"];
  }
  // With -J none of these settings would hold for the host in between.
  const between = [
    "ssh",
    ...common,
    ...placeArguments(jump, address),
    ...["-W", shownHost(target.host, target.port), "--", jump.host],
  ];
  return [
    ...common,
    ...["-o", `ProxyCommand=${between.map(shellWord).join(" ")}`],
    ...placeArguments(target, null),
    ...["-s", "--", target.host, "sftp"],
  ];
}

function commonArguments(
  { identityFile, transport }: SftpTarget,
  { knownHosts, connectMs }: Pick<ProgramWireOptions, "knownHosts" | "connectMs">,
): string[] {
  const settings = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "ForwardAgent=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "Compression=no",
    `Ciphers=${CIPHERS.join(",")}`,
    "ServerAliveInterval=15",
    `ConnectTimeout=${Math.max(1, Math.ceil(connectMs / 1_000))}`,
    "GlobalKnownHostsFile=/dev/null",
    `UserKnownHostsFile=${knownHosts === null ? "/dev/null" : quoted(knownHosts)}`,
  ];
  if (identityFile !== null) settings.push("IdentitiesOnly=yes");
  // Whoever leaves the way open means the keys of the agent, as the library takes them.
  if (transport === "auto") settings.push("IdentityFile=none");
  return [
    // Nobody's settings but these.
    ...["-F", "none"],
    ...settings.flatMap((setting) => ["-o", setting]),
    ...(identityFile === null ? [] : ["-i", identityFile]),
  ];
}

function placeArguments({ host, port, user }: SshHost, address: string | null): string[] {
  const pinned = address === null || address === host
    ? []
    : ["-o", `HostName=${address}`, "-o", `HostKeyAlias=${hostName(host, port)}`];
  return [...pinned, "-p", String(port), "-l", user];
}

function quoted(path: string): string {
  return `"${path}"`;
}

/** A word of the command that ssh gives to a shell, after it has replaced what begins with a `%`. */
function shellWord(word: string): string {
  return `'${word.replaceAll("'", "'\\''").replaceAll("%", "%%")}'`;
}

function wireOf(program: RunningProgram): Wire {
  return {
    // A pipe that broke is told by the end of the program.
    send: (bytes, left) => void program.write(bytes).then(left, () => {}),
    end: async () => {
      program.kill();
      await program.ended;
    },
  };
}

async function pump(
  program: RunningProgram,
  target: SftpTarget,
  events: WireEvents,
): Promise<void> {
  let room = new Uint8Array(0);
  for (;;) {
    // A read brings 64 KiB at most, and often half of that.
    if (room.length < READ_LEAST_BYTES) room = new Uint8Array(ROOM_BYTES);
    const count = await program.read(room).catch(() => 0);
    if (count === 0) break;
    events.bytes(room.subarray(0, count));
    room = room.subarray(count);
  }
  const { code, errors } = await program.ended;
  events.ended(failureOf(target, code, errors));
}

/** Sentences of OpenSSH's client, and what they mean. */
const MEANINGS: readonly (readonly [RegExp, ProtocolErrorCode])[] = [
  [
    /host key verification failed|no .* host key is known|host identification has changed/i,
    "insecure",
  ],
  [/permission denied|too many authentication failures/i, "unauthenticated"],
  [/timed out/i, "timeout"],
  [/subsystem request failed/i, "unsupported"],
];

function failureOf(target: SftpTarget, code: number | null, errors: string): ProtocolError {
  const at = shownHost(target.host, target.port);
  const line = errors.trim().split(/\r?\n/).filter((text) => !/^(Warning|debug)/.test(text)).at(-1);
  const [, meaning] = MEANINGS.find(([pattern]) => pattern.test(errors)) ?? [, "unreachable"];
  const reason = line === undefined || line === "" ? `ssh ended with ${code ?? "a signal"}` : line;
  // The place stands in front already.
  const why = reason.replace(/^ssh: connect to host \S+ port \d+: /, "");
  const message = `cannot go on with ${at}: ${why}`;
  return new ProtocolError(meaning as ProtocolErrorCode, message, { definite: true });
}
