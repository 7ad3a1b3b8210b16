/** What the topics actors of two nodes say to each other. */

import { z } from "zod";
import { ask, protocol } from "../actor/protocol.ts";
import { CLUSTER_LIMITS } from "./limits.ts";

const { topicsPerNode, deliverMessages } = CLUSTER_LIMITS;

/** A subscription of a node; a `term` is never used again, so what is late is told from what is new. */
const interest = z.object({ topic: z.string(), term: z.number() });

/**
 * `interests`: all topics that a node wants from now on, each time all of them, so that hearing it twice
 * or late does no harm; `link` counts its links with the hearer. `deliver`: what was published, numbered
 * per stream without holes; the subscription counts from after `since`; `from` is the number of the
 * first item, or of the next one to come where there is none.
 */
export const TopicsProtocol = protocol("quorus.topics", {
  version: 1,
  messages: {
    interests: ask(
      z.object({
        node: z.string(),
        life: z.string(),
        link: z.number(),
        topics: z.array(interest).max(topicsPerNode.value),
      }),
      z.object({ accepted: z.boolean() }),
    ),
    deliver: ask(
      z.object({
        publisher: z.string(),
        stream: z.string(),
        topic: z.string(),
        life: z.string(),
        term: z.number(),
        since: z.number(),
        from: z.number(),
        items: z.array(z.string()).max(deliverMessages.value),
      }),
      z.object({ wanted: z.boolean() }),
    ),
  },
});

/** The path of the topics actor on each node. */
export const TOPICS_PATH = "quorus.topics";

/** What was published, on its way. */
export type Delivered = z.output<typeof TopicsProtocol.messages.deliver.body>;

/** What a node wants. */
export type Interests = z.output<typeof TopicsProtocol.messages.interests.body>;
