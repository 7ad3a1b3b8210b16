/** References of a workflow that lead out of it: to an environment, to files. */

import type { Definition } from "../workflows/definition.ts";
import type { Diagnostic } from "../workflows/diagnostic.ts";
import { isTlsPath, needs } from "../workflows/needs.ts";
import type { ValuePath } from "../workflows/source.ts";

/** What a submitter brings along. */
export interface Brought {
  readonly values: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
}

interface Refused {
  readonly written: string;
  readonly message: string;
}

/**
 * What would have to be read on our machines, each with its place: `${env:...}` and `${file:...}` without
 * a value of the submitter's own, and all of them where they would stay references until an agent looks
 * them up.
 */
export function outsideReferences(definition: Definition, brought: Brought): Diagnostic[] {
  const wanted = needs(definition, Object.keys(brought.values));
  const missing = (names: readonly string[], values: Readonly<Record<string, string>>) =>
    names.filter((name) => !Object.hasOwn(values, name));
  const refused: Refused[] = [
    ...missing(wanted.env, brought.environment).map((name) => ({
      written: `\${env:${name}}`,
      message:
        `\${env:${name}} would be read from the environment of the gateway, which submitters ` +
        "do not see; send its value under `environment`, or use a variable",
    })),
    ...missing(wanted.files, brought.files).map((name) => ({
      written: `\${file:${name}}`,
      message:
        `\${file:${name}} would be read from the disk of the gateway, which submitters do not ` +
        "see; send its text under `files`, or use a variable",
    })),
    ...wanted.sealedEnv.map((name) => ({
      written: `\${env:${name}}`,
      message:
        `\${env:${name}} would be read from the environment of an agent, which submitters do ` +
        "not see; keep it as a secret of the agents and write ${secret:...}",
    })),
    ...wanted.sealedFiles.map((name) => ({
      written: `\${file:${name}}`,
      message:
        `the file ${name} would be read from the disk of an agent, which submitters do not ` +
        "see; keep it as a secret of the agents and write ${secret:...}",
    })),
  ];
  if (refused.length === 0) return [];
  const texts = [...textsOf(definition.model, [])];
  return refused.flatMap((one) => findings(definition, texts, one));
}

function findings(
  definition: Definition,
  texts: readonly Text[],
  { written, message }: Refused,
): Diagnostic[] {
  const compact = written.replaceAll(/\s/g, "");
  const name = /^\$\{file:(.*)\}$/.exec(written)?.[1];
  const places = texts.filter(({ text, path }) =>
    text.replaceAll(/\s/g, "").includes(compact) ||
    (text === name && path.at(-2) === "tls" && isTlsPath(text))
  );
  const finding = (path: ValuePath) =>
    definition.document.finding("unbound", message, path, { needle: written });
  return places.length === 0 ? [finding([])] : places.map(({ path }) => finding(path));
}

interface Text {
  readonly text: string;
  readonly path: ValuePath;
}

function* textsOf(value: unknown, path: ValuePath): Iterable<Text> {
  if (typeof value === "string") yield { text: value, path };
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* textsOf(item, [...path, index]);
  } else if (typeof value === "object" && value !== null) {
    for (const [name, item] of Object.entries(value)) yield* textsOf(item, [...path, name]);
  }
}
