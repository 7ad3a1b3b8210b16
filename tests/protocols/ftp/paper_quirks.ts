/** How paper FTP servers differ from good ones. */

/** How a server differs from a good one. */
export interface PaperQuirks {
  /** Lines of FEAT; those of a modern server unless given. `null`: it does not know FEAT. */
  readonly features?: readonly string[] | null;
  /** Permissions can be set. */
  readonly chmod?: boolean;
  /** LIST in this form. */
  readonly listing?: "unix" | "dos";
  /** AUTH TLS leads to TLS; off unless given. */
  readonly tls?: boolean;
  /** Data is not encrypted, whatever is asked. */
  readonly refusesProtection?: boolean;
  readonly noExtendedPassive?: boolean;
  /** The address in answers to PASV. */
  readonly passiveAddress?: string;
  /** Replaces the greeting. */
  readonly greeting?: string;
  /** Replaces the lines of an answer. */
  readonly forge?: (command: string, answer: string) => string;
  /** It says nothing more after so many commands. */
  readonly silentAfter?: number;
  /** It hangs up after so many commands. */
  readonly endsAfter?: number;
  /** What it sends of a file. */
  readonly sends?: (path: string, bytes: Uint8Array) => PaperSending;
  /** Uploads fail beyond so many bytes. */
  readonly fullAfterBytes?: number;
  /** Beyond so many of them a session refuses uploads, as servers do that want TLS sessions gone on with. */
  readonly uploadsPerSession?: number;
  /** A name that is taken cannot be renamed over. */
  readonly keepsTaken?: boolean;
  /** Answers in this way instead, to whatever is asked. */
  readonly drips?: (say: (text: string) => Promise<void>) => Promise<void>;
  /** Replaces what a listing says; it may have no end. */
  readonly lists?: () => Iterable<string>;
  /** The user that may log in with the password `p`; any other is refused. */
  readonly user?: string;
}

/** Bytes of a file as they are sent, and what becomes of the connection then. */
export interface PaperSending {
  readonly bytes: Uint8Array;
  /** `stall`: nothing more, not even an end. `cut`: the connection breaks, and the server says 426. */
  readonly then: "end" | "stall" | "cut";
}

/** What a modern server says. */
export const MODERN: readonly string[] = [
  "EPSV",
  "UTF8",
  "REST STREAM",
  "SIZE",
  "MDTM",
  "MFMT",
  "HASH SHA-1;SHA-256*",
  "MLST type*;size*;modify*;unique*;UNIX.mode*;",
];

/** What an old one says, vsftpd for one: nothing of MLST. */
export const OLD: readonly string[] = [
  "EPRT",
  "EPSV",
  "MDTM",
  "PASV",
  "REST STREAM",
  "SIZE",
  "UTF8",
];
