/** Where access keys come from: declared, the environment, a file of profiles, or a token's exchange. */

import { unlessAborted } from "../../runtime/base/unless_aborted.ts";
import type { Env } from "../../runtime/env/env.ts";
import { DiskError } from "../../runtime/env/errors.ts";
import { abortedError } from "../aborting.ts";
import { shownPath } from "../containment.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { S3Credentials, S3Place } from "./endpoint.ts";
import type { AccessKey } from "./signing.ts";
import { assumeRole, type TemporaryKey } from "./web_identity.ts";

/** What the machine has that requests are sent from. */
export interface S3Machine {
  /** An environment variable. */
  variable(name: string): string | undefined;
}

/** A machine without anything: every access key must be declared. */
export const NO_MACHINE: S3Machine = { variable: () => undefined };

/** The access keys of one identity, fetched when they are first needed and again before they expire. */
export interface KeyRing {
  /** Throws `unauthenticated` where there is none. */
  current(signal: AbortSignal | null): Promise<AccessKey>;
  /** The server takes the current one no more; `false` if there can be no other. */
  forget(): boolean;
}

/** The key ring of declared credentials. */
export function keyRingOf(credentials: S3Credentials, machine: S3Machine, ways: KeyWays): KeyRing {
  if (credentials.type !== "accessKey") return new FetchedKeys(credentials, machine, ways);
  const { accessKeyId, secretAccessKey, sessionToken = null } = credentials;
  const key = { accessKeyId, secretAccessKey, sessionToken };
  return { current: () => Promise.resolve(key), forget: () => false };
}

/** What fetching keys works with. */
export interface KeyWays {
  readonly env: Env;
  readonly place: S3Place;
}

class FetchedKeys implements KeyRing {
  readonly #credentials: Exclude<S3Credentials, { type: "accessKey" }>;
  readonly #machine: S3Machine;
  readonly #ways: KeyWays;
  #fetching: Promise<TemporaryKey> | null = null;
  #isFresh = true;

  constructor(
    credentials: Exclude<S3Credentials, { type: "accessKey" }>,
    machine: S3Machine,
    ways: KeyWays,
  ) {
    this.#credentials = credentials;
    this.#machine = machine;
    this.#ways = ways;
  }

  async current(signal: AbortSignal | null): Promise<AccessKey> {
    const key = await this.#awaited(signal);
    const { expiresMs } = key;
    const { clock } = this.#ways.env;
    if (expiresMs === null || clock.now() < expiresMs - protocolLimits.s3CredentialsEarlyMs) {
      return key;
    }
    // One that is too short-lived is used as it is: fetching again would bring the same.
    if (this.#isFresh && clock.now() < expiresMs) return key;
    this.forget();
    return await this.#awaited(signal);
  }

  forget(): boolean {
    this.#fetching = null;
    return true;
  }

  /** One fetch for all who wait; it is not ended by the signal of one of them. */
  async #awaited(signal: AbortSignal | null): Promise<TemporaryKey> {
    if (this.#fetching === null) {
      const fetching = this.#fetch();
      this.#fetching = fetching;
      this.#isFresh = true;
      fetching.catch(() => {
        if (this.#fetching === fetching) this.#fetching = null;
      });
    } else this.#isFresh = false;
    if (signal === null) return await this.#fetching;
    try {
      return await unlessAborted(signal, this.#fetching);
    } catch (thrown) {
      throw thrown === signal.reason ? abortedError("fetch access keys", signal) : thrown;
    }
  }

  async #fetch(): Promise<TemporaryKey> {
    const credentials = this.#credentials;
    if (credentials.type === "profile") return await this.#ofProfile(credentials);
    if (credentials.type === "webIdentity") return await this.#ofToken(credentials);
    const accessKeyId = this.#machine.variable("AWS_ACCESS_KEY_ID");
    const secretAccessKey = this.#machine.variable("AWS_SECRET_ACCESS_KEY");
    const sessionToken = this.#machine.variable("AWS_SESSION_TOKEN") ?? null;
    if (accessKeyId !== undefined && secretAccessKey !== undefined) {
      return { accessKeyId, secretAccessKey, sessionToken, expiresMs: null };
    }
    const roleArn = this.#machine.variable("AWS_ROLE_ARN");
    const file = this.#machine.variable("AWS_WEB_IDENTITY_TOKEN_FILE");
    if (roleArn !== undefined && file !== undefined) return await this.#ofToken({ roleArn, file });
    throw noKeys(
      "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set in the environment of this agent",
    );
  }

  async #ofProfile(
    { file, profile }: { readonly file?: string; readonly profile?: string },
  ): Promise<TemporaryKey> {
    const home = this.#machine.variable("HOME");
    const path = file ?? this.#machine.variable("AWS_SHARED_CREDENTIALS_FILE") ??
      (home === undefined ? null : `${home}/.aws/credentials`);
    if (path === null) throw noKeys("there is no home directory with a file of profiles");
    const name = profile ?? this.#machine.variable("AWS_PROFILE") ?? "default";
    const values = profileOf(await textOf(this.#ways.env, path), name);
    const { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey } = values;
    if (accessKeyId === undefined || secretAccessKey === undefined) {
      throw noKeys(`the file ${shownPath(path)} has no keys for the profile ${shownPath(name)}`);
    }
    const sessionToken = values.aws_session_token ?? null;
    return { accessKeyId, secretAccessKey, sessionToken, expiresMs: null };
  }

  async #ofToken(
    { roleArn, file }: { readonly roleArn: string; readonly file: string },
  ): Promise<TemporaryKey> {
    const token = (await textOf(this.#ways.env, file)).trim();
    const { env, place } = this.#ways;
    return await assumeRole(env, place, roleArn, token);
  }
}

/** The values of one profile of a file as the tools of AWS keep it. */
export function profileOf(text: string, name: string): Readonly<Record<string, string>> {
  const values: Record<string, string> = {};
  let isWithin = false;
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[\s*(?:profile\s+)?([^\]]*?)\s*\]/.exec(line);
    if (section !== null) isWithin = section[1] === name;
    const value = /^\s*([A-Za-z_]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (section === null && isWithin && value !== null) values[value[1]!.toLowerCase()] = value[2]!;
  }
  return values;
}

async function textOf({ disk }: Env, path: string): Promise<string> {
  const most = protocolLimits.s3CredentialsFileMaxBytes;
  try {
    const file = await disk.open(path, { read: true });
    try {
      const { size, kind } = await file.stat();
      if (kind !== "file" || size > most) throw noKeys(`${shownPath(path)} is no file of keys`);
      const bytes = new Uint8Array(size);
      const length = size === 0 ? 0 : await file.read(bytes, 0);
      return new TextDecoder().decode(bytes.subarray(0, length));
    } finally {
      await file.close();
    }
  } catch (thrown) {
    if (!(thrown instanceof DiskError)) throw thrown;
    throw noKeys(`the file ${shownPath(path)} cannot be read (${thrown.code})`);
  }
}

function noKeys(reason: string): ProtocolError {
  return new ProtocolError("unauthenticated", `cannot find access keys: ${reason}`);
}
