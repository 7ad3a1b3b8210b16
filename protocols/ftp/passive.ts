/** Where a server waits for a data connection: answers to EPSV and PASV. Pure. */

import { ProtocolError } from "../errors.ts";
import type { Reply } from "./replies.ts";

/** The port of an answer to EPSV (RFC 2428, section 3), which names no host; `null` if it has none. */
export function extendedPassivePort({ lines }: Reply): number | null {
  const match = /\(([\x21-\x7e])\1\1(\d{1,5})\1\)/.exec(lines.join(" "));
  return match === null ? null : portOf(Number(match[2]));
}

/** What an answer to PASV names. */
export interface PassiveAddress {
  readonly address: string;
  readonly port: number;
}

/** Host and port of an answer to PASV (RFC 959, section 4.1.2); `null` if it has none. */
export function passiveAddress({ lines }: Reply): PassiveAddress | null {
  const text = lines.join(" ");
  const match = /(?<!\d)(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})(?!\d)/.exec(
    text,
  );
  if (match === null) return null;
  const numbers = match.slice(1).map(Number);
  if (numbers.some((number) => number > 255)) return null;
  const port = portOf(numbers[4]! * 256 + numbers[5]!);
  return port === null ? null : { address: numbers.slice(0, 4).join("."), port };
}

function portOf(port: number): number | null {
  return port >= 1 && port <= 65_535 ? port : null;
}

/** An IPv4 address that an IPv6 socket shows. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
}

/**
 * `insecure` unless `named` is the address of the control connection, or none at all (0.0.0.0): whoever
 * could name another one would have us connect to whatever he likes.
 */
export function assertSameAddress(place: string, control: string, named: string): void {
  if (named === "0.0.0.0" || named === plainAddress(control)) return;
  const message = `cannot open a data connection to ${place}: the server names the address ` +
    `${named}, and the control connection goes to ${plainAddress(control)}; if the server stands ` +
    "behind a translating router, set option passiveAddress: control";
  throw new ProtocolError("insecure", message);
}
