/** The lint rule `quorus/function-length`. */

/** A function longer than this many lines does more than one thing. */
const maxLines = 70;

/** Fires on a function, method or arrow function of more than 70 lines. */
export const functionLength: Deno.lint.Rule = {
  create(context) {
    const measure = (node: Deno.lint.Node) => {
      const lines = context.sourceCode.getText(node).split("\n").length;
      if (lines <= maxLines) return;
      const [start] = node.range;
      context.report({
        range: [start, start + 1],
        message: `This function has ${lines} lines, at most ${maxLines} can be read at once: ` +
          "take steps out of it and name them",
      });
    };
    return {
      FunctionDeclaration: measure,
      FunctionExpression: measure,
      ArrowFunctionExpression: measure,
    };
  },
};
