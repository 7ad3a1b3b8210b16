/** TLS on one side only: how it shows, in what `node:http` and `node:https` throw. */

import { messageOf } from "../../base/errors.ts";
import { SocketError, TLS_MIXED } from "../errors.ts";

/** First bytes of TLS records (RFC 8446, section 5.1): an alert, a handshake. */
const TLS_RECORDS: readonly unknown[] = [21, 22];
/** What rustls says of a record that is none. */
const NO_RECORD = /InvalidContentType|wrong version number|http request/;
const BROKEN = /ECONNRESET|EPIPE|ECONNABORTED|ConnectionReset|BrokenPipe|UnexpectedEof/;

/** Where HTTP was expected, and TLS came. */
function isTls(thrown: unknown): boolean {
  const { rawPacket } = thrown as { readonly rawPacket?: Uint8Array };
  return TLS_RECORDS.includes(rawPacket?.[0]);
}

/** What a listener says of a connection that failed before it was one. */
export function listenerReason(thrown: Error, encrypted: boolean): string {
  if (!encrypted && isTls(thrown)) return TLS_MIXED.plainListener.called;
  if (encrypted && NO_RECORD.test(thrown.message)) return TLS_MIXED.plainCaller.called;
  return messageOf(thrown);
}

/** The error of a plain caller that was answered in TLS; anything else is returned as it is. */
export function plainCallerError(action: string, thrown: unknown): unknown {
  if (!isTls(thrown)) return thrown;
  const text = `cannot ${action}: ${TLS_MIXED.plainCaller.calling}`;
  return new SocketError("tls", text, { cause: thrown });
}

/** The error of a caller whose TLS was hung up on, or answered in something else. */
export function plainListenerError(action: string, thrown: unknown): unknown {
  const { code } = thrown as { readonly code?: unknown };
  const text = `${String(code ?? "")} ${messageOf(thrown)}`;
  if (!BROKEN.test(text) && !NO_RECORD.test(text)) return thrown;
  // A network that failed at this very moment looks the same, so it is worth another try.
  const facts = { cause: thrown, retryable: true };
  return new SocketError("tls", `cannot ${action}: ${TLS_MIXED.plainListener.calling}`, facts);
}
