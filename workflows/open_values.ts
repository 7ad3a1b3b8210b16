/**
 * Values of the submitter's own environment and files that may stand in a plan, although they were
 * declared where credentials may stand: headers that carry none, and certificates, which are no secrets.
 * Where a plan is carried out far from who submits it, these are filled in; all else stays a reference.
 */

import { withDefaults } from "./defaults.ts";
import { defaultsOf, type Definition, stepsOf } from "./definition.ts";
import { isTlsPath } from "./needs.ts";
import type { Plan, PlannedTransfer, SealedTemplate } from "./plan.ts";
import { Scope } from "./scope.ts";
import type { ValuePath } from "./source.ts";
import type { Sealed } from "./spec.ts";
import { declaredTexts } from "./walk.ts";

/** Names of environment variables and files. */
export interface OutsideNames {
  readonly env: readonly string[];
  readonly files: readonly string[];
}

/** Their values. */
export interface OutsideValues {
  readonly environment: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
}

/** A header of such a name is taken for a credential: better one too many than one too few. */
const CREDENTIAL_HEADER =
  /auth|token|key|secret|cookie|credential|passw|passphrase|signature|session|jwt/i;

/** What a definition asks for in open places; what is credential elsewhere may be among it. */
export function openNames(definition: Definition, given: Iterable<string> = []): OutsideNames {
  const scope = new Scope(definition, given);
  const env = new Set<string>();
  const files = new Set(openTlsFiles(definition));
  for (const { text, role, path } of declaredTexts(definition)) {
    if (role !== "sealed" || !isOpen(path)) continue;
    for (const leaf of scope.leaves(text)) {
      if (leaf.kind === "env") env.add(leaf.name);
      if (leaf.kind === "file") files.add(leaf.name);
    }
  }
  return { env: [...env].sort(), files: [...files].sort() };
}

/** The plan of a definition with the values that are known in its open places. */
export function withOpenValues(plan: Plan, definition: Definition, values: OutsideValues): Plan {
  const defaults = defaultsOf(definition);
  const steps = new Map(stepsOf(definition).map(({ name, body }) => [name, body]));
  const transfers = plan.transfers.map((planned): PlannedTransfer => {
    const { source } = planned.template;
    const body = steps.get(planned.name);
    const declared = body === undefined ? undefined : withDefaults(defaults, body).source;
    const credential = (declared?.auth ?? declared?.authentication)?.header;
    const headers = Object.fromEntries(
      Object.entries(source.headers).map(([name, text]) =>
        CREDENTIAL_HEADER.test(name) || name === credential
          ? [name, text]
          : [name, filled(text, values)]
      ),
    );
    const tls = source.tls === null ? null : {
      ...source.tls,
      ca: source.tls.ca === null ? null : filled(source.tls.ca, values) as Sealed,
      cert: source.tls.cert === null ? null : filled(source.tls.cert, values) as Sealed,
    };
    return { ...planned, template: { ...planned.template, source: { ...source, headers, tls } } };
  });
  return { ...plan, transfers };
}

/** What an agent would have to look up in its own environment and files to carry a plan out. */
export function leftOutside(plan: Plan): OutsideNames {
  const env = new Set<string>();
  const files = new Set<string>();
  const look = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const { env: variable, file } = value as { readonly env?: unknown; readonly file?: unknown };
    if (typeof variable === "string") env.add(variable);
    if (typeof file === "string") files.add(file);
    for (const [name, inner] of Object.entries(value)) {
      // Options and places hold text, whatever their names are.
      if (name !== "options" && name !== "location") look(inner);
    }
  };
  for (const { template: { source, destination } } of plan.transfers) {
    look([source, destination]);
  }
  return { env: [...env].sort(), files: [...files].sort() };
}

/** `...source.headers.NAME`, `...source.tls.ca` and `cert`. */
function isOpen(path: ValuePath): boolean {
  const [place, name] = [path.at(-2), String(path.at(-1))];
  if (place === "headers") return !CREDENTIAL_HEADER.test(name);
  return place === "tls" && (name === "ca" || name === "cert");
}

function openTlsFiles(definition: Definition): string[] {
  const defaults = defaultsOf(definition);
  return stepsOf(definition).flatMap(({ body }) => {
    const { ca, cert } = withDefaults(defaults, body).source?.tls ?? {};
    return [ca, cert].filter((text): text is string => text !== undefined && isTlsPath(text));
  });
}

function filled(
  text: SealedTemplate,
  { environment, files }: OutsideValues,
): SealedTemplate {
  const parts: SealedTemplate[number][] = [];
  for (const part of text) {
    const value = typeof part === "string"
      ? part
      : "env" in part && Object.hasOwn(environment, part.env)
      ? environment[part.env]!
      : "file" in part && Object.hasOwn(files, part.file)
      ? files[part.file]!.replace(/\r?\n$/, "")
      : part;
    const last = parts.at(-1);
    if (typeof value === "string" && typeof last === "string") {
      parts[parts.length - 1] = last + value;
    } else parts.push(value);
  }
  return parts;
}
