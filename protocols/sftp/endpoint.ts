/** Checking a declared sftp endpoint: where it is, who asks, and whom to trust. */

import type { Endpoint } from "../contract.ts";
import { assertCredentials, type Credentials } from "../credentials.ts";
import { ProtocolError } from "../errors.ts";
import { type NetworkPlace, networkPlaceOf, shownHost } from "../network_uri.ts";

/** The kinds of credentials that an SSH server can be shown. */
export const SFTP_CREDENTIALS = ["basic", "key", "agent"] as const;

/** Who asks; a password is also the answer to a server that asks for one by keyboard-interactive. */
export type SftpCredentials = Extract<Credentials, { type: typeof SFTP_CREDENTIALS[number] }>;

/** A host that speaks SSH. */
export interface SshHost {
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

/** What carries a session. */
export type Transport = "library" | "program" | "auto";

/** Everything that tells one session from another. */
export interface SftpTarget extends SshHost {
  readonly credentials: SftpCredentials;
  /** A host in between, reached with the same credentials. */
  readonly jump: SshHost | null;
  /** Fingerprints of the host's key, and of the jump host's. */
  readonly pins: readonly string[];
  readonly jumpPins: readonly string[];
  /** A known_hosts file on the agent, instead of its own one. */
  readonly knownHosts: string | null;
  /**
   * `program`: the `ssh` program of the agent carries the bytes, which is faster; `auto`: it does where
   * it is there and may be started.
   */
  readonly transport: Transport;
  /** A private key on the agent that the program reads by itself. */
  readonly identityFile: string | null;
  readonly timeoutMs: number | null;
  readonly idleMs: number | null;
}

/** A place on such a host. */
export interface SftpPlace {
  readonly target: SftpTarget;
  readonly place: NetworkPlace;
  /** For messages: `sftp://host:port`. */
  readonly label: string;
  /** The server is asked for SHA-256 of what is read; it reads the whole file for that. */
  readonly asksForHash: boolean;
}

const PORT = 22;
/** The options of its endpoints, and what each says. */
export const SFTP_OPTIONS = {
  hostKey: "fingerprints SHA256:... of the host's key; no other key is trusted then",
  knownHosts: "a known_hosts file on the agent, instead of the machine's own",
  jump: "user@host:port in between, reached with the same credentials",
  jumpHostKey: "as hostKey, for the host in between",
  transport:
    "library, program (the machine's ssh carries the bytes), or auto: program where it can",
  identityFile: "for transport program: a private key on the agent",
  serverHash: "true: the server is asked for SHA-256, where it knows check-file",
} as const;
type Options = Partial<Record<keyof typeof SFTP_OPTIONS, string>>;

/** The place of an endpoint; `badEndpoint` says what is wrong with it and never shows a secret. */
export function sftpPlaceOf(endpoint: Endpoint): SftpPlace {
  const place = networkPlaceOf(["sftp"], endpoint.uri);
  const port = place.port ?? PORT;
  const label = `sftp://${shownHost(place.host, place.port)}`;
  const action = `use ${label}`;
  const refuse = (reason: string) =>
    new ProtocolError("badEndpoint", `cannot ${action}: ${reason}`);
  if (Object.keys(endpoint.headers).length > 0) throw refuse("SFTP has no headers; remove them");
  if (endpoint.tls !== null) {
    throw refuse('SFTP has no TLS; pin the host\'s key by option "hostKey"');
  }
  const credentials = assertCredentials(endpoint.auth, SFTP_CREDENTIALS, action);
  if (credentials === null) {
    throw refuse(`it takes credentials; declare "auth" of type ${SFTP_CREDENTIALS.join(", ")}`);
  }
  if (place.user !== null && place.user !== credentials.username) {
    throw refuse("the URI and the credentials name different users; keep one of them");
  }
  const options = optionsOf(endpoint, refuse);
  const user = credentials.username;
  return {
    label,
    place,
    asksForHash: asksForHashOf(options, refuse),
    target: {
      ...{ host: place.host, port, user, credentials },
      jump: options.jump === undefined ? null : jumpOf(options.jump, user, refuse),
      pins: pinsOf("hostKey", options.hostKey, refuse),
      jumpPins: pinsOf("jumpHostKey", options.jumpHostKey, refuse),
      knownHosts: options.knownHosts ?? null,
      transport: transportOf(options, credentials, refuse),
      identityFile: options.identityFile ?? null,
      timeoutMs: endpoint.responseTimeoutMs,
      idleMs: endpoint.idleTimeoutMs,
    },
  };
}

/** Whether two URIs name files of one service, for the same user. */
export function isSameHost(one: NetworkPlace, other: NetworkPlace): boolean {
  return one.host === other.host && (one.port ?? PORT) === (other.port ?? PORT) &&
    (other.user === null || one.user === null || one.user === other.user);
}

type Refuse = (reason: string) => ProtocolError;

function optionsOf({ options }: Endpoint, refuse: Refuse): Options {
  const known: Options = {};
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(SFTP_OPTIONS, name)) {
      const known = Object.keys(SFTP_OPTIONS).join(", ");
      throw refuse(`there is no option "${name}"; there are ${known}`);
    }
    known[name as keyof Options] = String(value);
  }
  return known;
}

function pinsOf(option: string, declared: string | undefined, refuse: Refuse): string[] {
  if (declared === undefined) return [];
  const pins = declared.split(/[\s,]+/).filter((pin) => pin !== "");
  const wrong = pins.find((pin) => !/^SHA256:[A-Za-z0-9+/]{43}=?$/.test(pin));
  if (wrong === undefined && pins.length > 0) return pins;
  throw refuse(`option ${option} holds no fingerprint; write SHA256:... as ssh-keygen -l shows it`);
}

function jumpOf(declared: string, user: string, refuse: Refuse): SshHost {
  const match = /^(?:([^@\s]+)@)?(\[[^\]]+\]|[^:@\s]+)(?::(\d+))?$/.exec(declared);
  if (match === null) throw refuse("option jump names no host; write user@host:port");
  const [, name, host = "", port] = match;
  return {
    host: host.replace(/^\[|\]$/g, "").toLowerCase(),
    port: port === undefined ? PORT : Number(port),
    user: name ?? user,
  };
}

function asksForHashOf({ serverHash = "false" }: Options, refuse: Refuse): boolean {
  if (serverHash === "true" || serverHash === "false") return serverHash === "true";
  throw refuse(`option serverHash is "${serverHash}"; it can be true or false`);
}

/**
 * The program finds keys by itself and hosts in a file: what it could not be told is refused, or left to
 * the library by `auto`.
 */
function transportOf(
  { transport = "library", identityFile, hostKey, jumpHostKey }: Options,
  credentials: SftpCredentials,
  refuse: Refuse,
): Transport {
  if (transport !== "library" && transport !== "program" && transport !== "auto") {
    throw refuse(`option transport is "${transport}"; it can be library, program or auto`);
  }
  const isPinned = hostKey !== undefined || jumpHostKey !== undefined;
  if (transport !== "program") {
    if (identityFile === undefined) {
      return isPinned || credentials.type !== "agent" ? "library" : transport;
    }
    throw refuse("option identityFile is read by the ssh program; set transport: program");
  }
  if (credentials.type !== "agent") {
    throw refuse('transport program finds keys by itself; declare "auth" of type agent');
  }
  if (isPinned) {
    throw refuse("transport program knows hosts by a file; use option knownHosts instead of pins");
  }
  return transport;
}
