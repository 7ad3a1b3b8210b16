/** A token of an identity provider, exchanged for temporary access keys (AssumeRoleWithWebIdentity). */

import type { Env } from "../../runtime/env/env.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { S3Place } from "./endpoint.ts";
import { S3Exchange } from "./exchange.ts";
import { refusalOf } from "./failure.ts";
import { type AccessKey, encodedQuery } from "./signing.ts";
import { childOf, parseXml, textOf, type XmlElement } from "./xml.ts";

/** An access key that may end. */
export interface TemporaryKey extends AccessKey {
  /** Wall clock; `null`: it does not end by itself. */
  readonly expiresMs: number | null;
}

const ACTION = "exchange a token for access keys";

/** Temporary keys of a role; neither token nor key is in any message. */
export async function assumeRole(
  env: Env,
  place: S3Place,
  roleArn: string,
  token: string,
): Promise<TemporaryKey> {
  const exchange = new S3Exchange(env, {
    ...{ action: ACTION, signal: null, mutates: false },
    responseTimeoutMs: place.responseTimeoutMs,
    idleTimeoutMs: place.idleTimeoutMs,
  });
  const form = encodedQuery({
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: roleArn,
    RoleSessionName: "quorus",
    WebIdentityToken: token,
  });
  try {
    const { status, headers } = await exchange.send({
      method: "POST",
      url: place.stsOrigin.href,
      headers: { "content-type": "application/x-www-form-urlencoded", "user-agent": "quorus" },
      body: new TextEncoder().encode(form),
    });
    const body = await exchange.readAll(protocolLimits.httpHeaderMaxBytes) ?? new Uint8Array();
    if (status === 200) return keyIn(parseXml(new TextDecoder().decode(body)));
    throw refusalOf(ACTION, { status, headers, body }, false, env.clock.now());
  } finally {
    await exchange.end();
  }
}

function keyIn(answer: XmlElement): TemporaryKey {
  const result = childOf(answer, "AssumeRoleWithWebIdentityResult");
  const credentials = result === null ? null : childOf(result, "Credentials");
  if (credentials !== null) {
    const accessKeyId = textOf(credentials, "AccessKeyId");
    const secretAccessKey = textOf(credentials, "SecretAccessKey");
    const sessionToken = textOf(credentials, "SessionToken");
    const expiresMs = Date.parse(textOf(credentials, "Expiration") ?? "");
    if (accessKeyId !== null && secretAccessKey !== null && !Number.isNaN(expiresMs)) {
      return { accessKeyId, secretAccessKey, sessionToken, expiresMs };
    }
  }
  throw new ProtocolError("badResponse", `cannot ${ACTION}: the answer holds no keys`);
}
