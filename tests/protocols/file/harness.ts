/** Situations of local files, on any disk. */

import { splitPath } from "../../../protocols/containment.ts";
import { fileProtocol } from "../../../protocols/file/protocol.ts";
import { fileUriOf } from "../../../protocols/file/uri.ts";
import type { Env } from "../../../runtime/env/env.ts";
import type { Harness } from "../../conformance/harness.ts";

/** Writes `bytes` at `path`, as a new file in the old one's place. */
export async function putFile(env: Env, path: string, bytes: Uint8Array): Promise<void> {
  const file = await env.disk.open(`${path}.new`, { write: true, create: true, truncate: true });
  await file.write(bytes, 0);
  await file.close();
  await env.disk.rename(`${path}.new`, path);
}

/** All bytes at `path`, `null` if nothing is there. */
export async function bytesOf(env: Env, path: string): Promise<Uint8Array | null> {
  if (await env.disk.stat(path) === null) return null;
  const file = await env.disk.open(path, { read: true });
  const bytes = new Uint8Array((await file.stat()).size);
  for (let at = 0; at < bytes.length;) at += await file.read(bytes.subarray(at), at);
  await file.close();
  return bytes;
}

async function inPlace(
  env: Env,
  path: string,
  act: (file: Awaited<ReturnType<Env["disk"]["open"]>>, size: number) => Promise<void>,
): Promise<void> {
  const file = await env.disk.open(path, { read: true, write: true });
  await act(file, (await file.stat()).size);
  await file.close();
}

/** The file protocol in the existing directory `directory`. */
export function fileHarness(env: Env, directory: string): Omit<Harness, "close"> {
  const pathOf = (name: string) => `${directory}/${name}`;
  const uri = (name: string) => fileUriOf(pathOf(name));
  const put = (name: string, bytes: Uint8Array) => putFile(env, pathOf(name), bytes);
  return {
    protocol: fileProtocol(),
    context: { env },
    source: {
      uri,
      put,
      truncate: (name, atBytes) =>
        Promise.resolve(() => inPlace(env, pathOf(name), (file) => file.truncate(atBytes))),
      oneByteMore: (name) =>
        Promise.resolve(() =>
          inPlace(env, pathOf(name), (file, size) => file.write(new Uint8Array(1), size))
        ),
    },
    sink: {
      uri,
      put,
      published: (name) => bytesOf(env, pathOf(name)),
      mode: async (name) => (await env.disk.stat(pathOf(name)))?.mode ?? -1,
      directories: true,
    },
    directory: {
      uri: (path) => path === "" ? `${fileUriOf(directory)}/` : uri(path),
      put: async (path, bytes) => {
        const { directory: parent } = splitPath(pathOf(path));
        await env.disk.makeDirectory(parent, { recursive: true });
        await put(path, bytes);
      },
    },
  };
}
