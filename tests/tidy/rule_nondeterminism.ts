/** The lint rule `quorus/no-nondeterminism`: clocks, random values, timers and I/O come from Env. */

import { globalObjects, hostGlobals, hostMembers, presentDate } from "./host_globals.ts";
import { mayTouchHost } from "./layers.ts";
import { repositoryPath } from "./repository.ts";
import { type Scope, useOf } from "./scope.ts";

interface Finding {
  readonly name: string;
  readonly node: Deno.lint.Node;
  readonly message: string;
}

/** Fires on reading what two runs of one program may see differently, outside the real Env. */
export const noNondeterminism: Deno.lint.Rule = {
  create(context) {
    if (mayTouchHost(repositoryPath(context.filename))) return {};
    const scopes = new Map<string, Scope[]>();
    const findings = new Map<number, Finding>();
    return {
      Identifier(node) {
        if (!isWatched(node.name)) return;
        const use = useOf(node);
        if (use.kind === "declares") {
          scopes.set(node.name, [...(scopes.get(node.name) ?? []), use.scope]);
        }
        const message = use.kind === "reads" ? judge(node) : undefined;
        if (message !== undefined) findings.set(node.range[0], { name: node.name, node, message });
      },
      "Program:exit"() {
        for (const { name, node, message } of findings.values()) {
          const isShadowed = scopes.get(name)?.some((scope) => isWithin(node.range, scope));
          if (isShadowed !== true) context.report({ node, message });
        }
      },
    };
  },
};

function isWatched(name: string): boolean {
  return hostGlobals.has(name) || hostMembers.has(name) || globalObjects.has(name);
}

function isWithin(inner: Scope, outer: Scope): boolean {
  return outer[0] <= inner[0] && inner[1] <= outer[1];
}

/** Why this use of a watched global is refused; undefined when it is harmless. */
function judge(node: Deno.lint.Identifier): string | undefined {
  if (!globalObjects.has(node.name)) return judgeGlobal(node.name, node);
  const parent = node.parent;
  const name = parent.type === "MemberExpression" ? memberName(parent) : undefined;
  if (name !== undefined) return judgeGlobal(name, parent);
  return judgeDestructured(parent, (key) => hostGlobals.get(key), node.name);
}

/** Judges the expression `node`, which reads the global `name`. */
function judgeGlobal(name: string, node: Deno.lint.Node): string | undefined {
  const advice = hostGlobals.get(name);
  if (advice !== undefined) return refusal(name, advice);
  const members = hostMembers.get(name);
  if (members === undefined) return undefined;
  const parent = parentOf(node);
  if (parent === undefined) return undefined;
  if (name === "Date" && asksForPresent(node, parent)) return refusal("Date()", presentDate);
  if (parent.type === "MemberExpression") {
    const member = memberName(parent);
    const memberAdvice = member === undefined ? undefined : members.get(member);
    return memberAdvice === undefined ? undefined : refusal(`${name}.${member}`, memberAdvice);
  }
  if (parent.type === "VariableDeclarator" && parent.id.type === "Identifier") {
    return refusal(name, `under another name nobody sees that it is a global; write ${name}`);
  }
  return judgeDestructured(parent, (key) => members.get(key), name);
}

function judgeDestructured(
  parent: Deno.lint.Node,
  adviceOf: (key: string) => string | undefined,
  name: string,
): string | undefined {
  if (parent.type !== "VariableDeclarator" || parent.id.type !== "ObjectPattern") return undefined;
  for (const property of parent.id.properties) {
    if (property.type !== "Property" || property.key.type !== "Identifier") continue;
    const advice = adviceOf(property.key.name);
    if (advice !== undefined) return refusal(`${name}.${property.key.name}`, advice);
  }
  return undefined;
}

/** `Date()` gives the present whatever is passed; `new Date()` only when nothing is. */
function asksForPresent(node: Deno.lint.Node, parent: Deno.lint.Node): boolean {
  if (parent.type === "CallExpression") return isSame(parent.callee, node);
  return parent.type === "NewExpression" && isSame(parent.callee, node) &&
    parent.arguments.length === 0;
}

function memberName(node: Deno.lint.MemberExpression): string | undefined {
  if (node.property.type === "Identifier" && !node.computed) return node.property.name;
  if (node.property.type === "Literal" && typeof node.property.value === "string") {
    return node.property.value;
  }
  return undefined;
}

function parentOf(node: Deno.lint.Node): Deno.lint.Node | undefined {
  return "parent" in node ? node.parent as Deno.lint.Node : undefined;
}

function isSame(one: Deno.lint.Node, other: Deno.lint.Node): boolean {
  return one.range[0] === other.range[0] && one.range[1] === other.range[1];
}

function refusal(name: string, advice: string): string {
  return `${name} is nondeterministic and belongs to runtime/env/real*: ${advice}`;
}
