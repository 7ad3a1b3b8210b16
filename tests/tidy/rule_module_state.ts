/** The lint rule `quorus/no-module-state`: a module holds code and constants, nothing that changes. */

import { isSource } from "./layers.ts";
import { repositoryPath } from "./repository.ts";

const advice = "two nodes in one process would share it; keep it in an actor's state or a value " +
  "that is passed along";

/** A Worker's own module is loaded once in each Worker, so its state is that Worker's. */
const workerEntry = /(^|[/_])worker\.ts$/;

/** Fires on a variable or an empty collection at the top of a source file. */
export const noModuleState: Deno.lint.Rule = {
  create(context) {
    const path = repositoryPath(context.filename);
    if (!isSource(path) || workerEntry.test(path)) return {};
    return {
      VariableDeclaration(node) {
        if (!isTopLevel(node) || node.declare) return;
        if (node.kind === "let" || node.kind === "var") {
          context.report({ node, message: `A top-level ${node.kind} is module state: ${advice}` });
        }
        for (const declarator of node.declarations) {
          if (node.kind !== "const" || !isEmptyCollection(declarator)) continue;
          const message = `An empty collection at the top is module state: ${advice}` +
            "; if it stays empty, give it a readonly type";
          context.report({ node: declarator, message });
        }
      },
    };
  },
};

function isTopLevel(node: Deno.lint.VariableDeclaration): boolean {
  const parent = node.parent as Deno.lint.Node;
  if (parent.type === "Program") return true;
  return parent.type === "ExportNamedDeclaration" && parent.parent.type === "Program";
}

function isEmptyCollection(node: Deno.lint.VariableDeclarator): boolean {
  const value = node.init;
  if (value === null || isReadonly(node.id)) return false;
  if (value.type === "ArrayExpression") return value.elements.length === 0;
  return value.type === "NewExpression" && value.arguments.length === 0 &&
    value.callee.type === "Identifier" &&
    ["Array", "Map", "Set", "WeakMap", "WeakSet"].includes(value.callee.name);
}

function isReadonly(id: Deno.lint.Node): boolean {
  const type = id.type === "Identifier" ? id.typeAnnotation?.typeAnnotation : undefined;
  if (type?.type === "TSTypeOperator") return type.operator === "readonly";
  return type?.type === "TSTypeReference" && type.typeName.type === "Identifier" &&
    type.typeName.name.startsWith("Readonly");
}
