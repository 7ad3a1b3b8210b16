/** References of a workflow that lead out of it: to an environment, to files. */

import type { Definition } from "../workflows/definition.ts";
import type { Diagnostic } from "../workflows/diagnostic.ts";
import { isTlsPath, needs } from "../workflows/needs.ts";
import { leftOutside, openNames } from "../workflows/open_values.ts";
import type { Plan } from "../workflows/plan.ts";
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

/** `${env:...}` and `${file:...}` that become text, without a value of the submitter's own: with places. */
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
  ];
  return findingsOf(definition, refused);
}

/** What a plan would have an agent read on its own machine, with places. */
export function sealedReferences(
  definition: Definition,
  plan: Plan,
  { values }: Pick<Brought, "values">,
): Diagnostic[] {
  const left = leftOutside(plan);
  const open = openNames(definition, Object.keys(values));
  const instead = (isOpen: boolean, member: string) =>
    isOpen ? `send its value under \`${member}\`, or keep` : "a credential is in no plan: keep";
  return findingsOf(definition, [
    ...left.env.map((name) => ({
      written: `\${env:${name}}`,
      message:
        `\${env:${name}} would be read from the environment of an agent, which submitters do not ` +
        `see; ${instead(open.env.includes(name), "environment")} it as a secret of the agents ` +
        "and write ${secret:...}",
    })),
    ...left.files.map((name) => ({
      written: `\${file:${name}}`,
      message:
        `the file ${name} would be read from the disk of an agent, which submitters do not ` +
        `see; ${instead(open.files.includes(name), "files")} it as a secret of the agents ` +
        "and write ${secret:...}",
    })),
  ]);
}

function findingsOf(definition: Definition, refused: readonly Refused[]): Diagnostic[] {
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
