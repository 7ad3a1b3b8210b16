/** What the nodes of these tests say to each other. */

import { z } from "zod";
import { ask, protocol, tell } from "../../../mod.ts";

const bytes = z.instanceof(Uint8Array);

export const Peer = protocol("test.peer", {
  version: 1,
  messages: {
    /** Counted: `stream` names who numbers them. */
    note: tell(z.object({ stream: z.string(), n: z.number() })),
    load: tell(z.object({ bytes })),
    bulkLoad: tell(z.object({ bytes }), { lane: "bulk" }),
    echo: ask(z.object({ n: z.number() }), z.object({ n: z.number() })),
    /** The same past what waits on the message lane. */
    urgent: ask(z.object({}), z.object({}), { lane: "consensus" }),
    /** Never answered. */
    hold: ask(z.object({}), z.object({})),
    seen: ask(
      z.object({}),
      z.array(z.object({ stream: z.string(), count: z.number(), twice: z.number() })),
    ),
  },
});

/** How a peer is started. */
export interface PeerArguments {
  readonly id: string;
  readonly token: string;
  readonly hostname?: string;
  /** Listens there; 0 takes a free one. */
  readonly port?: number;
  readonly peers?: readonly { readonly node: string; readonly url: string }[];
  /** Overrides of `REMOTE_LIMITS`. */
  readonly limits?: Readonly<Record<string, number>>;
}

/** What a peer is told to do, one JSON text a line. */
export type Command =
  | { readonly do: "watch"; readonly address: string }
  | { readonly do: "hold"; readonly address: string; readonly withinMs: number }
  /** Numbered tells and reliable ones, without end. */
  | { readonly do: "stream"; readonly address: string; readonly everyMs: number }
  | { readonly do: "quiet" }
  | {
    readonly do: "load";
    readonly address: string;
    readonly lane: "load" | "bulkLoad";
    readonly bytes: number;
  }
  | { readonly do: "ping"; readonly address: string; readonly tag: "echo" | "urgent" }
  | { readonly do: "seen" }
  | { readonly do: "stop" };

/** What a peer says, one JSON text a line. */
export type Said =
  | { readonly say: "ready"; readonly url: string | null }
  | {
    readonly say: "link";
    readonly kind: string;
    readonly peer: string;
    readonly incarnation: string | null;
    readonly reason: string;
  }
  | { readonly say: "ended"; readonly address: string; readonly reason: string }
  | { readonly say: "held"; readonly code: string }
  | {
    readonly say: "quiet";
    readonly told: number;
    readonly reliable: number;
    readonly failed: number;
  }
  | { readonly say: "loaded"; readonly ms: number }
  /** `sentBytes`: what left on all links between the ping and its answer. */
  | { readonly say: "pinged"; readonly ms: number; readonly sentBytes: number }
  | {
    readonly say: "seen";
    readonly streams: readonly {
      readonly stream: string;
      readonly count: number;
      readonly twice: number;
    }[];
  };
