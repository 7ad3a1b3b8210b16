/** Tells, without types, whether an identifier reads a global or names something local. */

/** Where a local name is visible: a range of source offsets. */
export type Scope = readonly [number, number];

/** What an identifier does: reads a value, declares a name in a scope, or neither. */
export type Use =
  | { readonly kind: "reads" }
  | { readonly kind: "declares"; readonly scope: Scope }
  | { readonly kind: "neither" };

/** Every node as this file needs it; the node types of Deno differ in too many small ways. */
interface AnyNode {
  readonly type: string;
  readonly range: Scope;
  readonly parent?: AnyNode;
  readonly [field: string]: unknown;
}

const neither: Use = { kind: "neither" };
const reads: Use = { kind: "reads" };

const patterns = new Set([
  "ArrayPattern",
  "AssignmentPattern",
  "ObjectPattern",
  "Property",
  "RestElement",
  "TSParameterProperty",
]);
const functions = new Set([
  "ArrowFunctionExpression",
  "FunctionDeclaration",
  "FunctionExpression",
  "TSDeclareFunction",
]);
const blocks = new Set([
  "BlockStatement",
  "ForInStatement",
  "ForOfStatement",
  "ForStatement",
  "Program",
  "StaticBlock",
  "SwitchStatement",
  "TSModuleBlock",
]);
const imports = new Set([
  "ImportDefaultSpecifier",
  "ImportNamespaceSpecifier",
  "ImportSpecifier",
]);
/** Nodes beginning with TS that hold values; all others are types and are erased. */
const valueHolders = new Set([
  "TSAsExpression",
  "TSEnumMember",
  "TSExportAssignment",
  "TSInstantiationExpression",
  "TSNonNullExpression",
  "TSSatisfiesExpression",
  "TSTypeAssertion",
]);
/** Nodes whose identifiers are labels or names of other modules. */
const nameOnly = new Set([
  "BreakStatement",
  "ContinueStatement",
  "ExportAllDeclaration",
  "ExportSpecifier",
  "ImportAttribute",
  "LabeledStatement",
  "MetaProperty",
]);

/** What the identifier `node` does where it stands. */
export function useOf(node: Deno.lint.Identifier): Use {
  const identifier = node as unknown as AnyNode;
  const parent = identifier.parent;
  if (parent === undefined || nameOnly.has(parent.type)) return neither;
  if (isPropertyName(identifier, parent)) return neither;
  return declared(identifier, parent) ?? (isErased(parent) ? neither : reads);
}

function isPropertyName(node: AnyNode, parent: AnyNode): boolean {
  if (parent.computed === true) return false;
  if (parent.type === "MemberExpression") return isSame(node, parent.property);
  if (parent.type === "Property") {
    return isSame(node, parent.key) && parent.shorthand !== true;
  }
  const keyed = ["AccessorProperty", "MethodDefinition", "PropertyDefinition", "TSEnumMember"];
  if (!keyed.includes(parent.type)) return false;
  return isSame(node, parent.key) || isSame(node, parent.id);
}

function isErased(parent: AnyNode): boolean {
  return parent.type.startsWith("TS") && !valueHolders.has(parent.type);
}

/** The declaration that `node` makes, or undefined when it declares nothing. */
function declared(node: AnyNode, parent: AnyNode): Use | undefined {
  if (imports.has(parent.type)) return declares(enclosing(node, blocks, "Program"));
  let inner = node;
  let outer: AnyNode | undefined = parent;
  while (outer !== undefined && patterns.has(outer.type)) {
    if (outer.type === "AssignmentPattern" && isSame(inner, outer.right)) return undefined;
    if (outer.type === "Property" && outer.parent?.type !== "ObjectPattern") return undefined;
    inner = outer;
    outer = outer.parent;
  }
  return outer === undefined ? undefined : declaredBy(inner, outer);
}

function declaredBy(inner: AnyNode, outer: AnyNode): Use | undefined {
  if (outer.type === "VariableDeclarator") {
    if (!isSame(inner, outer.id)) return undefined;
    const isVar = outer.parent?.kind === "var";
    return declares(enclosing(outer, isVar ? functions : blocks, "Program"));
  }
  if (functions.has(outer.type)) {
    if (isSame(inner, outer.body)) return undefined;
    const isHoisted = isSame(inner, outer.id) && outer.type !== "FunctionExpression";
    return declares(isHoisted ? enclosing(outer, blocks, "Program") : outer);
  }
  if (outer.type === "ClassDeclaration" || outer.type === "ClassExpression") {
    if (!isSame(inner, outer.id)) return undefined;
    return declares(outer.type === "ClassExpression" ? outer : enclosing(outer, blocks, "Program"));
  }
  if (outer.type === "CatchClause") return declares(outer);
  const named = ["TSEnumDeclaration", "TSImportEqualsDeclaration", "TSModuleDeclaration"];
  return named.includes(outer.type) ? declares(enclosing(outer, blocks, "Program")) : undefined;
}

function declares(scope: AnyNode): Use {
  return { kind: "declares", scope: scope.range };
}

/** The nearest node above `node` whose type is among `types`, or is `last`. */
function enclosing(node: AnyNode, types: ReadonlySet<string>, last: string): AnyNode {
  let current = node;
  while (current.parent !== undefined) {
    current = current.parent;
    if (types.has(current.type) || current.type === last) return current;
  }
  return current;
}

function isSame(node: AnyNode, other: unknown): boolean {
  const range = (other as AnyNode | null | undefined)?.range;
  return range !== undefined && range[0] === node.range[0] && range[1] === node.range[1];
}
