/** What a machine has of file servers, as settings: of an agent in its configuration, of a run as `--nfs`. */

import { z } from "zod";
import { messageOf } from "../../runtime/base/errors.ts";
import { mountedDisk } from "../../runtime/env/real/mounted_disk.ts";
import { assertMount, type NfsMount } from "../../protocols/nfs/endpoint.ts";
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
    path: z.string().meta({ description: "where it is mounted" }),
    fstype: z.string().optional().meta({
      description: "the type of file system to find there, instead of NFS from that server",
    }),
  }).superRefine((mount, context) => {
    try {
      assertMount({ ...mount, fstype: mount.fstype ?? null });
    } catch (thrown) {
      context.addIssue({ code: "custom", message: messageOf(thrown) });
    }
  }),
).default([]).meta({ description: "the NFS exports that this agent has mounted" });

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
  const mounts = nfs.map(({ fstype = null, ...mount }): NfsMount => ({ ...mount, fstype }));
  return {
    smb: { ticketCache: smb.ticketCache ?? null, folder },
    nfs: { mounts, files: mountedDisk },
  };
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
    nfs: { mounts: nfs.map((text) => mountOf(text, process.cwd)), files: mountedDisk },
  };
}

function mountOf(text: string, cwd: string): NfsMount {
  const match = /^(nfs:\/\/[^=]+)=(.+?)(?:,fstype=([a-z0-9._-]+))?$/i.exec(text);
  if (match === null) {
    const message = `cannot use --nfs ${JSON.stringify(text)}: write nfs://HOST/EXPORT=PATH`;
    throw new CliError("invalidInput", message);
  }
  const [, uri = "", place = "", fstype = null] = match;
  const mount = { uri, path: absolutePath(cwd, place), fstype };
  try {
    assertMount(mount);
    return mount;
  } catch (thrown) {
    throw new CliError("invalidInput", messageOf(thrown));
  }
}
