/** A connection as FTP uses it, whatever carries it: the real ones are made in `dial.ts`. */

import type { TlsOptions } from "../../runtime/env/env.ts";

/** How a connection becomes an encrypted one. */
export interface Securing {
  /** The name that the certificate must show. */
  readonly name: string;
  readonly tls: TlsOptions | null;
  /** Whose TLS session is gone on with: servers ask for it on data connections. */
  readonly like: Line | null;
  /** The certificate that is trusted, and no other; `null`: any that an authority vouches for. */
  readonly trusted: Uint8Array | null;
}

/** An open connection. Every failure is a `ProtocolError`. */
export interface Line {
  /** The address of the other end, which data connections go to as well. */
  readonly address: string;
  /** What the other end has shown, as DER; `null` in clear. */
  readonly certificate: Uint8Array | null;
  /** Bytes that have come and were not read yet: so many can be read without waiting. */
  readonly cameBytes: number;
  /** The next bytes, which belong to the caller; `null` at the end, again and again. */
  read(): Promise<Uint8Array | null>;
  /** Sends all of `bytes`; they may be written over when it resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /** Says that nothing more will be sent. */
  finish(): Promise<void>;
  /** Goes on in TLS. `insecure` if bytes came before it that nobody has read. */
  secure(securing: Securing): Promise<void>;
  /** Ends it at once, and resolves when nothing of it is left; idempotent, and it never fails. */
  end(): Promise<void>;
}

/** Opens a connection to an address that was judged; `shown` names the place in messages. */
export type Dial = (address: string, port: number, shown: string) => Promise<Line>;
