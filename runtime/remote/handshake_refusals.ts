/** Why there is no link: codes, and the words for both sides. Tokens never stand in any of them. */

import { QuorusError } from "../base/errors.ts";

/** Why a node refuses another one; these codes travel. */
export const REFUSAL_CODES = [
  "WrongToken",
  "NoCertificate",
  "UnknownAuthority",
  "ExpiredCertificate",
  "WrongName",
  "VersionMismatch",
  "DuplicateNode",
  "Quarantined",
  "SelfConnect",
  "Superseded",
] as const;

/** One of {@link REFUSAL_CODES}. */
export type RefusalCode = typeof REFUSAL_CODES[number];

/** Why a link could not be made or kept. */
export type RemoteErrorCode =
  | RefusalCode
  | "Malformed"
  | "HandshakeTimeout"
  | "LinkLost"
  | "PlainLink"
  | "NoCredential"
  | "Disconnected"
  | "NotAWorker"
  | "HubClosed";

/** A link that could not be made or kept; the message names both ends. */
export class RemoteError extends QuorusError<RemoteErrorCode> {
  override readonly name = "RemoteError";
}

/** A refusal in the words of the side that refuses and of the side that is refused. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly ours: string;
  readonly theirs: string;
}

/** Who refuses whom. */
export interface Parties {
  /** The node that refuses. */
  readonly self: string;
  /** The node that is refused, as it calls itself. */
  readonly peer: string;
  /** Where it is. */
  readonly address: string;
}

/** Refusals that no second try will change. */
const FINAL: ReadonlySet<RemoteErrorCode> = new Set<RemoteErrorCode>([
  "WrongToken",
  "NoCertificate",
  "UnknownAuthority",
  "ExpiredCertificate",
  "WrongName",
  "VersionMismatch",
  "SelfConnect",
  "PlainLink",
  "NoCredential",
]);

/** True if dialling again is useless until somebody changes something. */
export function isFinal(code: RemoteErrorCode): boolean {
  return FINAL.has(code);
}

function refusal(
  code: RefusalCode,
  { self, peer, address }: Parties,
  ours: string,
  theirs: string,
): Refusal {
  return {
    code,
    ours: `refuse node "${peer}" at ${address}: ${ours}`,
    theirs: `node "${self}" refuses node "${peer}": ${theirs}`,
  };
}

/** The proof is missing or does not match. */
export function wrongToken(parties: Parties, given: boolean): Refusal {
  return given
    ? refusal(
      "WrongToken",
      parties,
      "its proof does not match our join token; start both nodes with the same token",
      "your proof does not match its join token; start both nodes with the same token",
    )
    : refusal(
      "WrongToken",
      parties,
      "it gave no proof of the join token that we ask for; start it with our token",
      "it asks for a join token and you proved none; start this node with its token",
    );
}

/** Nothing was shown. */
export function noCertificate(parties: Parties): Refusal {
  return refusal(
    "NoCertificate",
    parties,
    "it showed no certificate and we require one; give it a certificate of our authority",
    "it requires a certificate and none was shown; configure certificate and key of this node, and use wss://",
  );
}

/** Signed by somebody else, or not at all. */
export function unknownAuthority(parties: Parties): Refusal {
  return refusal(
    "UnknownAuthority",
    parties,
    "its certificate is of an authority that we do not trust; have it signed by one of ours, or add its authority",
    "your certificate is of an authority that it does not trust; have it signed by one that it trusts",
  );
}

/** Out of its time. */
export function expiredCertificate(parties: Parties, validTo: string, early: boolean): Refusal {
  return early
    ? refusal(
      "ExpiredCertificate",
      parties,
      "its certificate is not valid yet; check both clocks, or issue a new one",
      "your certificate is not valid yet; check both clocks, or issue a new one",
    )
    : refusal(
      "ExpiredCertificate",
      parties,
      `its certificate expired on ${validTo}; issue a new one (and check both clocks)`,
      `your certificate expired on ${validTo}; issue a new one (and check both clocks)`,
    );
}

/** The certificate is somebody else's. */
export function wrongName(parties: Parties, names: readonly string[]): Refusal {
  const shown = names.slice(0, 4).map((name) => `"${name.slice(0, 80)}"`).join(", ") || "nobody";
  return refusal(
    "WrongName",
    parties,
    `its certificate names ${shown}, not "quorus://${parties.peer}"; use the certificate of that node`,
    `your certificate names ${shown}, not "quorus://${parties.peer}"; use the certificate of this node, or correct the node's id`,
  );
}

/** Somebody else answers than was called. */
export function otherNode(parties: Parties, called: string): Refusal {
  return refusal(
    "WrongName",
    parties,
    `we called node "${called}"; correct the URL or the id of that peer`,
    `it called node "${called}" and reached you; correct the URL or the id in its configuration`,
  );
}

/** Somebody else was called. */
export function notCalled(parties: Parties, called: string): Refusal {
  return refusal(
    "WrongName",
    parties,
    `it called node "${called}" and reached us; correct the URL or the id in its configuration`,
    `you called node "${called}"; correct the URL or the id of that peer`,
  );
}

/** No common version. */
export function versionMismatch(parties: Parties, ours: string, theirs: string): Refusal {
  return refusal(
    "VersionMismatch",
    parties,
    `it speaks link versions ${theirs}, we speak ${ours}; upgrade the older of the two`,
    `you speak link versions ${theirs}, it speaks ${ours}; upgrade the older of the two`,
  );
}

/** The id is taken by a node that lives. */
export function duplicateNode(parties: Parties, standing: string): Refusal {
  return refusal(
    "DuplicateNode",
    parties,
    `another process with that id is connected from ${standing} and alive; give each node its own id, or stop one`,
    `another process with the id "${parties.peer}" is connected from ${standing} and alive; give each node its own id, or stop one`,
  );
}

/** Given up before. */
export function quarantined(parties: Parties, incarnation: string): Refusal {
  return refusal(
    "Quarantined",
    parties,
    `its incarnation ${incarnation} was given up and our actors were told so; it may come back with a new one`,
    `your incarnation ${incarnation} was given up and its actors were told so; come back with a new one (the default), or restart`,
  );
}

/** The node has called itself. */
export function selfConnect(parties: Parties): Refusal {
  return refusal(
    "SelfConnect",
    parties,
    "that is this node itself; take its own URL out of its peers",
    "that is this node itself; take its own URL out of its peers",
  );
}

/** Another connection of the same association is kept. Nobody has to do anything. */
export function superseded(parties: Parties): Refusal {
  return refusal(
    "Superseded",
    parties,
    "another connection between the two nodes is kept; nothing to do",
    "another connection between the two nodes is kept; nothing to do",
  );
}

/** The other side's refusal as an error of ours; what it wrote is cut and stripped of control characters. */
export function refusedBy(address: string, code: RefusalCode, message: string): RemoteError {
  // deno-lint-ignore no-control-regex
  const said = message.slice(0, 500).replace(/[\u0000-\u001f\u007f-\u009f]/g, " ");
  return new RemoteError(code, `link with ${address}: refused by the other side: ${said}`, {
    retryable: !isFinal(code),
    details: { refusedBy: "them", address },
  });
}

/** Our refusal as an error of ours. */
export function refusedByUs(refusal: Refusal, address: string): RemoteError {
  return new RemoteError(refusal.code, refusal.ours, {
    retryable: !isFinal(refusal.code),
    details: { refusedBy: "us", address },
  });
}
