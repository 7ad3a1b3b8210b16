/** The directories of an SSH server, as `server_folders.ts` asks about them. */

import type { ServerFolders } from "../server_folders.ts";
import { isMissing } from "./publish.ts";
import type { SftpSession } from "./session.ts";

/** Those that this session sees. */
export function foldersOf(session: SftpSession): ServerFolders {
  return {
    canonical: (path) => session.realPath(path),
    stands: async (path) => await session.stat(path, "follow") !== null,
    make: (path) => session.makeDirectory(path),
    isHopeless: isMissing,
  };
}
