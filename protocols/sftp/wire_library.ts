/**
 * SSH by `npm:ssh2`, which opens its own sockets and timers: it stays outside of Env, and simulation uses
 * the `memory` protocol. The socket is ours, for `setNoDelay`; ChaCha20 stands first, since AES-GCM of
 * Deno's node:crypto is ten times slower than Node's (both measured).
 */

import { Buffer } from "node:buffer";
import { Socket } from "node:net";
import type { Reach } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { apart, type Stream } from "./apart.ts";
import { shownHost } from "../network_uri.ts";
import { withFullNumber } from "./ecdsa.ts";
import type { SftpCredentials, SftpTarget, SshHost } from "./endpoint.ts";
import { gathered } from "./gathered.ts";
import { fingerprintOfKey, judgeHostKey, knownHostsLine, knownKeyTypes } from "./host_keys.ts";
import type { TrustedKeys } from "./host_keys.ts";
import { loadSsh2 } from "./library.ts";
import type { OpenWire, Wire, WireEvents } from "./wire.ts";

/** What of the library is used; it has no types of its own. */
interface Client {
  on(event: "ready" | "close" | "end", listener: () => void): this;
  on(event: "error", listener: (error: SshError) => void): this;
  on(
    event: "keyboard-interactive",
    listener: (
      name: string,
      instructions: string,
      language: string,
      prompts: readonly unknown[],
      finish: (answers: readonly string[]) => void,
    ) => void,
  ): this;
  connect(options: Record<string, unknown>): void;
  subsys(name: string, opened: (error: Error | undefined, channel: Channel) => void): void;
  forwardOut(
    fromHost: string,
    fromPort: number,
    host: string,
    port: number,
    opened: (error: Error | undefined, channel: Stream) => void,
  ): void;
  end(): void;
  destroy(): void;
}

interface Library {
  readonly Client: new () => Client;
  readonly utils: {
    /** An error or several keys where it is not one key that can be read. */
    parseKey(key: string, passphrase?: string): ParsedKey | Error | readonly ParsedKey[];
  };
}

interface ParsedKey {
  readonly type: string;
  getPrivatePEM(): string | null;
}

interface SshError extends Error {
  readonly level?: string;
  readonly code?: string;
}

interface Channel {
  on(event: "data", listener: (bytes: Uint8Array) => void): this;
  on(event: "close" | "end", listener: () => void): this;
  on(event: "error", listener: (error: Error) => void): this;
  write(bytes: Uint8Array, left?: () => void): boolean;
  destroy(): void;
}

const CIPHERS = [
  "chacha20-poly1305@openssh.com",
  "aes128-gcm@openssh.com",
  "aes256-gcm@openssh.com",
  "aes128-ctr",
  "aes192-ctr",
  "aes256-ctr",
];

/** What a connection needs beside its target. */
export interface LibraryOptions {
  readonly known: TrustedKeys;
  readonly knownJump: TrustedKeys;
  /** The socket of the SSH agent, for credentials of that type. */
  readonly agentSocket: string | null;
  readonly connectMs: number;
  readonly reach: Reach;
}

/** A way to open the SFTP subsystem of a host. */
export function libraryWire(target: SftpTarget, options: LibraryOptions): OpenWire {
  return async (events) => {
    const library = await loadSsh2() as Library;
    const { Client } = library;
    const credentials = usable(library, target.credentials);
    const ended: (() => void)[] = [];
    const close = () => {
      for (const end of ended) end();
      return Promise.resolve();
    };
    try {
      let stream: Stream = await direct(target.jump ?? target, options.reach, events);
      ended.push(() => stream.destroy());
      if (target.jump !== null) {
        options.reach.checkHost(target.host, target.port);
        const jump = await connected(new Client(), target.jump, credentials, stream, {
          ...options,
          trusted: { ...options.knownJump, pins: target.jumpPins },
        }, events);
        ended.push(() => jump.destroy());
        stream = await through(jump, target.jump, target);
      }
      const client = await connected(new Client(), target, credentials, stream, {
        ...options,
        trusted: { ...options.known, pins: target.pins },
      }, events);
      ended.push(() => client.destroy());
      return await subsystem(client, target, events, close);
    } catch (thrown) {
      await close();
      throw thrown;
    }
  };
}

/** The one place where this library's way to the world begins: to an address that was judged. */
async function direct(
  { host, port }: SshHost,
  reach: Reach,
  events: WireEvents,
): Promise<Socket> {
  const address = await reach.addressFor(host, port);
  const socket = gathered(new Socket());
  socket.setNoDelay(true);
  socket.on("close", () => events.ended(lost(host, port)));
  socket.connect({ host: address, port });
  return socket;
}

function lost(host: string, port: number): ProtocolError {
  const at = shownHost(host, port);
  return new ProtocolError("unreachable", `cannot go on with ${at}: the connection has ended`);
}

/** A key in the form in which Deno signs with it; what cannot be read is told where it is used. */
function usable({ utils }: Library, credentials: SftpCredentials): SftpCredentials {
  if (credentials.type !== "key") return credentials;
  const { username, privateKey, passphrase } = credentials;
  const key = utils.parseKey(privateKey, passphrase);
  if (key instanceof Error || !("type" in key)) return credentials;
  const pem = key.type.startsWith("ecdsa-") ? key.getPrivatePEM() : null;
  if (pem === null) return credentials;
  return { type: "key", username, privateKey: withFullNumber(key.type, pem) };
}

