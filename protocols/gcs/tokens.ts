/** Where access tokens come from: declared, a service account's file, or a user's own login. */

import { z } from "zod";
import type { Env } from "../../runtime/env/env.ts";
import { DiskError } from "../../runtime/env/errors.ts";
import { shownPath } from "../containment.ts";
import { ProtocolError } from "../errors.ts";
import { isLocalHost } from "../http/addresses.ts";
import { protocolLimits } from "../limits.ts";
import { type Link, ObjectExchange, shortAnswer } from "../objects/exchange.ts";
import type { GcsCredentials } from "./endpoint.ts";
import { assertionOf } from "./jwt.ts";

/** What the machine has that requests are sent from. */
export interface GcsMachine {
  /** An environment variable. */
  variable(name: string): string | undefined;
}

/** The variable that names the file of credentials, for all of Google's tools. */
const FILE_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS";
const SCOPE = "https://www.googleapis.com/auth/devstorage.read_write";

const serviceAccount = z.object({
  type: z.literal("service_account"),
  client_email: z.string().min(3).max(320),
  private_key: z.string().min(1),
  private_key_id: z.string().max(256).optional(),
  token_uri: z.string().default("https://oauth2.googleapis.com/token"),
});

const authorizedUser = z.object({
  type: z.literal("authorized_user"),
  client_id: z.string().min(1),
  client_secret: z.string().min(1),
  refresh_token: z.string().min(1),
  token_uri: z.string().default("https://oauth2.googleapis.com/token"),
});

const tokenAnswer = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,16384}$/),
  expires_in: z.number().positive().max(86_400),
});

type Identity = z.infer<typeof serviceAccount> | z.infer<typeof authorizedUser>;

interface Token {
  readonly value: string;
  readonly expiresMs: number;
}

/** The tokens of the identities that one process uses; fetched when they are first needed. */
export class TokenRing {
  readonly #machine: GcsMachine;
  /** By the path of the file of credentials. */
  readonly #tokens = new Map<string, Promise<Token>>();

  constructor(machine: GcsMachine) {
    this.#machine = machine;
  }

  /** The token of declared credentials; `unauthenticated` where there is none to be had. */
  async current(env: Env, link: Link, credentials: GcsCredentials): Promise<string> {
    if (credentials.type === "bearer") return credentials.token;
    const path = this.#fileOf(credentials);
    const pending = this.#tokens.get(path);
    if (pending !== undefined) {
      const known = await pending;
      if (env.clock.now() < known.expiresMs) return known.value;
      if (this.#tokens.get(path) !== pending) return await this.current(env, link, credentials);
    }
    // One fetch for all who wait; whoever asked first may give up, it goes on.
    const fetching = fetchToken(env, link, path);
    this.#tokens.delete(path);
    this.#tokens.set(path, fetching);
    fetching.catch(() => {
      if (this.#tokens.get(path) === fetching) this.#tokens.delete(path);
    });
    const [oldest] = this.#tokens.keys();
    if (this.#tokens.size > protocolLimits.gcsTokensKept) this.#tokens.delete(oldest!);
    return (await fetching).value;
  }

  #fileOf(credentials: Exclude<GcsCredentials, { type: "bearer" }>): string {
    const declared = credentials.type === "profile" ? credentials.file : undefined;
    const path = declared ?? this.#machine.variable(FILE_VARIABLE);
    if (path !== undefined && path !== "") return path;
    const message =
      `cannot sign in to Google's store: ${FILE_VARIABLE} is not set on this agent; ` +
      'set it, or declare "file" beside type: profile';
    throw new ProtocolError("unauthenticated", message);
  }
}

async function fetchToken(env: Env, link: Link, path: string): Promise<Token> {
  const identity = await identityIn(env, path);
  const url = tokenUrl(identity.token_uri, path);
  const body = new TextEncoder().encode(String(formOf(identity, env.clock.now())));
  const action = `sign in by the credentials in ${shownPath(path)}`;
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const request = { method: "POST", url, headers, body, action };
  const exchange = new ObjectExchange({ ...link, env }, request, null);
  const { status, text } = await shortAnswer(exchange, protocolLimits.httpHeaderMaxBytes);
  if (status !== 200) {
    const retryable = status === 429 || status >= 500;
    const message =
      `cannot ${action}: the answer is status ${status}; check that the account and ` +
      "its key still exist, and the agent's clock";
    throw new ProtocolError("unauthenticated", message, { retryable, details: { status } });
  }
  const answer = tokenAnswer.safeParse(jsonOf(text));
  if (!answer.success) throw new ProtocolError("badResponse", `cannot ${action}: no token came`);
  const { access_token: value, expires_in: seconds } = answer.data;
  const goodMs = Math.max(0, seconds * 1_000 - protocolLimits.gcsTokenEarlyMs);
  return { value, expiresMs: env.clock.now() + goodMs };
}

function formOf(identity: Identity, nowMs: number): URLSearchParams {
  if (identity.type === "authorized_user") {
    const { client_id, client_secret, refresh_token } = identity;
    return new URLSearchParams({
      grant_type: "refresh_token",
      ...{ client_id, client_secret, refresh_token },
    });
  }
  const account = {
    clientEmail: identity.client_email,
    privateKey: identity.private_key,
    privateKeyId: identity.private_key_id ?? null,
    tokenUri: identity.token_uri,
  };
  return new URLSearchParams({
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    assertion: assertionOf(account, SCOPE, nowMs),
  });
}

/** A key signs for whoever is asked: never in the clear. */
function tokenUrl(declared: string, path: string): string {
  const url = URL.canParse(declared) ? new URL(declared) : null;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && isLocalHost(url));
  if (url !== null && isSafe && url.username + url.password === "") return url.href;
  const message = `cannot use the credentials in ${
    shownPath(path)
  }: their token_uri is no https URL`;
  throw new ProtocolError("insecure", message);
}

async function identityIn(env: Env, path: string): Promise<Identity> {
  const unusable = (reason: string) =>
    new ProtocolError("unauthenticated", `cannot use the file ${shownPath(path)}: ${reason}`);
  const value = jsonOf(await textIn(env, path, unusable));
  const found = z.union([serviceAccount, authorizedUser]).safeParse(value);
  // The reasons of a schema could quote the key.
  if (found.success) return found.data;
  throw unusable("it holds no service account and no login of a user");
}

async function textIn(
  env: Env,
  path: string,
  unusable: (reason: string) => ProtocolError,
): Promise<string> {
  const most = protocolLimits.httpHeaderMaxBytes;
  try {
    const file = await env.disk.open(path, { read: true });
    try {
      const bytes = new Uint8Array(most + 1);
      let length = 0;
      for (let count = -1; count !== 0 && length < bytes.length; length += count) {
        count = await file.read(bytes.subarray(length), length);
      }
      if (length > most) throw unusable(`it is larger than ${most} bytes`);
      return new TextDecoder().decode(bytes.subarray(0, length));
    } finally {
      await file.close();
    }
  } catch (thrown) {
    if (thrown instanceof DiskError) throw unusable(`it cannot be read (${thrown.code})`);
    throw thrown;
  }
}

/** A JSON value, `null` for a text that is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}
