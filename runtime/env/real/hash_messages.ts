/**
 * What the hash pool and its workers say to each other. Messages of one port arrive in order, so
 * updates are hashed as they were fed. The bytes of an update travel with it, and back.
 */

/** From the pool to a worker. */
export type HashRequest =
  | {
    readonly type: "update";
    readonly call: number;
    readonly stream: number;
    readonly bytes: Uint8Array<ArrayBuffer>;
    readonly length: number;
  }
  | {
    readonly type: "digest";
    readonly call: number;
    readonly stream: number;
    readonly keep: boolean;
  }
  | { readonly type: "drop"; readonly stream: number };

/** From a worker to the pool: the call that is done, with what it asked for. */
export type HashReply =
  | { readonly call: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly call: number; readonly hex: string };
