/** What a server says of who may ask (RFC 9110, 11.6.1): schemes with parameters. Pure. */

/** One way to say who asks. */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** By names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
/** What some schemes have in place of parameters. */
const TOKEN68 = /[0-9A-Za-z._~+/-]+=*[ \t]*(?=,|$)/y;
const SPACE = /[ \t]*/y;
const COMMAS = /(?:[ \t]*,)*[ \t]*/y;

/** The challenges of a `WWW-Authenticate` field, several joined by commas; up to what is none. */
export function parseChallenges(text: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  const reader = new Reader(text);
  for (;;) {
    reader.take(COMMAS);
    const name = reader.take(TOKEN)?.[0].toLowerCase();
    if (name === undefined) return challenges;
    const last = challenges.at(-1);
    const value = reader.parameter();
    if (value === "malformed" || (value !== null && last === undefined)) return challenges;
    if (value !== null) {
      last!.parameters.set(name, value.text);
      continue;
    }
    challenges.push({ scheme: name, parameters: new Map() });
    reader.take(SPACE);
    reader.take(TOKEN68);
  }
}

/** The parameters of a field that is nothing but parameters, such as `Authentication-Info`. */
export function parseParameters(text: string): ReadonlyMap<string, string> {
  return parseChallenges(`x ${text}`)[0]?.parameters ?? new Map();
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.#at = pattern.lastIndex;
    return found;
  }

  /** The value behind a name that was taken; `null` where no `=` follows it: it is a scheme. */
  parameter(): { readonly text: string } | "malformed" | null {
    const before = this.#at;
    this.take(SPACE);
    if (this.#text[this.#at] !== "=") {
      this.#at = before;
      return null;
    }
    this.#at += 1;
    this.take(SPACE);
    const quoted = this.take(QUOTED);
    if (quoted !== null) return { text: quoted[1]!.replace(/\\(.)/g, "$1") };
    const token = this.take(TOKEN);
    return token === null ? "malformed" : { text: token[0] };
  }
}
