/** The dependency graph of a group: levels, cycles, and who comes before whom. */

/** A node of the graph. */
export interface GraphNode {
  readonly name: string;
  readonly dependsOn: readonly string[];
}

/**
 * The names by level: level 0 depends on nothing, level n on something of level n - 1. Every level is in
 * declared order. Nodes on a cycle, and what depends on them, are in no level.
 */
export function levelsOf(nodes: readonly GraphNode[]): string[][] {
  const open = new Map(nodes.map((node) => [node.name, new Set(node.dependsOn).size]));
  const order = new Map(nodes.map((node, index) => [node.name, index]));
  const dependents = dependentsOf(nodes);
  const levels: string[][] = [];
  let current = nodes.filter((node) => open.get(node.name) === 0).map((node) => node.name);
  while (current.length > 0) {
    levels.push(current);
    const next: string[] = [];
    for (const name of current) {
      for (const dependent of dependents.get(name) ?? []) {
        const left = open.get(dependent)! - 1;
        open.set(dependent, left);
        if (left === 0) next.push(dependent);
      }
    }
    current = next.sort((left, right) => order.get(left)! - order.get(right)!);
  }
  return levels;
}

/** For each name, those that depend on it directly, in declared order. */
export function dependentsOf(nodes: readonly GraphNode[]): Map<string, string[]> {
  const dependents = new Map<string, string[]>(nodes.map((node) => [node.name, []]));
  for (const node of nodes) {
    for (const name of new Set(node.dependsOn)) dependents.get(name)?.push(node.name);
  }
  return dependents;
}

/** Cycles, each as `[a, b, a]`, one per group of nodes that hold each other; none in a sound graph. */
export function cyclesOf(nodes: readonly GraphNode[]): string[][] {
  const edges = new Map(nodes.map((node) => [node.name, node.dependsOn]));
  const finished = new Set<string>();
  const cycles: string[][] = [];
  for (const node of nodes) {
    if (!finished.has(node.name)) walk(node.name, edges, finished, cycles);
  }
  return cycles;
}

/** Iterative: a chain of 50,000 transfers would overflow a recursive walk. */
function walk(
  start: string,
  edges: ReadonlyMap<string, readonly string[]>,
  finished: Set<string>,
  cycles: string[][],
): void {
  const path: { name: string; next: number }[] = [{ name: start, next: 0 }];
  const onPath = new Map([[start, 0]]);
  while (path.length > 0) {
    const top = path.at(-1)!;
    const following = edges.get(top.name)?.[top.next];
    top.next += 1;
    if (following === undefined) {
      finished.add(top.name);
      onPath.delete(top.name);
      path.pop();
      continue;
    }
    const at = onPath.get(following);
    if (at !== undefined) {
      cycles.push([...path.slice(at).map((step) => step.name), following]);
    } else if (!finished.has(following) && edges.has(following)) {
      onPath.set(following, path.length);
      path.push({ name: following, next: 0 });
    }
  }
}

/** Answers whether one transfer comes before another; bounded, because a hostile file could ask n² times. */
export class Ancestry {
  readonly #edges: ReadonlyMap<string, readonly string[]>;
  #budget: number;

  constructor(nodes: readonly GraphNode[], visits = 20_000_000) {
    this.#edges = new Map(nodes.map((node) => [node.name, node.dependsOn]));
    this.#budget = visits;
  }

  /** Whether `name` waits for `earlier`, directly or through others; `null` when the budget is used up. */
  precedes(earlier: string, name: string): boolean | null {
    if (this.#edges.get(name)?.includes(earlier)) return true;
    const seen = new Set<string>([name]);
    const open = [name];
    while (open.length > 0) {
      for (const dependency of this.#edges.get(open.pop()!) ?? []) {
        this.#budget -= 1;
        if (this.#budget < 0) return null;
        if (dependency === earlier) return true;
        if (!seen.has(dependency)) open.push(dependency);
        seen.add(dependency);
      }
    }
    return false;
  }
}
