/** The values of `-o`; apart from what writes them, so that the program starts without it. */

/** How results are written. */
export type OutputFormat = "table" | "json" | "yaml";

/** The values of `-o`. */
export const OUTPUT_FORMATS: readonly OutputFormat[] = ["table", "json", "yaml"];
