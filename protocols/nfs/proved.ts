/** Ends of a mount: those of local files, asked once the mount is proved, and never beyond it. */

import { abortedError } from "../aborting.ts";
import { isBelow, shownPath } from "../containment.ts";
import type { Sink, SinkPlace, Source } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { translated } from "../file/disk_failure.ts";
import type { FileSink } from "../file/sink.ts";
import { fileSource, SOURCE_CAPABILITIES } from "../file/source.ts";
import type { MountedFiles } from "./mounted.ts";

/** Where a file of a mount is. */
export interface ProvedPlace {
  readonly files: MountedFiles;
  /** The mounted path, and the one that is meant. */
  readonly root: string;
  readonly path: string;
  /** What the endpoint demands of the mount holds. */
  readonly prove: () => Promise<void>;
}

/** A source on a mount; a link that leads off the mount is not followed. */
export function provedSource({ files, root, path, prove }: ProvedPlace): Source {
  const inside = (action: string, signal: AbortSignal): Promise<Source> =>
    translated(async () => {
      if (signal.aborted) throw abortedError(action, signal);
      await prove();
      const canonical = await files.realPath(path);
      const top = await files.realPath(root);
      if (isBelow(top, canonical)) return fileSource(files, canonical);
      const message = `cannot ${action}: a link leads it off the mount, to ${shownPath(canonical)}`;
      throw new ProtocolError("escapes", message, { definite: true });
    });
  return {
    capabilities: SOURCE_CAPABILITIES,
    stat: async (signal) => await (await inside(`look at ${shownPath(path)}`, signal)).stat(signal),
    open: async (range, expected, signal) => {
      const source = await inside(`read ${shownPath(path)}`, signal);
      return await source.open(range, expected, signal);
    },
    close: () => Promise.resolve(),
  };
}

/** A sink on a mount; `root` of its place is the mounted path or one below. */
export function provedSink(inner: FileSink, prove: () => Promise<void>): Sink {
  const after = async <T>(call: () => Promise<T>): Promise<T> => {
    await prove();
    return await call();
  };
  return {
    capabilities: inner.capabilities,
    name: inner.name,
    stat: (name, signal) => after(() => inner.stat(name, signal)),
    hash: (name, signal) => after(() => inner.hash(name, signal)),
    create: (temp, signal) => after(() => inner.create(temp, signal)),
    reopen: (temp, signal) => after(() => inner.reopen(temp, signal)),
    publish: async (file, options) => {
      try {
        return await after(() => inner.publish(file, options));
      } catch (thrown) {
        await file.close().catch(() => {});
        throw thrown;
      }
    },
    seize: (temp, to) => after(() => inner.seize(temp, to)),
    abort: (temp) => after(() => inner.abort(temp)),
    probe: (temp, expected) => after(() => inner.probe(temp, expected)),
    close: () => inner.close(),
  };
}

/** The root of a destination on this machine: where it was declared, or the whole mount. */
export function localRoot(
  { root }: Pick<SinkPlace, "root">,
  exported: string,
  mounted: string,
): string {
  if (root === null || !isBelow(exported, root)) return mounted;
  const below = root.slice(exported === "/" ? 0 : exported.length).replace(/^\/+|\/+$/g, "");
  return below === "" ? mounted : `${mounted}/${below}`;
}
