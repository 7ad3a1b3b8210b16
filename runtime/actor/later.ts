/** Replies that come later, while the actor goes on with its messages (OTP: `noreply`, then `reply`). */

/** What a handler returns instead of a reply: see {@link later}. */
export class Later<Reply> {
  /** Gets the signal that aborts when nobody waits for the reply any more, or the actor stops. */
  readonly run: (signal: AbortSignal) => Promise<Reply>;

  constructor(run: (signal: AbortSignal) => Promise<Reply>) {
    this.run = run;
  }
}

/**
 * Answers an ask with what `run` comes to, as a task beside the mailbox: the next message does not wait
 * for it. If it fails, the ask does with ActorError `HandlerFailed`; the actor goes on.
 *
 * @example
 * ```ts
 * import { z } from "zod";
 * import { actor, ask, later, protocol, startNode } from "@quorus/quorus";
 *
 * const Clerk = protocol("demo.clerk", { version: 1, messages: {
 *   look: ask(z.object({ file: z.string() }), z.number()),
 * } });
 * const clerk = actor(Clerk, {
 *   state: () => null,
 *   on: { look: (_, { file }) => later(async () => (await Deno.readFile(file)).length) },
 * });
 * const node = startNode({ id: "demo", logLevel: "error" });
 * const ref = node.spawn(clerk, { name: "clerk" });
 * console.assert(await ref.ask("look", { file: "/dev/null" }) === 0);
 * await node.stop();
 * ```
 */
export function later<Reply>(run: (signal: AbortSignal) => Promise<Reply>): Later<Reply> {
  return new Later(run);
}
