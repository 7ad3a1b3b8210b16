/** Workers of this process. */

import { SocketError } from "../errors.ts";
import type { Workers } from "../sockets.ts";

/** Threads of this process. */
export const realWorkers: Workers = {
  start: () => {
    throw new SocketError("denied", "start worker: not built yet");
  },
  parent: null,
};
