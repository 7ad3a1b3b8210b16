/** One definition of a file: a validated document, and one view of both kinds. */

import type { SourceDocument, ValuePath } from "./source.ts";
import type {
  DeclaredAction,
  DeclaredTransfer,
  GroupDocument,
  Metadata,
  TransferDocument,
} from "./schema.ts";

/** A document that passed every check that needs no bindings. */
export interface Definition {
  readonly kind: "Transfer" | "TransferGroup";
  readonly name: string;
  /** As declared; of the shape that the JSON Schema publishes. */
  readonly model: TransferDocument | GroupDocument;
  /** The way back to file, line and column. */
  readonly document: SourceDocument;
}

/** A transfer as declared, with the place where its body stands. */
export interface StepDeclaration {
  readonly name: string;
  readonly path: ValuePath;
  readonly body: DeclaredTransfer;
}

/** The group's shared part, or nothing for a single transfer. */
export type Defaults = NonNullable<GroupDocument["spec"]["defaults"]>;

/** A single transfer is a group of one, named like its document. */
export function stepsOf(definition: Definition): StepDeclaration[] {
  const { model } = definition;
  if (model.kind === "Transfer") {
    return [{ name: singleName(model.metadata), path: ["spec"], body: model.spec }];
  }
  return model.spec.transfers.map((body, index) => ({
    name: body.name,
    path: ["spec", "transfers", index],
    body,
  }));
}

/** Names of documents may hold dots, names of transfers may not: expressions would be ambiguous. */
function singleName(metadata: Metadata): string {
  return metadata.name.replaceAll(".", "-");
}

/** What the transfers of a group share. */
export function defaultsOf(definition: Definition): Defaults {
  return definition.model.kind === "Transfer" ? {} : definition.model.spec.defaults ?? {};
}

/** The declared variables; `null` stands for one that must be given. */
export function variablesOf(definition: Definition): ReadonlyMap<string, string | null> {
  const declared = Object.entries(definition.model.spec.variables ?? {});
  return new Map(declared.map(([name, value]) => [name, value === null ? null : String(value)]));
}

/** The actions of both outcomes with their places. */
export function actionsOf(
  definition: Definition,
  outcome: "onSuccess" | "onFailure",
): readonly { readonly path: ValuePath; readonly action: DeclaredAction }[] {
  const declared = definition.model.spec[outcome] ?? [];
  return declared.map((action, index) => ({ path: ["spec", outcome, index], action }));
}
