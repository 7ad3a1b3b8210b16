/** Errors between a member and its Worker: they keep their class, code and words. */

import { errorData } from "../base/errors.ts";
import { SocketError } from "../env/errors.ts";
import type { SocketErrorCode } from "../env/sockets.ts";
import { RemoteError, type RemoteErrorCode } from "../remote/handshake_refusals.ts";
import type { EngineError } from "./engine_messages.ts";
import { RaftError, type RaftErrorCode } from "./errors.ts";

/** Anything that was thrown, as plain data. */
export function toEngineError(thrown: unknown): EngineError {
  const name = thrown instanceof Error ? thrown.name : "Error";
  return { name, ...errorData(thrown) };
}

/** The error again; what is none of ours has no code to keep. */
export function fromEngineError({ name, code, message, ...facts }: EngineError): Error {
  if (name === "RaftError") return new RaftError(code as RaftErrorCode, message, facts);
  if (name === "SocketError") return new SocketError(code as SocketErrorCode, message, facts);
  if (name === "RemoteError") return new RemoteError(code as RemoteErrorCode, message, facts);
  return new RaftError("WorkerLost", `run the core and log of a member: ${message}`);
}
