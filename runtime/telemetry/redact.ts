/**
 * The last line of defence of a log: what looks like a secret does not leave, wherever it came from.
 * Whoever writes a record still has to leave secrets out: nothing here knows a password by its looks.
 */

/** What stands for a secret. */
export const REDACTED = "[redacted]";

/** Facts of these names are never told. */
const SECRET_NAME =
  /passw|secret(?!s?Directory)|authorization|cookie|api_?key$|private_?key|credential/i;

/** API keys of this system, bearer and basic credentials, private keys, passwords and queries of URIs. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\bqk_[A-Za-z0-9_-]{16,}/g, REDACTED],
  [/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  [
    /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
    REDACTED,
  ],
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'@]*:[^\s/?#"']*@/gi, `$1${REDACTED}@`],
  [
    /([?&](?:[a-z0-9_.-]*(?:token|secret|signature|password|passwd|key|sig|auth)[a-z0-9_.-]*)=)[^&\s"'#]+/gi,
    `$1${REDACTED}`,
  ],
];

/** A text without what looks like a secret. */
export function redacted(text: string): string {
  let clean = text;
  for (const [pattern, by] of PATTERNS) clean = clean.replace(pattern, by);
  return clean;
}

/** Whether a fact of that name is a secret, whatever it looks like. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}
