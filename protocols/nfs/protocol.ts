/** The transfer protocol of NFS exports: the files of a mount, once it is proved to be one, or of a library. */

import type { Disk, Env } from "../../runtime/env/env.ts";
import type { NfsLibrary } from "../../runtime/env/nfs_library.ts";
import { containedPath } from "../containment.ts";
import type {
  Endpoint,
  ProtocolContext,
  Sink,
  SinkEndpoint,
  TransferProtocol,
} from "../contract.ts";
import type { Directory } from "../directory.ts";
import { plainEndpoint } from "../endpoint.ts";
import { DIRECTORY_CAPABILITIES } from "../file/entries.ts";
import { FileSink, sinkCapabilities } from "../file/sink.ts";
import { SOURCE_CAPABILITIES } from "../file/source.ts";
import { fileUriOf } from "../file/uri.ts";
import { networkPlaceOf } from "../network_uri.ts";
import { directoryPath } from "../path_uri.ts";
import { MountCalls } from "./calls.ts";
import {
  assertMount,
  bestOf,
  checked,
  NFS_OPTIONS,
  type NfsMount,
  type NfsPlace,
  nfsPlaceOf,
} from "./endpoint.ts";
import { entryUri, NfsDirectory } from "./entries.ts";
import { Libraries } from "./libraries.ts";
import { LibraryDirectory, type LibraryEnd, librarySource, readOnly } from "./library.ts";
import type { NfsExport } from "./library_endpoint.ts";
import { MountedFiles } from "./mounted.ts";
import { assertDemands } from "./proof.ts";
import { localRoot, provedSink, provedSource } from "./proved.ts";

/** What the node has of NFS. */
export interface NfsMachine {
  readonly mounts: readonly NfsMount[];
  /** Files by calls that may hang without stopping the process; `null`: the disk of the Env does. */
  readonly files: Disk | null;
  /** What is read where nothing is mounted. */
  readonly reading?: { readonly exports: readonly NfsExport[]; readonly library: NfsLibrary };
}

interface Opened {
  readonly place: NfsPlace;
  readonly mounts: readonly NfsMount[];
  readonly files: MountedFiles;
  readonly env: Env;
  /** The mounted path, and the one that is meant. */
  readonly root: string;
  readonly path: string;
  /** Before anything is asked: the demands of the endpoint hold. */
  readonly prove: () => Promise<void>;
}

/**
 * `nfs:` URIs, as source, sink and directory, at the paths where this machine has them mounted; where it
 * has not, as source and directory through a library, if the settings name one.
 */
export function nfsProtocol({ mounts, files, reading }: NfsMachine): TransferProtocol {
  for (const mount of mounts) assertMount(mount);
  const libraries = reading === undefined ? null : new Libraries(reading);
  const mounted = new Map<NfsMount, MountedFiles>();
  const filesOf = (mount: NfsMount, env: Env): MountedFiles => {
    const known = mounted.get(mount);
    if (known !== undefined) return known;
    const calls = new MountCalls(`the mount of ${mount.uri}`, env.timers);
    const made = new MountedFiles({ mount, files: files ?? env.disk, env, calls });
    mounted.set(mount, made);
    return made;
  };
  const open = (endpoint: Endpoint, context: ProtocolContext): Opened => {
    context.reach?.check(endpoint.uri);
    const place = nfsPlaceOf(endpoint, mounts);
    const { mount, below, demands } = place;
    const own = filesOf(mount, context.env);
    const root = directoryPath(mount.path);
    const path = below === "" ? root : containedPath(root, below);
    const prove = async () => assertDemands(await own.entry(), mount, demands);
    const env = { ...context.env, disk: own };
    return { place, mounts, files: own, env, root, path, prove };
  };
  /** What a library is asked for: a mount, where there is one, writes too and has a cache. */
  const unmounted = (endpoint: Endpoint, context: ProtocolContext): LibraryEnd | null => {
    if (libraries === null || bestOf(mounts, checked(endpoint).place) !== null) return null;
    return libraries.endOf(endpoint, context);
  };
  return {
    name: "nfs",
    schemes: ["nfs"],
    description: {
      summary: "files of NFS exports, where this machine has them mounted, or read through libnfs",
      source: SOURCE_CAPABILITIES,
      sink: sinkCapabilities({ sync: true }),
      directory: DIRECTORY_CAPABILITIES,
      options: NFS_OPTIONS,
    },
    source: (endpoint, context) => {
      const end = unmounted(endpoint, context);
      return end === null ? provedSource(open(endpoint, context)) : librarySource(end);
    },
    sink: (endpoint, context) => {
      if (unmounted(endpoint, context) !== null) throw readOnly(`write to ${endpoint.uri}`);
      return sinkOf(open(endpoint, context), endpoint);
    },
    directory: (endpoint, context) => {
      const end = unmounted(endpoint, context);
      return end === null ? directoryOf(open(endpoint, context)) : new LibraryDirectory(end);
    },
    close: async () => {
      mounted.clear();
      await libraries?.close();
    },
  };
}

function sinkOf({ place, env, root, path, prove }: Opened, endpoint: SinkEndpoint): Sink {
  const exported = directoryPath(networkPlaceOf(["nfs"], place.mount.uri).path);
  const local = {
    ...endpoint,
    uri: fileUriOf(path),
    root: localRoot(endpoint, exported, root),
  };
  return provedSink(new FileSink(local, env), prove);
}

function directoryOf({ place, mounts, files, root, path, prove }: Opened): Directory {
  return new NfsDirectory({
    ...{ files, root, path, prove },
    uriOf: (name) => entryUri(place.place, place.place.path, name),
    pathOf: (uri) => {
      const other = nfsPlaceOf(plainEndpoint(uri), mounts);
      if (other.mount !== place.mount || other.below === "") return null;
      return containedPath(root, other.below);
    },
  });
}
