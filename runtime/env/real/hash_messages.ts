/**
 * What the hash pool and its workers say to each other. Messages of one port arrive in order, so a
 * buffer is known before the first update that names it, and updates are hashed as they were fed.
 */

/** From the pool to a worker. */
export type HashRequest =
  | { readonly type: "share"; readonly buffer: number; readonly memory: SharedArrayBuffer }
  | { readonly type: "unshare"; readonly buffer: number }
  | {
    readonly type: "update";
    readonly call: number;
    readonly stream: number;
    readonly buffer: number;
    readonly offset: number;
    readonly length: number;
  }
  | {
    readonly type: "digest";
    readonly call: number;
    readonly stream: number;
    readonly keep: boolean;
  }
  | { readonly type: "drop"; readonly stream: number };

/** From a worker to the pool: the call that is done, with its digest if it asked for one. */
export interface HashReply {
  readonly call: number;
  readonly hex?: string;
}
