/** The directories of an FTP server, as `server_folders.ts` asks about them. */

import type { ServerFolders } from "../server_folders.ts";
import { isMissing } from "./meaning.ts";
import type { FtpSession } from "./session.ts";

/** Those that this session sees. */
export function foldersOf(session: FtpSession): ServerFolders {
  return {
    canonical: (path) => session.canonical(path),
    stands: (path) => session.isDirectory(path),
    make: (path) => session.makeDirectory(path),
    isHopeless: (thrown) => isMissing(thrown) || session.isBroken,
  };
}
