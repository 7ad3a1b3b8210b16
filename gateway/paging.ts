/** Pages of lists. */

import type { Read } from "./answers.ts";
import { json } from "./answers.ts";
import { cursorAfter, cursorText } from "./cursor.ts";
import type { Gateway } from "./gateway.ts";

/** Where a page begins and how long it is, for a controller. */
export function pageQuery(
  { env }: Gateway,
  filters: unknown,
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number },
): { after: string | null; limit: number } {
  return {
    after: cursor === undefined ? null : cursorAfter(env.hash, filters, cursor),
    limit,
  };
}

/** Items as a controller gave them. */
export interface Items {
  readonly items: readonly unknown[];
  readonly next: string | null;
  /** It has not got all segments of the archive. */
  readonly isIncomplete?: boolean | undefined;
}

/** A page as it is answered. */
export function page(
  { env }: Gateway,
  filters: unknown,
  { items, next, isIncomplete = false }: Items,
  { freshness, headers }: Pick<Read<"jobs">, "freshness" | "headers">,
): Response {
  const cursor = next === null ? null : cursorText(env.hash, filters, next);
  const gap = isIncomplete ? { incomplete: true } : {};
  return json({ items, next: cursor, ...gap, freshness }, 200, headers);
}
