/** The typed errors of the cluster. */

import { QuorusError } from "../base/errors.ts";

/** Why a call of the cluster failed. */
export type ClusterErrorCode =
  | "BadMembers"
  | "BadTopic"
  | "TopicMismatch"
  | "TooMany"
  | "TooLarge"
  | "NoAuthority"
  | "NotPlaced"
  | "UnknownKind"
  | "ClusterClosed";

/** A failed call of the cluster; `code` says why. */
export class ClusterError extends QuorusError<ClusterErrorCode> {
  override readonly name = "ClusterError";
}

/** The node has left its cluster. */
export function clusterClosed(action: string): ClusterError {
  return new ClusterError("ClusterClosed", `${action}: this node has left its cluster; join again`);
}
