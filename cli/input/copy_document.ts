/** The workflow document that the arguments of `copy` stand for. */

import type { Disk } from "../../runtime/env/env.ts";
import { CliError } from "../exit.ts";
import { headersOf } from "./headers.ts";
import { isUri, lastName } from "./place.ts";
import { absolutePath } from "./text_file.ts";

/** What `copy` may be told beside its two places. */
export interface CopyOptions {
  readonly checksum?: string;
  readonly conflict?: string;
  readonly parallel?: number;
  readonly chunkSize?: string;
  readonly header?: readonly string[];
  readonly verify?: string;
}

/**
 * YAML (in its JSON form), so that a copy is checked, resumed and reported like any other transfer.
 * A destination that ends in `/` or is a directory keeps the source's name. A source that ends in `/`, or
 * holds a `*`, is a set of files.
 */
export async function copyDocument(
  source: string,
  destination: string,
  options: CopyOptions,
  disk: Disk,
  cwd: string,
): Promise<string> {
  const isSet = /\/$|\*/.test(source);
  const name = isSet ? setName(source) : lastName(source);
  const target = isSet
    ? await directoryFor(destination, disk, cwd)
    : await isDirectory(destination, disk, cwd)
    ? `${destination.replace(/\/+$/, "")}/${isUri(destination) ? encodeURIComponent(name) : name}`
    : destination;
  const headers = headersOf(options.header ?? []);
  const { conflict, parallel, chunkSize, verify } = options;
  return JSON.stringify({
    apiVersion: "quorus.dev/v1",
    kind: "Transfer",
    metadata: { name: documentName(name) },
    spec: {
      source: { ...place(source), ...(Object.keys(headers).length > 0 ? { headers } : {}) },
      destination: { ...place(target), ...(conflict === undefined ? {} : { conflict }) },
      validation: {
        ...(verify === undefined ? {} : { level: verify }),
        ...(options.checksum === undefined ? {} : { checksum: checksumOf(options.checksum) }),
      },
      transfer: {
        ...(parallel === undefined ? {} : { parallelRanges: parallel }),
        ...(chunkSize === undefined ? {} : { chunkSize }),
      },
    },
  });
}

/** A directory or a glob as the name of its run. */
function setName(source: string): string {
  return source.replace(/\/?[^/]*\*.*$/s, "").replace(/\/+$/, "").replace(/^.*\//s, "") || "copy";
}

/** Many files go into a directory: one that stands there need not be written with a slash. */
async function directoryFor(destination: string, disk: Disk, cwd: string): Promise<string> {
  const isIt = !destination.endsWith("/") && await isDirectory(destination, disk, cwd);
  return isIt ? `${destination}/` : destination;
}

async function isDirectory(destination: string, disk: Disk, cwd: string): Promise<boolean> {
  if (destination.endsWith("/")) return true;
  if (isUri(destination)) return false;
  return (await disk.stat(absolutePath(cwd, destination)))?.kind === "directory";
}

/** Arguments are taken as they stand: `${` in a name is no expression. */
function place(given: string): { uri: string } | { path: string } {
  const text = given.replaceAll("${", () => "$${");
  return isUri(given) ? { uri: text } : { path: text };
}

function checksumOf(text: string): { algorithm: string; value: string } {
  const match = /^(?:sha-?256:)?([0-9a-f]{64})$/i.exec(text);
  if (match?.[1] !== undefined) return { algorithm: "SHA-256", value: match[1].toLowerCase() };
  throw new CliError(
    "usage",
    `cannot use --checksum ${text}: it is not a SHA-256; write sha256: and 64 hexadecimal digits`,
  );
}

function documentName(name: string): string {
  const safe = name.replace(/[^A-Za-z0-9._-]/g, "-").replace(/^[^A-Za-z0-9]+/, "").slice(0, 64);
  return safe === "" ? "copy" : safe;
}
