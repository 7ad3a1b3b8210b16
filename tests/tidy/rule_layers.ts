/** The lint rule `quorus/layers`: who may import whom. */

import { isSource, mayImport } from "./layers.ts";
import { repositoryPath } from "./repository.ts";

/** Fires on an import that the layer table does not allow, and on one that cannot be judged. */
export const layers: Deno.lint.Rule = {
  create(context) {
    const path = repositoryPath(context.filename);
    const judge = (source: Deno.lint.Node) => {
      const specifier = source.type === "Literal" ? source.value : undefined;
      if (typeof specifier === "string") {
        const reason = mayImport(path, specifier);
        if (reason !== null) context.report({ node: source, message: reason });
      } else if (isSource(path)) {
        context.report({
          node: source,
          message: "A computed import cannot be judged by the layer table: write it as a literal",
        });
      }
    };
    return {
      ImportDeclaration: (node) => judge(node.source),
      ImportExpression: (node) => judge(node.source),
      ExportAllDeclaration: (node) => judge(node.source),
      ExportNamedDeclaration: (node) => {
        if (node.source !== null) judge(node.source);
      },
      TSImportType: (node) => {
        if (node.argument.type === "TSLiteralType") judge(node.argument.literal);
      },
    };
  },
};
