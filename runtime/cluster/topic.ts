/** Topics: named streams of messages, with the schema of what is published. */

import type { z } from "zod";
import { ClusterError } from "./errors.ts";

/** A topic; publishers and subscribers import it. Another version is another topic. */
export interface Topic<Body extends z.ZodType = z.ZodType> {
  readonly name: string;
  readonly version: number;
  readonly schema: Body;
}

/** What a topic's messages are. */
export type MessageOf<T extends Topic> = z.output<T["schema"]>;

/**
 * Declares a topic.
 *
 * @throws ClusterError `BadTopic` if the name is not dotted lower-case words or the version not >= 1.
 */
export function topic<Body extends z.ZodType>(
  name: string,
  options: { readonly version: number; readonly schema: Body },
): Topic<Body> {
  const { version, schema } = options;
  if (!/^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*$/.test(name) || name.length > 128) {
    const use = "use dotted lower-case words of at most 128 characters";
    throw new ClusterError("BadTopic", `declare topic "${name.slice(0, 128)}": ${use}`);
  }
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new ClusterError("BadTopic", `declare topic "${name}": its version counts from 1`);
  }
  return { name, version, schema };
}

/** What two declarations of the same topic have in common. */
export function topicKey({ name, version }: Pick<Topic, "name" | "version">): string {
  return `${name}@${version}`;
}
