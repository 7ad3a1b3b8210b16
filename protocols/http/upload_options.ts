/** How a file is to be uploaded, as it was declared. */

import { safeName, splitPath } from "../containment.ts";
import type { Endpoint } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { decodedPath } from "../path_uri.ts";

/** The options of a destination, each with what it says. */
export const UPLOAD_OPTIONS = {
  upload: "plain (the default) or tus: how bytes are sent",
  method: "PUT (the default) or POST, of plain uploads",
  form: "sends the file as this field of a multipart/form-data form; needs method: POST",
  name:
    "what the server is told the file is called, by forms and tus; the end of the path unless declared",
  status: "the statuses that mean success, with commas between; 200, 201 and 204 unless declared",
  conditional: "true: the server honours If-Match and If-None-Match, which is tried out first",
  urls:
    "a folder on the agent that keeps the addresses of tus uploads, to go on with after a restart",
} as const;

/** Plain uploads, and what they are made of. */
export interface PlainOptions {
  readonly kind: "plain";
  readonly method: "PUT" | "POST";
  readonly form: string | null;
  readonly name: string | null;
  readonly accepts: readonly number[];
  readonly conditional: boolean;
}

/** Uploads by tus 1.0. */
export interface TusOptions {
  readonly kind: "tus";
  readonly name: string | null;
  readonly urls: string | null;
}

/** What was declared; `badEndpoint` says what is wrong with it. */
export type UploadDeclaration = PlainOptions | TusOptions;

const OF_TUS: ReadonlySet<string> = new Set(["upload", "urls", "name"]);
const SUCCESSES: readonly number[] = [200, 201, 204];

/** Reads the options of a destination. */
export function uploadOptionsOf({ options }: Endpoint, label: string): UploadDeclaration {
  const refuse = (reason: string) =>
    new ProtocolError("badEndpoint", `cannot upload to ${label}: ${reason}`);
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(UPLOAD_OPTIONS, name)) continue;
    const known = Object.keys(UPLOAD_OPTIONS).join(", ");
    throw refuse(`there is no option "${name}" for a destination; there are ${known}`);
  }
  const kind = String(options.upload ?? "plain");
  if (kind !== "plain" && kind !== "tus") {
    throw refuse(`option upload is "${kind}"; it can be plain or tus`);
  }
  const strange = Object.keys(options).find((name) =>
    kind === "tus" ? !OF_TUS.has(name) : name === "urls"
  );
  if (strange !== undefined) throw refuse(`option ${strange} says nothing with upload: ${kind}`);
  const name = options.name === undefined ? null : safeName(String(options.name));
  if (kind === "tus") return { kind, name, urls: folderOf(options.urls, refuse) };
  return { ...plainOf(options, refuse), name };
}

type Refuse = (reason: string) => ProtocolError;

function plainOf(options: Endpoint["options"], refuse: Refuse): Omit<PlainOptions, "name"> {
  const method = String(options.method ?? "PUT").toUpperCase();
  if (method !== "PUT" && method !== "POST") {
    throw refuse(`option method is "${method}"; it can be PUT or POST`);
  }
  const form = options.form === undefined ? null : String(options.form);
  // deno-lint-ignore no-control-regex -- control characters are what is refused here
  if (form !== null && (form === "" || form.length > 200 || /[\x00-\x1f\x7f]/.test(form))) {
    throw refuse("option form is no name of a field");
  }
  if (form !== null && method !== "POST") throw refuse("option form needs method: POST");
  if (options.name !== undefined && form === null) {
    throw refuse("option name says nothing without a form: the path is the name");
  }
  const conditional = options.conditional === true || options.conditional === "true";
  if (conditional && method !== "PUT") throw refuse("option conditional needs method: PUT");
  return { kind: "plain", method, form, accepts: statusesOf(options.status, refuse), conditional };
}

function statusesOf(declared: Endpoint["options"][string] | undefined, refuse: Refuse): number[] {
  if (declared === undefined) return [...SUCCESSES];
  const statuses = String(declared).split(",").map((status) => Number(status.trim()));
  const isSuccess = (status: number) => Number.isInteger(status) && status >= 200 && status <= 299;
  if (statuses.length > 0 && statuses.every(isSuccess)) return statuses;
  throw refuse("option status holds something else than statuses from 200 to 299");
}

function folderOf(
  declared: Endpoint["options"][string] | undefined,
  refuse: Refuse,
): string | null {
  if (declared === undefined) return null;
  const path = String(declared);
  if (path.startsWith("/")) return path.replace(/\/+$/, "") || "/";
  throw refuse("option urls is no absolute path");
}

/** What a server that gives the names itself is told: as declared, or the end of the path. */
export function toldName({ uri }: Endpoint, declared: string | null): string {
  const { pathname } = new URL(uri);
  return declared ?? (pathname.endsWith("/") ? "file" : nameOf(uri));
}

/** The last segment of the path of a URI; `escapes` for one that would be folded away. */
export function nameOf(uri: string): string {
  return splitPath(pathOf(uri)).name;
}

/** The decoded path of a URI, as it was written. */
export function pathOf(uri: string): string {
  // Queries often hold signatures.
  const shown = uri.replace(/\?.*$/, "");
  const encoded = /^[^:/]+:\/\/[^/?#]*([^?#]*)/.exec(uri)?.[1] ?? "";
  const path = decodedPath(shown, encoded);
  if (!/(^|\/)\.{1,2}(\/|$)/.test(path)) return path;
  const message = `cannot upload to ${shown}: "." and ".." mean other directories`;
  throw new ProtocolError("escapes", message);
}
