/** Addresses of actors: `quorus://node/path/of/actor`. */

import { ActorError } from "./errors.ts";

/** A parsed address. */
export interface Address {
  readonly node: string;
  readonly path: string;
}

const NODE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const PATH = /^[A-Za-z0-9._~@:$+=,-]+(\/[A-Za-z0-9._~@:$+=,-]+)*$/;

/** The text of an address. */
export function formatAddress(node: string, path: string): string {
  return `quorus://${node}/${path}`;
}

/** Reads an address; ActorError `BadName` if it is none. */
export function parseAddress(text: string): Address {
  const match = /^quorus:\/\/([^/]+)\/(.+)$/.exec(text);
  if (match === null || !NODE_ID.test(match[1]!) || !PATH.test(match[2]!)) {
    throw new ActorError("BadName", `read address "${text}": expected quorus://node/path`);
  }
  return { node: match[1]!, path: match[2]! };
}

/** Refuses a node id that could not stand in an address. */
export function checkNodeId(id: string): void {
  if (!NODE_ID.test(id)) {
    throw new ActorError("BadName", `name node "${id}": use 1-128 letters, digits, ".", "_", "-"`);
  }
}

/** Refuses an actor name that could not stand in an address; `/` separates parts. */
export function checkName(name: string, maxCharacters: number): void {
  if (name.length > maxCharacters || !PATH.test(name)) {
    throw new ActorError(
      "BadName",
      `name actor "${
        name.slice(0, 80)
      }": use at most ${maxCharacters} letters, digits and ._~@:$+=,- in parts separated by "/"`,
    );
  }
}
