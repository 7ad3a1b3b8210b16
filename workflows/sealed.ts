/** Sealed text for people: references are shown, never what they refer to. */

import type { SealedTemplate } from "./plan.ts";

/**
 * `Bearer ${secret:TOKEN}` as it was declared. Literal text is shown as it stands: the file holds it.
 */
export function maskSealed(sealed: SealedTemplate): string {
  return sealed.map((part) => {
    if (typeof part === "string") return part;
    if ("secret" in part) return `\${secret:${part.secret}}`;
    if ("env" in part) return `\${env:${part.env}}`;
    if ("file" in part) return `\${file:${part.file}}`;
    return "step" in part ? `\${${part.step}.${part.field}}` : `\${error.${part.error}}`;
  }).join("");
}
