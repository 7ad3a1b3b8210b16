/** What refusals of a server mean (RFC 959, section 4.2.2; RFC 4217; RFC 2428). Pure. */

import { shownPath } from "../containment.ts";
import { ProtocolError, type ProtocolErrorCode } from "../errors.ts";
import type { Reply } from "./replies.ts";

const MISSING = /no such|not found|not exist|doesn't exist|cannot find|can't find|unknown file/i;
const DENIED = /permission|denied|not permitted|not allowed|forbidden|access|privilege|prohibited/i;
const TAKEN = /already exists|file exists|exists already|cannot create a file when/i;
const CROWDED = /too many|maximum|limit|try again|already (in use|logged)/i;
const SESSION = /session (reuse|re-use|resum)|TLS session of (the )?data connection/i;
const FULL = /no space|disk (is )?full|quota|insufficient (storage|disk|space)|exceed/i;

/** Codes that mean one thing only. */
const MEANING: Readonly<Record<number, ProtocolErrorCode>> = {
  425: "unreachable",
  426: "unreachable",
  430: "unauthenticated",
  431: "insecure",
  434: "unreachable",
  452: "noSpace",
  500: "unsupported",
  501: "unsupported",
  502: "unsupported",
  503: "badResponse",
  504: "unsupported",
  521: "exists",
  522: "unsupported",
  532: "unauthenticated",
  533: "insecure",
  534: "insecure",
  535: "insecure",
  536: "insecure",
  537: "insecure",
  551: "unsupported",
  552: "noSpace",
};

/** The server said no. */
export class FtpRefusal extends ProtocolError {
  /** Its three digits. */
  readonly reply: number;
  /** What it is about is told by neither code nor text: whoever asks has to look. */
  readonly isVague: boolean;
  readonly #said: readonly [action: string, place: string, reply: Reply];

  constructor(action: string, place: string, reply: Reply, code = meaningOf(reply)) {
    const text = reply.lines.join(" ").trim();
    const told = text === "" ? "" : ` ${shownPath(text)}`;
    const advice = adviceOf(code);
    super(
      code ?? "denied",
      `cannot ${onPlace(action, place)}: the server answered ${reply.code}${told}${advice}`,
      { definite: true },
    );
    this.reply = reply.code;
    this.isVague = code === null;
    this.#said = [action, place, reply];
  }

  /** The same refusal, once somebody has looked what it means. */
  as(code: ProtocolErrorCode): FtpRefusal {
    return new FtpRefusal(...this.#said, code);
  }
}

/** What is done and where, which many an action names by itself: a message says it once. */
export function onPlace(action: string, place: string): string {
  return action.includes(place) ? action : `${action} on ${place}`;
}

/** The code of ours for a refusal; `null` where a file may be missing, taken or forbidden. */
export function meaningOf({ code, lines }: Reply): ProtocolErrorCode | null {
  const text = lines.join(" ");
  if (SESSION.test(text)) return "tls";
  const known = MEANING[code];
  if (known !== undefined) return known;
  if (code === 421) return CROWDED.test(text) ? "rateLimited" : "unreachable";
  if (code === 530) return CROWDED.test(text) ? "rateLimited" : "unauthenticated";
  if (FULL.test(text)) return "noSpace";
  if (MISSING.test(text)) return "notFound";
  if (TAKEN.test(text)) return "exists";
  if (code === 450) return "io";
  if (code >= 400 && code < 500) return "serverError";
  if (code >= 500 && DENIED.test(text)) return "denied";
  if (code === 550 || code === 553) return null;
  return code >= 500 ? "unsupported" : "badResponse";
}

function adviceOf(code: ProtocolErrorCode | null): string {
  switch (code) {
    case "tls":
      return "; set option sessions: 1, or let the server do without TLS session reuse";
    case "noSpace":
      return "; free some space there, or raise the quota";
    case "rateLimited":
      return "; start less at once, or set option sessions";
    case "unauthenticated":
      return "; check user and password";
    default:
      return "";
  }
}

/** Whether a call failed because something on the way is not there. */
export function isMissing(thrown: unknown): boolean {
  return thrown instanceof ProtocolError && thrown.code === "notFound";
}

/** The server does not know the command, or not in this form. */
export function isUnknownCommand({ code }: Reply): boolean {
  return code === 500 || code === 501 || code === 502 || code === 504 || code === 522;
}