function connected(
  client: Client,
  at: SshHost,
  credentials: SftpCredentials,
  sock: Stream,
  options: LibraryOptions & { readonly trusted: TrustedKeys },
  events: WireEvents,
): Promise<Client> {
  let refusal: ProtocolError | null = null;
  const types = knownKeyTypes(options.trusted, at.host, at.port);
  return new Promise((resolve, reject) => {
    const fail = (error: ProtocolError) => {
      reject(error);
      events.ended(error);
    };
    client.on("ready", () => resolve(client));
    client.on("error", (error) => {
      // The library would read on, and take what comes next for the length of a packet: up to 2 GiB.
      sock.destroy();
      fail(refusal ?? failureOf(at, error, options.connectMs));
    });
    for (const event of ["close", "end"] as const) {
      client.on(event, () => fail(refusal ?? lost(at.host, at.port)));
    }
    if (credentials.type === "basic") {
      client.on("keyboard-interactive", (_name, _instructions, _language, prompts, finish) => {
        finish(prompts.map(() => credentials.password));
      });
    }
    try {
      client.connect({
        ...identity(at, credentials, options.agentSocket),
        sock,
        readyTimeout: options.connectMs,
        algorithms: {
          cipher: CIPHERS,
          ...(types.length === 0 ? {} : { serverHostKey: algorithmsOf(types) }),
        },
        hostVerifier: (key: Uint8Array) => {
          refusal = judged(options.trusted, at, key);
          return refusal === null;
        },
      });
    } catch (thrown) {
      fail(unusable(at, thrown));
    }
  });
}

function identity(
  at: SshHost,
  credentials: SftpCredentials,
  agentSocket: string | null,
): Record<string, unknown> {
  const username = at.user;
  switch (credentials.type) {
    case "basic":
      return { username, password: credentials.password, tryKeyboard: true };
    case "key": {
      const { privateKey, passphrase } = credentials;
      return { username, privateKey, ...(passphrase === undefined ? {} : { passphrase }) };
    }
    case "agent":
      if (agentSocket !== null) return { username, agent: agentSocket };
      throw new Error("there is no SSH agent here; start the agent with SSH_AUTH_SOCK set");
  }
}

/** RSA keys are known by their old name and sign in new ways (RFC 8332). */
function algorithmsOf(types: readonly string[]): string[] {
  return types.flatMap((type) =>
    type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : [type]
  );
}

function judged(trusted: TrustedKeys, at: SshHost, key: Uint8Array): ProtocolError | null {
  const verdict = judgeHostKey(trusted, at.host, at.port, key);
  if (verdict.trusted) return null;
  const name = shownHost(at.host, at.port);
  const shown = fingerprintOfKey(key);
  const reasons = {
    unknown: `its key ${shown} is not known; if it is the host's, pin it with option ` +
      `hostKey: "${shown}", or add this line to known_hosts: ${
        knownHostsLine(at.host, at.port, key)
      }`,
    changed: `its key is ${shown}, and another one is known: somebody may stand in between; ` +
      "ask whoever runs the host before you trust it",
    revoked: `its key ${shown} was revoked`,
  };
  return new ProtocolError("insecure", `cannot trust ${name}: ${reasons[verdict.reason]}`);
}

function failureOf(at: SshHost, error: SshError, connectMs: number): ProtocolError {
  const name = shownHost(at.host, at.port);
  const options = { cause: error, definite: true };
  if (/signing data/.test(error.message)) {
    const message =
      `cannot log in at ${name} as ${at.user}: this private key cannot be used in the ` +
      "form that it has; give it in PEM form (ssh-keygen -p -m PEM -f COPY), or use another one";
    return new ProtocolError("badEndpoint", message, options);
  }
  if (error.level === "client-authentication") {
    const message = `cannot log in at ${name} as ${at.user}: the server refused the credentials`;
    return new ProtocolError("unauthenticated", message, options);
  }
  if (error.level === "client-timeout") {
    const message = `cannot reach ${name}: no session was open after ${connectMs} ms`;
    return new ProtocolError("timeout", message, options);
  }
  const code = error.level === "handshake" ? "badResponse" : "unreachable";
  // The place stands in front already.
  const reason = error.message.replace(/^(connect E[A-Z]+) \S+$/, "$1");
  return new ProtocolError(code, `cannot reach ${name}: ${reason}`, options);
}

/** Keys that cannot be read, wrong passphrases: told without what they hold. */
function unusable(at: SshHost, thrown: unknown): ProtocolError {
  const name = shownHost(at.host, at.port);
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new ProtocolError("badEndpoint", `cannot log in at ${name} as ${at.user}: ${reason}`);
}

function through(jump: Client, at: SshHost, to: SshHost): Promise<Stream> {
  return new Promise((resolve, reject) => {
    jump.forwardOut("127.0.0.1", 0, to.host, to.port, (error, channel) => {
      if (error === undefined) return resolve(apart(channel));
      const [target, over] = [shownHost(to.host, to.port), shownHost(at.host, at.port)];
      const message = `cannot reach ${target} through ${over}: ${error.message}`;
      reject(new ProtocolError("unreachable", message, { cause: error }));
    });
  });
}

function subsystem(
  client: Client,
  target: SftpTarget,
  events: WireEvents,
  close: () => Promise<void>,
): Promise<Wire> {
  const name = shownHost(target.host, target.port);
  return new Promise((resolve, reject) => {
    client.subsys("sftp", (error, channel) => {
      if (error !== undefined) {
        const message = `cannot use ${name}: the server offers no SFTP (${error.message})`;
        return reject(new ProtocolError("unsupported", message, { cause: error }));
      }
      channel.on("data", (bytes) => events.bytes(bytes));
      channel.on("error", (cause) => events.ended(failureOf(target, cause, 0)));
      channel.on("close", () => events.ended(lost(target.host, target.port)));
      resolve({
        send: (bytes, left) =>
          void channel.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), left),
        end: close,
      });
    });
  });
}
