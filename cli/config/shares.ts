/** What a machine has of file servers, as settings: of an agent in its configuration, of a run as `--nfs`. */

import { z } from "zod";
import { messageOf } from "../../runtime/base/errors.ts";
import { mountedDisk } from "../../runtime/env/real/mounted_disk.ts";
import { realNfsLibrary } from "../../runtime/env/real/nfs_library.ts";
import { assertMount, type NfsMount } from "../../protocols/nfs/endpoint.ts";
import { assertExport, type NfsExport } from "../../protocols/nfs/library_endpoint.ts";
import type { NfsMachine } from "../../protocols/nfs/protocol.ts";
import { CliError } from "../exit.ts";
import { absolutePath } from "../input/text_file.ts";
import type { Process } from "../process.ts";
import type { ShareMachine } from "../protocols.ts";
import { path } from "./fields.ts";

/** Where files wait on their way, unless TMPDIR says otherwise. */
const TEMPORARY_FOLDER = "/tmp";

/** The settings of NFS: which exports are mounted where. */
export const nfsField = z.array(
  z.strictObject({
    uri: z.string().meta({ description: "nfs://HOST/EXPORT" }),
    path: z.string().optional().meta({ description: "where it is mounted" }),
    library: z.string().optional().meta({
      description: "the path of a libnfs.so.13, to read it through that: it is not mounted",
    }),
    fstype: z.string().optional().meta({
      description: "the type of file system to find there, instead of NFS from that server",
    }),
  }).superRefine(({ uri, path, library, fstype }, context) => {
    try {
      if ((path === undefined) === (library === undefined)) {
        throw new CliError("invalidInput", `${uri} needs a path or a library, and not both`);
      }
      if (library !== undefined) assertExport({ uri, library });
      else assertMount({ uri, path: path!, fstype: fstype ?? null });
    } catch (thrown) {
      context.addIssue({ code: "custom", message: messageOf(thrown) });
    }
  }),
).default([]).meta({ description: "the NFS exports that this agent has mounted, or may read" });

/** The settings of SMB. */
export const smbFields = z.strictObject({
  ticketCache: path("the Kerberos credential cache; the one that Kerberos finds if left out")
    .optional(),
}).prefault({});

/** The settings as they are read. */
export interface ShareSettings {
  readonly nfs: z.infer<typeof nfsField>;
  readonly smb: z.infer<typeof smbFields>;
}

/** What settings mean; `folder` is the node's own, for files on their way. */
export function sharesOfSettings({ nfs, smb }: ShareSettings, folder: string): ShareMachine {
  const mounts = nfs.flatMap(({ uri, path, fstype = null }): NfsMount[] =>
    path === undefined ? [] : [{ uri, path, fstype }]
  );
  const exports = nfs.flatMap(({ uri, library }): NfsExport[] =>
    library === undefined ? [] : [{ uri, library }]
  );
  return { smb: { ticketCache: smb.ticketCache ?? null, folder }, nfs: machineOf(mounts, exports) };
}

/** What a person's machine has; `nfs` are texts as `nfs://HOST/EXPORT=PATH`. */
export function sharesOf(
  process: Pick<Process, "env" | "cwd">,
  nfs: readonly string[],
): ShareMachine {
  return {
    smb: {
      ticketCache: process.env("KRB5CCNAME") ?? null,
      folder: process.env("TMPDIR") ?? TEMPORARY_FOLDER,
    },
    nfs: machineOf(
      nfs.filter((text) => !LIBRARY.test(text)).map((text) => mountOf(text, process.cwd)),
      nfs.filter((text) => LIBRARY.test(text)).map(exportOf),
    ),
  };
}

const LIBRARY = /^(nfs:\/\/[^=]+)=libnfs:(.+)$/i;

function machineOf(mounts: readonly NfsMount[], exports: readonly NfsExport[]): NfsMachine {
  const machine = { mounts, files: mountedDisk };
  if (exports.length === 0) return machine;
  return { ...machine, reading: { exports, library: realNfsLibrary() } };
}

function exportOf(text: string): NfsExport {
  const [, uri = "", library = ""] = LIBRARY.exec(text)!;
  return refusing(() => {
    assertExport({ uri, library });
    return { uri, library };
  });
}

function refusing<T>(read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw new CliError("invalidInput", messageOf(thrown));
  }
}

function mountOf(text: string, cwd: string): NfsMount {
  const match = /^(nfs:\/\/[^=]+)=(.+?)(?:,fstype=([a-z0-9._-]+))?$/i.exec(text);
  if (match === null) {
    const message = `cannot use --nfs ${JSON.stringify(text)}: write nfs://HOST/EXPORT=PATH, or ` +
      "nfs://HOST/EXPORT=libnfs:PATH of a libnfs.so.13";
    throw new CliError("invalidInput", message);
  }
  const [, uri = "", place = "", fstype = null] = match;
  const mount = { uri, path: absolutePath(cwd, place), fstype };
  return refusing(() => {
    assertMount(mount);
    return mount;
  });
}
