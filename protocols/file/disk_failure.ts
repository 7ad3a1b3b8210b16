/** From failures of the disk to those of the protocol. */

import type { DiskErrorCode } from "../../runtime/env/env.ts";
import { DiskError } from "../../runtime/env/errors.ts";
import { ProtocolError, type ProtocolErrorCode } from "../errors.ts";

const MEANING: Readonly<Record<DiskErrorCode, ProtocolErrorCode>> = {
  notFound: "notFound",
  exists: "exists",
  notDirectory: "notFound",
  isDirectory: "nameRefused",
  notEmpty: "exists",
  denied: "denied",
  noSpace: "noSpace",
  readOnly: "readOnly",
  nameTooLong: "nameRefused",
  crossDevice: "unsupported",
  symlink: "escapes",
  locked: "io",
  closed: "io",
  io: "io",
};

/** The same failure as a `ProtocolError`; `definite` overrides what the disk knows. */
export function protocolFailure(thrown: unknown, definite?: boolean): unknown {
  if (!(thrown instanceof DiskError)) return thrown;
  return new ProtocolError(MEANING[thrown.code], thrown.message, {
    cause: thrown,
    retryable: thrown.retryable,
    definite: definite ?? thrown.definite,
    details: thrown.details,
  });
}

/** Runs one call of the protocol with its disk failures translated. */
export async function translated<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    throw protocolFailure(thrown);
  }
}
