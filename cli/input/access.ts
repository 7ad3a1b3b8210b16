/** How a place is reached, as people type it: `--header`, `--auth` and `--option`. */

import { isAuthType } from "../../workflows/credentials.ts";
import type { AccessSpec, AuthSpec, Sealed } from "../../workflows/spec.ts";
import { CliError } from "../exit.ts";
import { headersOf } from "./headers.ts";

/** The options of one place. */
export interface AccessOptions {
  readonly header?: readonly string[];
  readonly auth?: readonly string[];
  readonly option?: readonly string[];
}

/** `KEY=VALUE`, any number of times; a value is in no message. */
export function fieldsOf(given: readonly string[], flag: string): Record<string, string> {
  return Object.fromEntries(given.map((text) => {
    const at = text.indexOf("=");
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
    throw new CliError("usage", `${flag} takes KEY=VALUE, such as type=key or port=2222`);
  }));
}

/** What the options mean; `${secret:NAME}`, `${env:NAME}` and `${file:PATH}` in values are references. */
export function accessOf({ header = [], auth = [], option = [] }: AccessOptions): AccessSpec {
  const headers = Object.entries(headersOf(header)).map(([name, value]) => [name, sealed(value)]);
  return {
    headers: Object.fromEntries(headers),
    auth: authOf(fieldsOf(auth, "--auth")),
    timeoutMs: null,
    tls: null,
    options: fieldsOf(option, "--option"),
  };
}

function authOf({ type, ...fields }: Record<string, string>): AuthSpec | null {
  if (type === undefined && Object.keys(fields).length === 0) return null;
  if (type === undefined || !isAuthType(type) || type === "header") {
    throw new CliError(
      "usage",
      "--auth needs type=KIND, such as type=key; quorus protocols NAME lists them",
    );
  }
  const values = Object.entries(fields).map(([name, value]) => [name, sealed(value)]);
  return { type, ...Object.fromEntries(values) } as AuthSpec;
}

const REFERENCE = /\$\{(secret|env|file):([^}]+)\}/g;

function sealed(text: string): Sealed {
  const parts: Sealed[number][] = [];
  let at = 0;
  for (const match of text.matchAll(REFERENCE)) {
    const [whole, kind, name] = match;
    if (match.index > at) parts.push(text.slice(at, match.index));
    parts.push({ [kind!]: name! } as Exclude<Sealed[number], string>);
    at = match.index + whole.length;
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}
